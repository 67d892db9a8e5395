package acceptance_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/testnodes"
	"coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
)

// pair is a story on two bitcoinds. The rig's node, which the story is held to, is the second in the configuration;
// the first is the one that things happen to.
type pair struct {
	*story
	first, second *testnodes.Node
}

// newPair starts two nodes with one chain.
func newPair(t *testing.T, o testnodes.Options) *pair {
	t.Helper()
	r := realRig(t, o)
	p := &pair{second: r.hand.(*realHand).Node}
	p.first = testnodes.StartTB(t.Context(), t, testnodes.Options{Coin: o.Coin, NoWallet: true})
	r.preferred = &nodeConfig{rpc: p.first.RPC, user: p.first.User, password: p.first.Password, p2p: p.first.P2P, zmq: p.first.ZMQ}
	r.pool = node.PoolOptions{Probe: 100 * time.Millisecond, LagAfter: time.Second, StallAfter: 5 * time.Second, ReturnAfter: 500 * time.Millisecond}
	p.story = &story{t: t, rig: r}
	return p
}

// tell begins a story of its own on the pair.
func (p *pair) tell(t *testing.T, w way, start string) *pair {
	t.Helper()
	p.story.t = t
	p.join()
	return &pair{story: begin(t, p.rig, w, start), first: p.first, second: p.second}
}

// join lets the nodes talk, and waits until they have one chain.
func (p *pair) join() {
	p.t.Helper()
	ctx := p.t.Context()
	for _, n := range []*testnodes.Node{p.first, p.second} {
		_, err := n.Call(ctx, "setnetworkactive", true)
		p.must(err)
	}
	p.must(p.second.ConnectTo(ctx, p.first))
	p.must(p.first.WaitSynced(ctx, p.second))
}

// part cuts the first node off from its network.
func (p *pair) part() {
	p.t.Helper()
	ctx := p.t.Context()
	_, err := p.first.Call(ctx, "setnetworkactive", false)
	p.must(err)
	p.until("nodes parted", func() (bool, error) {
		peers, err := ask[[]struct{ Inbound bool }](ctx, p.second, "getpeerinfo")
		for _, peer := range peers {
			if !peer.Inbound { // Coffer's own connection comes in
				return false, err
			}
		}
		return true, err
	})
}

// mineFirst mines on the first node, with what was sent to it.
func (p *pair) mineFirst(n int) {
	p.t.Helper()
	address, err := p.rig.address(p.t.Context())
	p.must(err)
	_, err = p.first.MineTo(p.t.Context(), n, address)
	p.must(err)
}

func (p *pair) sendFirst(name string) {
	p.t.Helper()
	_, err := p.first.Call(p.t.Context(), "sendrawtransaction", p.txs[name].hex)
	p.must(err)
}

// used waits until one of the nodes is in use.
func (p *pair) used(n *testnodes.Node) {
	p.t.Helper()
	p.until("node "+n.RPC+" in use", func() (bool, error) {
		status, err := p.engine.Coin(p.t.Context(), p.rig.symbol)
		return err == nil && status.Node != nil && status.Node.URL == n.RPC, err
	})
}

