package acceptance_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/utxo"
)

// pageSize is small, so that every list is put together from several pages.
const pageSize = 3

// watched returns the scripts that the story watches, each with its person's name.
func (s *story) watched() (names map[string]string, scripts map[string]bool) {
	names, scripts = map[string]string{}, map[string]bool{}
	for name, p := range s.people {
		if p.watched {
			names[string(p.script)], scripts[string(p.script)] = name, true
		}
	}
	return names, scripts
}

// agrees waits until all that the engine says of the story's people is what the node says.
func (s *story) agrees() {
	s.t.Helper()
	var last string
	s.t.Cleanup(func() {
		if s.t.Failed() && last != "" {
			s.t.Logf("engine and node differ:\n%s", last)
		}
	})
	s.until("engine and node agree", func() (bool, error) {
		different, err := s.differences(s.engine)
		last = strings.Join(different, "\n")
		return len(different) == 0, err
	})
}

// differences names all in which an engine differs from the node.
func (s *story) differences(e *engine.Engine) ([]string, error) {
	ctx := s.t.Context()
	status, err := e.Coin(ctx, s.rig.symbol)
	if err != nil {
		return nil, err
	}
	_, scripts := s.watched()
	v, err := s.rig.truth.look(ctx, scripts)
	if err != nil {
		return nil, err
	}
	if status.Tip == nil || *status.Tip != v.tip {
		return []string{fmt.Sprintf("index at %v, node at %v", status.Tip, v.tip)}, nil
	}
	var d differ
	d.add(s.compareCoins(e, v))
	d.add(s.compareBalances(e, v))
	d.add(s.compareHistory(e, v))
	if s.rig.utxoSet && len(scripts) > 0 {
		d.add(s.compareSet(v, scripts))
	}
	return d.list, d.err
}

// differ collects differences until something fails.
type differ struct {
	list []string
	err  error
}

func (d *differ) add(list []string, err error) {
	if d.err == nil {
		d.list, d.err = append(d.list, list...), err
	}
}

// maturity is the height of the first block that may spend a coin.
func (s *story) maturity(c *trueCoin) coins.Height {
	chain := &s.rig.coin.Params().Chain
	switch {
	case c.coinbase:
		return c.block.Height + chain.MaturityOf(c.block.Height)
	case c.pegOut:
		return c.block.Height + chain.PegOutMaturity
	}
	return c.block.Height
}

func (s *story) compareCoins(e *engine.Engine, v *view) ([]string, error) {
	got := map[string]bool{}
	query := engine.CoinQuery{Page: engine.Page{Limit: pageSize}}
	for {
		page, err := e.Coins(s.t.Context(), s.rig.symbol, query)
		if err != nil {
			return nil, err
		}
		for i := range page.Coins {
			c := &page.Coins[i]
			block := coins.BlockID{}
			if c.Block != nil {
				block = *c.Block
			}
			line := coinLine(c.OutPoint, c.Address, c.Value, block)
			got[line+fmt.Sprintf(" spent by %q, coinbase %v, peg-out %v, spendable at %d", c.SpentBy, c.Coinbase, c.PegOut, c.SpendableAt)] = true
		}
		if query.After = page.Next; page.Next == "" {
			break
		}
	}
	want := map[string]bool{}
	for _, c := range v.coins {
		address, _ := s.rig.coin.Address([]byte(c.script))
		by, from := "", s.maturity(c)
		if c.spentBy != (coins.TxID{}) {
			by = c.spentBy.String()
		}
		if from <= v.tip.Height+1 {
			from = 0
		}
		line := coinLine(c.outpoint, address, c.value, c.block)
		want[line+fmt.Sprintf(" spent by %q, coinbase %v, peg-out %v, spendable at %d", by, c.coinbase, c.pegOut, from)] = true
	}
	return different("coin", got, want), nil
}

func coinLine(at coins.OutPoint, address string, value coins.Amount, block coins.BlockID) string {
	return fmt.Sprintf("%s of %s: %s in %v", at, address, value, block)
}

