package node_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/ltc"
	"coffer.example/coffer/internal/simnode"
	"coffer.example/coffer/node"
)

// simulated is a simulated node that can go wrong, end and come back.
type simulated struct {
	t     *testing.T
	chain *simnode.Chain
	node  *simnode.Node
	fault atomic.Pointer[simnode.Faults]
}

func simulate(t *testing.T, open func(coins.Network) (coins.Coin, error), seed uint64) *simulated {
	t.Helper()
	coin, err := open(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	s := &simulated{t: t}
	if s.chain, err = simnode.NewChain(simnode.Config{Coin: coin, Seed: seed}); err != nil {
		t.Fatal(err)
	}
	s.serve(simnode.Options{})
	t.Cleanup(func() { s.node.Close() })
	return s
}

func (s *simulated) serve(o simnode.Options) {
	s.t.Helper()
	o.Faults = func(q simnode.Query) simnode.Fault {
		if faults := s.fault.Load(); faults != nil {
			return (*faults)(q)
		}
		return simnode.Fault{}
	}
	var err error
	if s.node, err = simnode.Serve(s.t.Context(), s.chain, o); err != nil {
		s.t.Fatal(err)
	}
}

// restart serves the chain again where it was served before.
func (s *simulated) restart() {
	s.t.Helper()
	rpc, _ := strings.CutPrefix(s.node.RPC, "http://")
	zmq, _ := strings.CutPrefix(s.node.ZMQ, "tcp://")
	s.serve(simnode.Options{RPCAddr: rpc, P2PAddr: s.node.P2P, ZMQAddr: zmq})
}

func (s *simulated) fails(f simnode.Faults) { s.fault.Store(&f) }
func (s *simulated) heal()                  { s.fault.Store(nil) }

func (s *simulated) mine(n int) {
	s.t.Helper()
	if _, err := s.chain.Mine(n); err != nil {
		s.t.Fatal(err)
	}
}

// take gives the node the blocks of another's best chain.
func (s *simulated) take(from *simulated) {
	s.t.Helper()
	for height := coins.Height(1); height <= from.chain.Tip().Height; height++ {
		id, _ := from.chain.BlockID(height)
		raw, err := from.chain.RawBlock(id.Hash)
		if err != nil {
			s.t.Fatal(err)
		}
		var refused *simnode.Reject
		if err := s.chain.Submit(raw); err != nil && !errors.As(err, &refused) {
			s.t.Fatal(err)
		}
	}
	if s.chain.Tip() != from.chain.Tip() {
		s.t.Fatalf("chain at %s after taking %s", s.chain.Tip(), from.chain.Tip())
	}
}

func (s *simulated) options() node.Options {
	return node.Options{
		RPC: s.node.RPC, User: s.node.User, Password: s.node.Password, P2P: s.node.P2P, REST: true, ZMQ: []string{s.node.ZMQ},
		RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond, CallTimeout: 2 * time.Second,
	}
}

// happened gathers a pool's events.
type happened struct {
	mu     sync.Mutex
	events []node.PoolEvent
}

func (h *happened) note(e node.PoolEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

// occurrences counts the events of a type that fit.
func occurrences[E node.PoolEvent](h *happened, fits func(E) bool) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if one, ok := e.(E); ok && fits(one) {
			n++
		}
	}
	return n
}

