package acceptance_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// patience bounds every wait of a story.
const patience = 60 * time.Second

// story is what happens on a node while an engine follows it, told with named people and transactions.
type story struct {
	t       *testing.T
	rig     *rig
	way     way
	dir     string
	start   string
	engine  *engine.Engine
	stop    func()
	events  chan engine.Event
	people  map[string]*person
	txs     map[string]transaction
	outputs map[string][]coins.OutPoint // those of a transaction that pay people
}

// person has an address.
type person struct {
	address string
	script  []byte
	watched bool
}

// amount is what a person is paid.
type amount struct{ to, value string }

func pays(to, value string) amount { return amount{to, value} }

// begin begins a story with an engine that runs on an index of its own; start is as in the configuration.
func begin(t *testing.T, r *rig, w way, start string) *story {
	t.Helper()
	s := &story{t: t, rig: r, way: w, dir: t.TempDir(), start: start, people: map[string]*person{},
		txs: map[string]transaction{}, outputs: map[string][]coins.OutPoint{}}
	s.open()
	return s
}

func (s *story) must(err error) {
	if err != nil {
		s.t.Helper()
		s.t.Fatal(err)
	}
}

// open starts an engine on the story's index.
func (s *story) open() {
	s.t.Helper()
	s.events = make(chan engine.Event, 1<<16)
	events := s.events
	opened, err := engine.Open(s.t.Context(), s.rig.configure(s.t, s.dir, s.start, s.way), engine.Options{Nodes: s.rig.pool, OnEvent: func(e engine.Event) {
		select {
		case events <- e:
		default: // nobody looks
		}
	}})
	s.must(err)
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- opened.Run(ctx) }()
	stopped := false
	s.engine, s.stop = opened, func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("engine: %v", err)
		}
		if err := opened.Close(); err != nil {
			s.t.Errorf("close: %v", err)
		}
	}
	s.t.Cleanup(s.stop)
}

// meet gives people addresses that are not watched.
func (s *story) meet(names ...string) {
	s.t.Helper()
	for _, name := range names {
		address, err := s.rig.address(s.t.Context())
		s.must(err)
		script, err := s.rig.coin.Script(address)
		s.must(err)
		s.people[name] = &person{address: address, script: script}
	}
}

// watch imports the addresses of people, who are met first where they are new. It waits until their past is read.
func (s *story) watch(from string, names ...string) {
	s.t.Helper()
	job := s.importing(from, names...)
	if job != nil {
		s.ended(job.ID)
	}
}

// importing is watch without the wait.
func (s *story) importing(from string, names ...string) *engine.Job {
	s.t.Helper()
	request := engine.ImportRequest{From: from}
	for _, name := range names {
		if s.people[name] == nil {
			s.meet(name)
		}
		s.people[name].watched = true
		request.Addresses = append(request.Addresses, s.people[name].address)
	}
	result, err := s.engine.ImportAddresses(s.t.Context(), s.rig.symbol, request)
	s.must(err)
	if result.Added != len(names) {
		s.t.Fatalf("import of %v: %d added", names, result.Added)
	}
	return result.Job
}

// ended waits until a rescan is done.
func (s *story) ended(id engine.JobID) {
	s.t.Helper()
	s.until(fmt.Sprintf("rescan %d done", id), func() (bool, error) {
		job, err := s.engine.Job(s.t.Context(), s.rig.symbol, id)
		if err == nil && job.Ended() && job.State != "done" {
			err = fmt.Errorf("rescan is %s: %s", job.State, job.Error)
		}
		return job.Ended(), err
	})
}

// draft builds a transaction from coins of nobody's, and sends it nowhere.
func (s *story) draft(name string, to ...amount) { s.t.Helper(); s.build(name, spec{}, to) }

// pay is draft, and send.
func (s *story) pay(name string, to ...amount) {
	s.t.Helper()
	s.draft(name, to...)
	s.send(name)
}

// spend builds and sends a transaction that spends all that another paid to people.
func (s *story) spend(name, from string, to ...amount) {
	s.t.Helper()
	s.build(name, spec{inputs: s.outputs[from]}, to)
	s.send(name)
}

// double builds a transaction with the inputs of another and a higher fee, and sends it nowhere.
func (s *story) double(name, other string, to ...amount) {
	s.t.Helper()
	s.build(name, spec{inputs: s.txs[other].inputs, fee: 4 * s.rig.fee}, to)
}

