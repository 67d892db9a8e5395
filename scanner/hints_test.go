package scanner

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/internal/simnode"
)

// With a feed a block is connected at once: no time passes in the bubble.
func TestHintWakesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 110)
		n, m, e := newNode(c), newMemory(t), &events{}
		hints := make(chan Hint)
		o := options(c, e)
		o.Hints = hints
		r := followed(t, n, m, o)
		defer r.stop()
		for range 5 {
			mine(t, c, 1)
			for range 3 { // nodes announce the same block more than once
				hints <- Hint{Kind: HintBlock}
			}
			synctest.Wait()
			m.equals(t, c)
		}
		tx := n.send(t)
		hints <- Hint{Kind: HintTx, Raw: tx.Raw()}
		synctest.Wait()
		if !m.unconfirmed(tx.ID()) {
			t.Error("a transaction's bytes were not used at once")
		}
		unsaid := n.send(t)
		hints <- Hint{Kind: HintTx} // a feed of ids only
		synctest.Wait()
		if !m.unconfirmed(unsaid.ID()) {
			t.Error("a transaction without bytes was not looked up")
		}
		gone := n.send(t)
		hints <- Hint{Kind: HintGap}
		synctest.Wait()
		if !m.unconfirmed(gone.ID()) {
			t.Error("a gap did not lead to a look at the mempool")
		}
		close(hints)
		mine(t, c, 1)
		pass(5 * time.Second)
		m.equals(t, c)
	})
}

// Feeds send a block's transactions too, as it is connected. They are not
// unconfirmed.
func TestHintsOfConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 110)
		n, m, e := newNode(c), newMemory(t), &events{}
		hints := make(chan Hint, 100)
		o := options(c, e)
		o.Hints = hints
		r := followed(t, n, m, o)
		defer r.stop()
		tx := n.send(t)
		mine(t, c, 1)
		raw, err := n.Block(t.Context(), c.Tip(), nil)
		must(t, err)
		var l coins.Layout
		must(t, c.Params().Format.Walk(raw, &l))
		hints <- Hint{Kind: HintBlock}
		synctest.Wait()
		for _, span := range l.Txs[:l.TxCount()] {
			hints <- Hint{Kind: HintTx, Raw: raw[span.Start:span.End]}
		}
		hints <- Hint{Kind: HintTx, Raw: []byte("garbage")}
		synctest.Wait()
		if len(m.history) != 0 || !m.txs[tx.ID()] {
			t.Errorf("history %v", m.history)
		}
		// A reorg may make them unconfirmed again: then hints count.
		_, err = c.Reorg(1, 2, simnode.WithoutMempool())
		must(t, err)
		hints <- Hint{Kind: HintBlock}
		hints <- Hint{Kind: HintTx, Raw: tx.Raw()}
		synctest.Wait()
		m.equals(t, c)
		if !m.unconfirmed(tx.ID()) {
			t.Error("not seen after the reorg")
		}
	})
}

// A feed that says nothing while polling finds blocks is reported once, and
// again when it speaks.
func TestSilentFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 5)
		n, m, e := newNode(c), newMemory(t), &events{}
		hints := make(chan Hint)
		o := options(c, e)
		o.Hints = hints
		r := followed(t, n, m, o)
		defer r.stop()
		pass(time.Hour)
		if len(of[Stalled](e)) != 0 {
			t.Error("a feed with nothing to say counts as stalled")
		}
		for range 3 {
			mine(t, c, 1)
			pass(2 * time.Minute)
			m.equals(t, c)
		}
		if n := len(of[Stalled](e)); n != 1 || !r.Status().FeedStalled {
			t.Errorf("stalled %d times", n)
		}
		mine(t, c, 1)
		hints <- Hint{Kind: HintBlock}
		synctest.Wait()
		m.equals(t, c)
		pass(time.Minute)
		if n := len(of[Recovered](e)); n != 1 || r.Status().FeedStalled {
			t.Errorf("recovered %d times", n)
		}
	})
}

// A flood of hints is taken in without waiting, whatever the scanner does, and
// without bound on neither time nor memory: what is too much is looked up.
func TestHintFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 110)
		n, m, e := newNode(c), newMemory(t), &events{}
		hints := make(chan Hint)
		o := options(c, e)
		o.Hints = hints
		r := followed(t, n, m, o)
		defer r.stop()
		held := make(chan struct{})
		m.intercept(func(call string, _ coins.BlockID) error {
			if call == "mempool" {
				<-held
			}
			return nil
		})
		tx := n.send(t)
		for range 3 * hintTxs {
			hints <- Hint{Kind: HintTx, Raw: tx.Raw()}
		}
		last := n.send(t)
		close(held)
		synctest.Wait()
		if !m.unconfirmed(tx.ID()) || !m.unconfirmed(last.ID()) {
			t.Error("a flood of hints hides transactions")
		}
		r.inbox.mu.Lock()
		defer r.inbox.mu.Unlock()
		if len(r.inbox.txs) > hintTxs {
			t.Errorf("%d wait", len(r.inbox.txs))
		}
	})
}

// The mempool's list is not compared while the node is a block ahead: what is
// missing then is in that block.
func TestBlockBeforeComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 110)
		n, m, e := newNode(c), newMemory(t), &events{}
		tx := n.send(t)
		r := followed(t, n, m, options(c, e))
		defer r.stop()
		mined := false
		n.intercept(func(_ context.Context, call string) error {
			if call != "mempool ids" || mined {
				return nil
			}
			mined = true
			_, err := c.Mine(1)
			return err
		})
		pass(6 * time.Second)
		m.equals(t, c)
		if len(m.history) != 1 || !m.txs[tx.ID()] {
			t.Errorf("history %v", m.history)
		}
	})
}

func TestInboxBounds(t *testing.T) {
	b := newInbox(SystemClock{})
	b.put(Hint{Kind: HintTx, Raw: []byte{1}})
	if m := b.take(); len(m.txs) != 0 || m.gap || len(b.wake) != 0 {
		t.Error("a transaction wakes although none is of interest")
	}
	b.keepTxs(true)
	for range 3 {
		b.put(Hint{Kind: HintTx, Raw: make([]byte, hintBytes/2)})
	}
	if m := b.take(); len(m.txs) != 2 || !m.gap || len(b.wake) != 1 {
		t.Errorf("%d wait, gap %v", len(m.txs), m.gap)
	}
	if m := b.take(); len(m.txs) != 0 || m.gap {
		t.Error("taken twice")
	}
	b.put(Hint{Kind: HintBlock})
	if !b.blockPending() || b.take().gap {
		t.Error("a block is not a gap in the mempool")
	}
	b.looking()
	if b.blockPending() {
		t.Error("the request to look stays")
	}
}