// happens waits for an event of the engine.
func (p *pair) happens(what string, is func(engine.Detail) bool) {
	p.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		select {
		case event := <-p.events:
			if event.Job == 0 && is(event.Detail) {
				return
			}
		case <-limit.C:
			p.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// alone proves that the index is that of one who only ever knew the second node.
func (p *pair) alone() {
	p.t.Helper()
	p.agrees()
	preferred := p.rig.preferred
	p.rig.preferred = nil
	defer func() { p.rig.preferred = preferred }()
	p.prove()
}

func TestTwoNodes(t *testing.T) {
	soak := os.Getenv("COFFER_SOAK") == "1"
	p := newPair(t, testnodes.Options{Coin: testnodes.BTC, Args: []string{"-walletbroadcast=0"}})
	stories := []struct {
		name string
		way  way
		soak bool // only then
		tell func(*pair)
	}{
		{"preferred one killed while the index syncs", wayAll, false, killedInSync},
		{"the same over the peer protocol", wayP2P, true, killedInSync},
		{"the same by calls alone", wayPoll, true, killedInSync},
		{"preferred one killed during a reorg", wayP2P, false, killedInReorg},
		{"the same with all hints", wayAll, true, killedInReorg},
		{"the same by polling", wayPoll, true, killedInReorg},
		{"two chains, rejoined", wayAll, false, twoChains},
		{"the same by polling", wayPoll, true, twoChains},
	}
	for _, one := range stories {
		if one.soak && !soak {
			continue
		}
		t.Run(one.name, func(t *testing.T) {
			told := p.tell(t, one.way, "tip")
			one.tell(told)
			told.alone()
		})
	}
}

// killedInSync kills the preferred node while a new index reads its chain.
func killedInSync(p *pair) {
	p.meet("alice")
	p.pay("rent", pays("alice", "1.5"))
	p.mine(300)
	p.pay("food", pays("alice", "0.25"))
	p.mine(1)
	p.join()
	killed := p.killInSync()
	for attempt := 0; !killed && attempt < 5; attempt++ { // it was faster
		p.must(p.first.Restart(p.t.Context()))
		p.join()
		killed = p.killInSync()
	}
	if !killed {
		p.t.Fatal("the index was always faster")
	}
	p.mine(2)
	p.has("alice", "confirmed 1.75")
	p.used(p.second)
	p.must(p.first.Restart(p.t.Context()))
	p.join()
	p.used(p.first)
	p.pay("more", pays("alice", "1"))
	p.has("alice", "confirmed 1.75, incoming 1") // which only the second knows until it has told the first
	p.mine(1)
	p.has("alice", "confirmed 2.75")
}

// killInSync lets a new index begin, kills the node that it reads from, and reports whether it was not done by then.
func (p *pair) killInSync() bool {
	p.t.Helper()
	ctx := p.t.Context()
	p.stop()
	p.dir, p.start = p.t.TempDir(), "genesis"
	p.open()
	p.people["alice"].watched = false
	p.importing("genesis", "alice")
	p.connected(1)
	p.must(p.first.Kill())
	status, err := p.engine.Coin(ctx, p.rig.symbol)
	p.must(err)
	tip, err := p.rig.tip(ctx)
	p.must(err)
	p.t.Logf("killed with the index at %v of %d", status.Tip, tip.Height)
	return status.Tip == nil || status.Tip.Height < tip.Height
}

// killedInReorg lets the preferred node leave a branch, and kills it when the index has begun to.
func killedInReorg(p *pair) {
	lagAfter := p.rig.pool.LagAfter
	p.rig.pool.LagAfter, p.rig.pool.StallAfter = time.Hour, time.Hour // it is left because it dies, and not before
	defer func() { p.rig.pool.LagAfter, p.rig.pool.StallAfter = lagAfter, 5*time.Second }()
	p.stop()
	p.open()
	p.watch("none", "alice", "bob")
	p.used(p.first)
	for _, depth := range []int{1, 7, 40} {
		promise, cheat := fmt.Sprint("promise of ", depth), fmt.Sprint("cheat of ", depth)
		p.draft(promise, pays("alice", "1.5"))
		p.double(cheat, promise, pays("bob", "1"))
		p.part()
		p.sendFirst(promise)
		p.mineFirst(depth)
		p.holds("alice", coins.Amount(150_000_000)) // of a branch that the second node never saw
		p.send(cheat)
		p.mine(depth + 1)
		_, err := p.first.Call(p.t.Context(), "setnetworkactive", true)
		p.must(err)
		p.must(p.second.ConnectTo(p.t.Context(), p.first))
		p.happens("a reorg", func(d engine.Detail) bool {
			scanned, ok := d.(engine.Scanned)
			if !ok {
				return false
			}
			found, ok := scanned.Event.(scanner.ReorgFound)
			return ok && found.Depth == coins.Height(depth)
		})
		p.must(p.first.Kill())
		p.has("alice", "")
		p.mine(1)
		p.agrees()
		p.must(p.first.Restart(p.t.Context()))
		p.join()
		p.used(p.first)
	}
	p.has("bob", "confirmed 3")
}

// holds waits until a person has so much confirmed, whatever the second node says.
func (p *pair) holds(name string, value coins.Amount) {
	p.t.Helper()
	p.until(name+" has it", func() (bool, error) {
		b, err := p.engine.Balance(p.t.Context(), p.rig.symbol, p.people[name].address)
		return err == nil && b.Confirmed == coins.TotalOf(value), err
	})
}

// twoChains parts the nodes, lets each have a branch, and joins them.
func twoChains(p *pair) {
	ctx := p.t.Context()
	p.watch("none", "alice", "bob")
	p.used(p.first)
	p.draft("promise", pays("alice", "1.5"))
	p.double("cheat", "promise", pays("bob", "1"))
	common, err := p.rig.tip(ctx)
	p.must(err)
	p.part()
	p.sendFirst("promise")
	p.mineFirst(3)
	p.holds("alice", 150_000_000)
	p.send("cheat")
	p.mine(4) // more work: the branch to follow
	p.happens("an alarm", func(d engine.Detail) bool {
		e, ok := d.(engine.NodeEvent)
		if !ok {
			return false
		}
		alarm, ok := e.Event.(node.NodesDisagree)
		return ok && alarm.Fork.Depth == 3
	})
	p.used(p.second)
	p.has("bob", "confirmed 1")
	p.agreement(ctx, common, 2)
	tip, err := p.rig.tip(ctx)
	p.must(err)
	p.agreement(ctx, tip, 1)
	p.mineFirst(3) // and now the other has more
	p.used(p.first)
	p.holds("alice", 150_000_000)
	p.mine(1)
	p.join() // the second leaves its branch
	p.happens("the end of the alarm", func(d engine.Detail) bool {
		e, ok := d.(engine.NodeEvent)
		if !ok {
			return false
		}
		_, ok = e.Event.(node.NodesAgree)
		return ok
	})
	p.has("alice", "confirmed 1.5")
	p.mine(2)
	p.must(p.first.WaitSynced(ctx, p.second))
	tip, err = p.rig.tip(ctx)
	p.must(err)
	p.agreement(ctx, tip, 2)
}

func (p *pair) agreement(ctx context.Context, block coins.BlockID, want int) {
	p.t.Helper()
	got, err := p.engine.Agreement(ctx, p.rig.symbol, block.Hash.String())
	p.must(err)
	if got.Block != block || got.Agree != want || got.Of != 2 {
		p.t.Errorf("%+v have block %s, want %d of 2", got, block, want)
	}
}