func (s *story) build(name string, made spec, to []amount) {
	s.t.Helper()
	for _, one := range to {
		value, err := coins.ParseAmount(one.value)
		s.must(err)
		if s.people[one.to] == nil {
			s.meet(one.to)
		}
		made.outputs = append(made.outputs, output{s.people[one.to].address, value})
	}
	tx, err := s.rig.build(s.t.Context(), made)
	if err != nil {
		s.t.Fatalf("build %s: %v", name, err)
	}
	s.txs[name] = tx
	for n := range to {
		s.outputs[name] = append(s.outputs[name], coins.OutPoint{TxID: tx.id, Vout: uint32(n)})
	}
}

// send gives drafted transactions to the node.
func (s *story) send(names ...string) {
	s.t.Helper()
	for _, name := range names {
		if err := s.rig.broadcast(s.t.Context(), s.txs[name]); err != nil {
			s.t.Fatalf("send %s: %v", name, err)
		}
	}
}

// mine mines blocks with what is in the mempool.
func (s *story) mine(n int) { s.t.Helper(); s.must(s.rig.mine(s.t.Context(), n, "")) }

// reward mines one block that pays a person, and names its coinbase.
func (s *story) reward(name, person string) {
	s.t.Helper()
	s.must(s.rig.mine(s.t.Context(), 1, s.people[person].address))
	s.must(s.rig.truth.follow(s.t.Context()))
	coinbase := &s.rig.truth.active[len(s.rig.truth.active)-1].Tx[0]
	s.txs[name] = transaction{id: coinbase.TxID}
	s.outputs[name] = []coins.OutPoint{{TxID: coinbase.TxID}}
}

// mineOnly mines one block that holds these transactions alone.
func (s *story) mineOnly(names ...string) {
	s.t.Helper()
	var txs []transaction
	for _, name := range names {
		txs = append(txs, s.txs[name])
	}
	s.must(s.rig.mineOnly(s.t.Context(), txs...))
}

// reorg replaces the last depth blocks by one more of them. What the old ones held is unconfirmed again, as far as the
// node keeps it.
func (s *story) reorg(depth int) coins.BlockHash {
	s.t.Helper()
	hash, err := s.rig.invalidate(s.t.Context(), depth)
	s.must(err)
	s.mine(depth + 1)
	return hash
}

// compete lets somebody else mine a longer branch that holds theirs, while ours mines depth blocks.
func (s *story) compete(depth int, theirs string, ours func()) {
	s.t.Helper()
	s.must(s.rig.hand.(competitor).compete(s.t.Context(), depth, s.txs[theirs], ours))
}

// until waits for a condition.
func (s *story) until(what string, condition func() (bool, error)) {
	s.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := condition()
		if err != nil {
			s.t.Fatalf("%s: %v", what, err)
		}
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-limit.C:
			status, _ := s.engine.Coin(s.t.Context(), s.rig.symbol)
			s.t.Fatalf("waited in vain: %s; coin is %s %s at %v", what, status.State, status.Reason, status.Tip)
		}
	}
}

// balance is what Coffer says that a person has.
func (s *story) balance(name string) engine.Balance {
	s.t.Helper()
	balance, err := s.engine.Balance(s.t.Context(), s.rig.symbol, s.people[name].address)
	s.must(err)
	return balance
}

// has says what a person must have now, as "confirmed 1.5, incoming 2": classes that are not named are zero, but the
// total, which is their sum.
func (s *story) has(name, text string) {
	s.t.Helper()
	s.agrees()
	b := s.balance(name)
	var classes []string
	for _, class := range []struct {
		name  string
		value coins.Total
	}{{"confirmed", b.Confirmed}, {"immature", b.Immature}, {"incoming", b.Incoming}, {"outgoing", b.Outgoing}} {
		if !class.value.IsZero() {
			classes = append(classes, class.name+" "+trimmed(class.value.String()))
		}
	}
	if got := strings.Join(classes, ", "); got != text {
		s.t.Errorf("%s has %q, want %q", name, got, text)
	}
}

// trimmed is a decimal without the zeros at its end.
func trimmed(decimal string) string {
	if strings.Contains(decimal, ".") {
		decimal = strings.TrimSuffix(strings.TrimRight(decimal, "0"), ".")
	}
	return decimal
}