// openPool opens a pool that notices everything soon, on nodes of Bitcoin.
func openPool(t *testing.T, nodes ...*simulated) (*node.Pool, *happened) {
	t.Helper()
	h := &happened{}
	var options []node.Options
	for _, n := range nodes {
		options = append(options, n.options())
	}
	p, err := node.OpenPool(t.Context(), params(t, "btc"), options, node.PoolOptions{
		Probe: 20 * time.Millisecond, Patience: time.Second, LagAfter: 100 * time.Millisecond, StallAfter: 300 * time.Millisecond,
		ReturnAfter: 100 * time.Millisecond, BarFor: 200 * time.Millisecond, OnEvent: h.note,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() { // a listener, as a scanner is
		for range p.Hints() { //nolint:revive // to the end of the channel
		}
	}()
	p.Probe(t.Context())
	return p, h
}

// waitFor waits for a state.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func inUse(p *node.Pool) int {
	return slices.IndexFunc(p.Members(), func(m node.Member) bool { return m.InUse })
}

// twins are two nodes with the same chain of blocks.
func twins(t *testing.T, blocks int) (a, b *simulated) {
	t.Helper()
	a, b = simulate(t, btc.New, 1), simulate(t, btc.New, 2)
	a.mine(blocks)
	b.take(a)
	return a, b
}

func mustTip(t *testing.T, p *node.Pool, want coins.BlockID) {
	t.Helper()
	if tip, err := p.Tip(t.Context()); err != nil || tip != want {
		t.Fatalf("tip %s, %v; want %s", tip, err, want)
	}
}

func TestPoolFailsOverInTheCall(t *testing.T) {
	a, b := twins(t, 10)
	p, h := openPool(t, a, b)
	mustTip(t, p, a.chain.Tip())
	if inUse(p) != 0 {
		t.Fatal("the preferred node is not in use")
	}
	view := p.View()
	a.node.Close()
	b.mine(1)
	mustTip(t, p, b.chain.Tip())
	if inUse(p) != 1 || p.View() == view {
		t.Fatalf("node %d in use, view %d after %d", inUse(p), p.View(), view)
	}
	if headers, err := p.Headers(t.Context(), 5, 100); err != nil || len(headers) != 7 {
		t.Fatalf("%d headers, %v", len(headers), err)
	}
	a.restart()
	waitFor(t, "node 0 up, and behind", func() bool { return p.Members()[0].Lag == 1 })
	mustTip(t, p, b.chain.Tip()) // it is not returned to while it is behind
	a.take(b)
	waitFor(t, "preferred node in use", func() bool { return inUse(p) == 0 })
	mustTip(t, p, a.chain.Tip())
	if occurrences(h, func(e node.NodeDown) bool { return e.Node == a.node.RPC }) == 0 ||
		occurrences(h, func(e node.NodeUp) bool { return e.Node == a.node.RPC }) == 0 ||
		occurrences(h, func(e node.NodeSwitched) bool { return e.To == b.node.RPC }) != 1 ||
		occurrences(h, func(e node.NodeSwitched) bool { return e.To == a.node.RPC && e.Reason == node.HealthOK }) != 1 {
		t.Errorf("events %+v", h.events)
	}
}

func TestPoolLeavesNodeThatStalls(t *testing.T) {
	a, b := twins(t, 5)
	p, _ := openPool(t, a, b)
	a.fails(func(simnode.Query) simnode.Fault { return simnode.Fault{Delay: time.Hour} })
	mustTip(t, p, b.chain.Tip())
	if inUse(p) != 1 || p.Members()[0].Health != node.HealthDown {
		t.Fatalf("members %+v", p.Members())
	}
	a.heal()
	waitFor(t, "preferred node in use", func() bool { return inUse(p) == 0 })
}

func TestPoolLeavesNodeThatLags(t *testing.T) {
	a, b := twins(t, 5)
	p, h := openPool(t, a, b)
	b.mine(node.DefaultLagBlocks + 1)
	waitFor(t, "the other node in use", func() bool { return inUse(p) == 1 })
	mustTip(t, p, b.chain.Tip())
	if occurrences(h, func(e node.NodeSwitched) bool { return e.Reason == node.HealthBehind }) != 1 {
		t.Errorf("events %+v", h.events)
	}
	a.take(b)
	waitFor(t, "preferred node in use", func() bool { return inUse(p) == 0 })
	b.mine(1) // behind at all, for longer
	waitFor(t, "the other node in use again", func() bool { return inUse(p) == 1 })
	mustTip(t, p, b.chain.Tip())
}

func TestPoolTakesBadBlockElsewhere(t *testing.T) {
	a, b := twins(t, 5)
	p, h := openPool(t, a, b)
	waitFor(t, "a way of taking blocks", func() bool { return p.Status().Transport == node.REST })
	id, _ := a.chain.BlockID(3)
	good, err := b.chain.RawBlock(id.Hash)
	if err != nil {
		t.Fatal(err)
	}
	a.fails(func(q simnode.Query) simnode.Fault {
		if q.Protocol != simnode.ProtocolREST && q.Protocol != simnode.ProtocolP2P {
			return simnode.Fault{}
		}
		return simnode.Fault{Change: func(answer []byte) []byte {
			changed := bytes.Clone(answer)
			if len(changed) >= len(good) {
				changed[len(changed)-1] ^= 1
			}
			return changed
		}}
	})
	var loaded coins.Block
	raw, err := p.Block(t.Context(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	loaded.Raw = raw
	broken := loaded.Load(params(t, "btc").Format, id, coins.VerifyMerkle)
	if broken == nil {
		t.Fatal("the block is good")
	}
	p.Refuse(id, broken)
	if inUse(p) != 1 || p.Members()[0].Health != node.HealthBarred {
		t.Fatalf("members %+v", p.Members())
	}
	if raw, err = p.Block(t.Context(), id, raw); err != nil || !bytes.Equal(raw, good) {
		t.Fatalf("block of %d bytes, %v", len(raw), err)
	}
	if occurrences(h, func(e node.NodeBarred) bool { return e.Node == a.node.RPC }) != 1 {
		t.Errorf("events %+v", h.events)
	}
	a.heal()
	waitFor(t, "preferred node in use", func() bool { return inUse(p) == 0 })
}

func TestPoolRefusesNodeOfAnotherChain(t *testing.T) {
	foreign, b := simulate(t, ltc.New, 1), simulate(t, btc.New, 2)
	foreign.mine(20)
	b.mine(5)
	p, _ := openPool(t, foreign, b)
	mustTip(t, p, b.chain.Tip())
	if m := p.Members(); m[0].Health != node.HealthForeign || !m[1].InUse {
		t.Fatalf("members %+v", m)
	}
	if agree, of, err := p.Agreement(t.Context(), b.chain.Tip()); agree != 1 || of != 2 || err != nil {
		t.Errorf("%d of %d, %v", agree, of, err)
	}
	tip := b.chain.Tip()
	if err := b.chain.Invalidate(tip.Hash); err != nil {
		t.Fatal(err)
	}
	if invalid, err := p.Invalid(t.Context(), tip.Hash); !invalid || err != nil { // the foreign node has no say
		t.Errorf("invalid %v, %v", invalid, err)
	}
}

func TestPoolTakesBlockFromWhoeverHasIt(t *testing.T) {
	a, b := twins(t, 8)
	a.node.Close()
	a.serve(simnode.Options{PrunedBelow: 6})
	p, h := openPool(t, a, b)
	id, _ := a.chain.BlockID(2)
	raw, err := p.Block(t.Context(), id, nil)
	if want, _ := b.chain.RawBlock(id.Hash); err != nil || !bytes.Equal(raw, want) {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	if inUse(p) != 0 {
		t.Errorf("a pruned node was left for it: %+v", h.events)
	}
	var gone coins.BlockID
	if _, err := p.Block(t.Context(), gone, nil); !errors.Is(err, node.ErrNotFound) {
		t.Errorf("a block that nobody has: %v", err)
	}
}

func TestPoolTellsOfForks(t *testing.T) {
	a, b := twins(t, 10)
	common := a.chain.Tip()
	p, h := openPool(t, a, b)
	a.mine(2)
	b.mine(2)
	waitFor(t, "a fork of 2", func() bool { f := p.Members()[1].Fork; return f != nil && f.Depth == 2 })
	if f := p.Members()[1].Fork; f.Alarm {
		t.Errorf("alarm at %+v", f)
	}
	if agree, of, err := p.Agreement(t.Context(), common); agree != 2 || of != 2 || err != nil {
		t.Errorf("%d of %d, %v", agree, of, err)
	}
	if agree, of, err := p.Agreement(t.Context(), a.chain.Tip()); agree != 1 || of != 2 || err != nil {
		t.Errorf("%d of %d, %v", agree, of, err)
	}
	a.mine(5)
	b.mine(1)
	waitFor(t, "an alarm", func() bool { f := p.Members()[1].Fork; return f != nil && f.Depth == 3 && f.Alarm })
	if occurrences(h, func(e node.NodesDisagree) bool { return e.Node == b.node.RPC && e.InUse == a.node.RPC }) != 1 {
		t.Errorf("events %+v", h.events)
	}
	b.take(a)
	waitFor(t, "no fork", func() bool { return p.Members()[1].Fork == nil })
	if occurrences(h, func(node.NodesAgree) bool { return true }) != 1 {
		t.Errorf("events %+v", h.events)
	}
}

func TestPoolFollowsTheBranchWithMoreWork(t *testing.T) {
	a, b := twins(t, 10)
	p, _ := openPool(t, a, b)
	a.mine(2)
	b.mine(3) // not far ahead, but of another branch
	waitFor(t, "the other node in use", func() bool { return inUse(p) == 1 })
	waitFor(t, "a fork of 2", func() bool { f := p.Members()[0].Fork; return f != nil && f.Depth == 2 })
	a.mine(2)
	waitFor(t, "preferred node in use", func() bool { return inUse(p) == 0 })
}

func TestPoolBlockIsInvalidWhenEveryNodeSaysSo(t *testing.T) {
	a, b := twins(t, 6)
	p, _ := openPool(t, a, b)
	tip := a.chain.Tip()
	invalid := func(want bool) {
		t.Helper()
		if got, err := p.Invalid(t.Context(), tip.Hash); got != want || err != nil {
			t.Fatalf("invalid %v, %v", got, err)
		}
	}
	invalid(false)
	if err := a.chain.Invalidate(tip.Hash); err != nil {
		t.Fatal(err)
	}
	invalid(false)
	if err := b.chain.Invalidate(tip.Hash); err != nil {
		t.Fatal(err)
	}
	invalid(true)
	b.node.Close()
	invalid(false) // it may know better
	a.node.Close()
	if _, err := p.Invalid(t.Context(), tip.Hash); !errors.Is(err, node.ErrUnreachable) {
		t.Errorf("nobody to ask: %v", err)
	}
}

func TestPoolMempoolIsTheUnion(t *testing.T) {
	a, b := twins(t, 110)
	p, _ := openPool(t, a, b)
	ids := map[coins.TxID]bool{}
	for _, s := range []*simulated{a, b} {
		tx, err := s.chain.Send(simnode.TxSpec{Outputs: []simnode.Out{{Script: []byte{0x51, byte(len(ids))}, Value: coins.Unit}}})
		if err != nil {
			t.Fatal(err)
		}
		ids[tx.ID()] = true
	}
	same := func(want map[coins.TxID]bool) bool {
		got, err := p.MempoolIDs(t.Context())
		if err != nil || len(got) != len(want) {
			return false
		}
		return !slices.ContainsFunc(got, func(id coins.TxID) bool { return !want[id] })
	}
	waitFor(t, "both nodes' transactions", func() bool { return same(ids) })
	got, err := p.MempoolIDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fetched := map[coins.TxID]int{}
	err = p.MempoolTxs(t.Context(), got, func(id coins.TxID, raw []byte) error { fetched[id]++; return nil })
	if err != nil || len(fetched) != 2 || fetched[got[0]] != 1 || fetched[got[1]] != 1 {
		t.Fatalf("fetched %v, %v", fetched, err)
	}
	b.node.Close() // what it alone had is kept for a moment, and then gone
	waitFor(t, "one node's transactions", func() bool { n, err := p.MempoolIDs(t.Context()); return err == nil && len(n) == 1 })
}

func TestPoolWakesForEveryNode(t *testing.T) {
	a, b := twins(t, 5)
	options := []node.Options{a.options(), b.options()}
	p, err := node.OpenPool(t.Context(), params(t, "btc"), options, node.PoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	block := func() {
		for h := range p.Hints() {
			if h.Kind == node.HintBlock {
				return
			}
		}
		t.Error("no hint")
	}
	waitFor(t, "feeds connected", func() bool {
		return !slices.ContainsFunc(p.Members(), func(m node.Member) bool {
			return slices.ContainsFunc(m.Feeds, func(f node.FeedStatus) bool { return !f.Connected })
		})
	})
	b.mine(1)
	block()
	a.mine(1)
	block()
	p.Hint(node.Hint{Kind: node.HintBlock})
	block()
}

func TestPoolOfNoNodes(t *testing.T) {
	for _, nodes := range [][]node.Options{nil, make([]node.Options, node.MaxNodes+1), {{RPC: "ftp://x"}}} {
		if _, err := node.OpenPool(context.Background(), params(t, "btc"), nodes, node.PoolOptions{}); !errors.Is(err, node.ErrOptions) {
			t.Errorf("%d nodes: %v", len(nodes), err)
		}
	}
}