// different names what is in one set and not in the other.
func different(noun string, got, want map[string]bool) (list []string) {
	for _, line := range slices.Sorted(maps.Keys(want)) {
		if !got[line] {
			list = append(list, "missing "+noun+": "+line)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(got)) {
		if !want[line] {
			list = append(list, "too much, "+noun+": "+line)
		}
	}
	return list
}

// compareBalances holds the balances of everybody, and of all together, to the sums of coins by class.
func (s *story) compareBalances(e *engine.Engine, v *view) (list []string, err error) {
	names, _ := s.watched()
	want := map[string]*engine.Balance{"": {}}
	for _, name := range names {
		want[name] = &engine.Balance{}
	}
	for _, c := range v.coins {
		for _, b := range []*engine.Balance{want[names[c.script]], want[""]} {
			s.count(b, c, v.tip.Height)
		}
	}
	for f := range v.history {
		if f.kind == "funded" {
			want[names[f.script]].Received++
			want[""].Received++
		}
	}
	for name, w := range want {
		address := ""
		if name != "" {
			address = s.people[name].address
		}
		got, err := e.Balance(s.t.Context(), s.rig.symbol, address)
		if err != nil {
			return nil, err
		}
		w.Total = w.Confirmed.Plus(w.Incoming).Minus(w.Outgoing)
		if got.Balance != w.Balance || got.Scanning {
			list = append(list, fmt.Sprintf("balance of %q is %+v, want %+v", name, got, w.Balance))
		}
	}
	return list, nil
}

// count adds a coin to the classes it belongs to.
func (s *story) count(b *engine.Balance, c *trueCoin, tip coins.Height) {
	if c.confirmed {
		b.Confirmed = b.Confirmed.Add(c.value)
		b.Coins++
		if s.maturity(c) > tip+1 {
			b.Immature = b.Immature.Add(c.value)
		}
	} else {
		b.Incoming = b.Incoming.Add(c.value)
	}
	if c.spentBy != (coins.TxID{}) {
		b.Outgoing = b.Outgoing.Add(c.value)
	}
}

// compareHistory holds everybody's history to the walk over the node's blocks: each line, and that the sum of a
// history is what its address has.
func (s *story) compareHistory(e *engine.Engine, v *view) (list []string, err error) {
	names, _ := s.watched()
	got, want := map[string]bool{}, map[string]bool{}
	for f := range v.history {
		want[fmt.Sprintf("%s %s %s %s:%d %s in %v", names[f.script], f.kind, f.value, f.txid, f.n, f.outpoint, f.block)] = true
	}
	for _, name := range names {
		var sum coins.Total
		query := engine.HistoryQuery{Address: s.people[name].address, Page: engine.Page{Limit: pageSize}}
		for more := true; more; more = query.After != "" {
			page, err := e.History(s.t.Context(), s.rig.symbol, query)
			if err != nil {
				return nil, err
			}
			for i := range page.Events {
				h := &page.Events[i]
				if h.Block == nil {
					continue
				}
				line := fmt.Sprintf("%s %s %s %s:%d %s in %v", name, h.Kind, h.Value, h.TxID, h.N, h.OutPoint, *h.Block)
				if got[line] {
					list = append(list, "twice in history: "+line)
				}
				got[line] = true
				if h.Kind == "funded" {
					sum = sum.Add(h.Value)
				} else {
					sum = sum.Sub(h.Value)
				}
			}
			query.After = page.Next
		}
		b, err := e.Balance(s.t.Context(), s.rig.symbol, query.Address)
		if err != nil {
			return nil, err
		}
		if b.Confirmed != sum {
			list = append(list, fmt.Sprintf("history of %s comes to %s, its coins to %s", name, sum, b.Confirmed))
		}
	}
	return append(list, different("event", got, want)...), nil
}

// compareSet holds the walk over the node's blocks to its own coin database.
func (s *story) compareSet(v *view, scripts map[string]bool) ([]string, error) {
	set, height, err := utxoSet(s.t.Context(), s.rig, scripts)
	if err != nil {
		return nil, err
	}
	if height != v.tip.Height {
		return []string{fmt.Sprintf("node went on to %d", height)}, nil
	}
	got, want := map[string]bool{}, map[string]bool{}
	for _, c := range v.coins {
		if c.confirmed {
			got[fmt.Sprintf("%s %x %s at %d", c.outpoint, c.script, c.value, c.block.Height)] = true
		}
	}
	for _, c := range set {
		want[fmt.Sprintf("%s %x %s at %d", c.outpoint, c.script, c.value, c.block.Height)] = true
	}
	return different("coin of scantxoutset", got, want), nil
}

// sound proves an engine's index and returns its digest.
func (s *story) sound(e *engine.Engine) string {
	s.t.Helper()
	report, err := e.CheckIndex(s.t.Context(), s.rig.symbol)
	s.must(err)
	if !report.OK {
		s.t.Fatalf("index is not sound: %s", strings.Join(report.Violations, "\n"))
	}
	return report.Digest
}

// prove ends a story: its index agrees with the node, is sound, equals its own log, an index made from nothing, and
// itself rebuilt.
func (s *story) prove() {
	s.t.Helper()
	s.agrees()
	digest := s.sound(s.engine)
	s.stop()
	s.foldLog()
	if fresh := s.fromNothing(); fresh != digest {
		s.t.Errorf("digest is %s, that of an index from nothing %s", digest, fresh)
	}
	s.open()
	result, err := s.engine.RebuildIndex(s.t.Context(), s.rig.symbol)
	s.must(err)
	if result.Job != nil {
		s.ended(result.Job.ID)
	}
	s.agrees()
	if rebuilt := s.sound(s.engine); rebuilt != digest {
		s.t.Errorf("digest is %s, rebuilt %s", digest, rebuilt)
	}
	s.stop()
}

// fromNothing returns the digest of a new index that reads the node's chain from the genesis block on.
func (s *story) fromNothing() string {
	s.t.Helper()
	fresh, err := engine.Open(s.t.Context(), s.rig.configure(s.t, s.t.TempDir(), "genesis", s.way), engine.Options{})
	s.must(err)
	defer func() { s.must(fresh.Close()) }()
	names, scripts := s.watched()
	request := engine.ImportRequest{From: "genesis"}
	for script := range scripts {
		request.Addresses = append(request.Addresses, s.people[names[script]].address)
	}
	_, err = fresh.ImportAddresses(s.t.Context(), s.rig.symbol, request)
	s.must(err)
	s.must(fresh.CatchUp(s.t.Context()))
	return s.sound(fresh)
}

// index opens the story's index itself; the engine must be stopped.
func (s *story) index() *utxo.Index {
	s.t.Helper()
	config := s.rig.configure(s.t, s.dir, s.start, s.way)
	store, err := badgerkv.Open(config.IndexDir(&config.Coins[0]), badgerkv.Options{})
	s.must(err)
	index, err := utxo.Open(s.t.Context(), store, s.rig.coin, utxo.Options{})
	s.must(err)
	return index
}

// foldLog adds up the change log, as a consumer does, and compares with the coins.
func (s *story) foldLog() {
	s.t.Helper()
	index := s.index()
	defer func() { s.must(index.Close()) }()
	folded := map[string]bool{}
	for _, change := range changes(s.t, index) {
		line := coinLine(change.Coin.OutPoint, string(change.Coin.Script), change.Coin.Value, change.Coin.Block)
		switch change.Kind {
		case utxo.CoinCreated, utxo.CoinRestored:
			if folded[line] {
				s.t.Errorf("change %d: a coin comes twice: %s", change.Seq, line)
			}
			folded[line] = true
		case utxo.CoinSpent, utxo.CoinRemoved:
			if !folded[line] {
				s.t.Errorf("change %d: a coin goes that is not there: %s", change.Seq, line)
			}
			delete(folded, line)
		}
	}
	have := map[string]bool{}
	query := utxo.CoinQuery{Confirmed: true}
	for more := true; more; more = query.Cursor != "" {
		page, next, err := index.Coins(s.t.Context(), query)
		s.must(err)
		for _, c := range page {
			have[coinLine(c.OutPoint, string(c.Script), c.Value, c.Block)] = true
		}
		query.Cursor = next
	}
	for _, line := range different("coin of the change log", folded, have) {
		s.t.Error(line)
	}
}

func changes(t *testing.T, index *utxo.Index) (all []utxo.Change) {
	t.Helper()
	var after utxo.Seq
	for after < index.LastSeq() {
		list, err := index.Changes(context.WithoutCancel(t.Context()), after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range list {
			if change.Seq != after+1 {
				t.Fatalf("change %d follows %d", change.Seq, after)
			}
			after = change.Seq
			all = append(all, change)
		}
	}
	return all
}

// logged says which changes there must be of a transaction, in order; several of a kind that follow each other count
// once. The engine must be stopped.
func (s *story) logged(name string, want ...utxo.ChangeKind) {
	s.t.Helper()
	index := s.index()
	defer func() { s.must(index.Close()) }()
	var got []utxo.ChangeKind
	for _, change := range changes(s.t, index) {
		if change.TxID == s.txs[name].id && (len(got) == 0 || got[len(got)-1] != change.Kind) {
			got = append(got, change.Kind)
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("log of %s has %v, want %v", name, got, want)
	}
}
