package scanner

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/ltc"
	"coffer.example/coffer/internal/simnode"
)

func TestMempool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 110)
		n, m, e := newNode(c), newMemory(t), &events{}
		early := n.send(t)
		r := followed(t, n, m, options(c, e))
		defer r.stop()
		if !m.unconfirmed(early.ID()) || r.Status().Mempool != 1 {
			t.Error("what was there before the start is not seen")
		}
		late, evicted := n.send(t), n.send(t)
		pass(5 * time.Second)
		if !m.unconfirmed(late.ID()) || !m.unconfirmed(evicted.ID()) {
			t.Error("new ones are not seen by polling")
		}
		must(t, c.Evict(evicted.ID()))
		pass(5 * time.Second)
		if m.unconfirmed(evicted.ID()) {
			t.Error("an evicted one is not gone")
		}
		// A block takes the rest: confirmed, and never gone.
		mine(t, c, 1)
		pass(10 * time.Second)
		m.equals(t, c)
		if len(m.mempool) != 0 || !m.txs[early.ID()] || !m.txs[late.ID()] {
			t.Errorf("%d are still unconfirmed", len(m.mempool))
		}
		// A reorg brings them back.
		_, err := c.Reorg(1, 2, simnode.WithoutMempool())
		must(t, err)
		pass(10 * time.Second)
		m.equals(t, c)
		if !m.unconfirmed(early.ID()) || !m.unconfirmed(late.ID()) {
			t.Error("a reorg did not bring them back")
		}
	})
}

// A restart learns what left while nobody looked.
func TestMempoolComplete(t *testing.T) {
	c := newChain(t, 110)
	n, m, e := newNode(c), newMemory(t), &events{}
	stays, goes := n.send(t), n.send(t)
	must(t, New(n, m, options(c, e)).CatchUp(t.Context()))
	must(t, c.Evict(goes.ID()))
	must(t, New(n, m, options(c, e)).CatchUp(t.Context()))
	if !m.unconfirmed(stays.ID()) || m.unconfirmed(goes.ID()) {
		t.Errorf("mempool %v", m.history)
	}
	c.ClearMempool()
	must(t, New(n, m, options(c, e)).CatchUp(t.Context()))
	if len(m.mempool) != 0 {
		t.Error("an empty mempool left something behind")
	}
}

// A mempool of many parts is delivered in bounded changes, and named as a
// whole at the end without being sent again.
func TestMempoolInParts(t *testing.T) {
	c := newChain(t, 110)
	n, m, e := newNode(c), newMemory(t), &events{}
	ids := make([]coins.TxID, 0, 2*mempoolChunk+5)
	for i := range cap(ids) {
		tx := &simnode.Tx{Version: 2, Ins: []simnode.In{{Prev: coins.OutPoint{TxID: coins.TxID{1}, Vout: uint32(i)}}},
			Outs: []simnode.Out{{Value: 1, Script: []byte{0x51}}}}
		n.keep(tx)
		ids = append(ids, tx.ID())
	}
	sizes := &sized{memory: m}
	must(t, New(&listed{n, ids}, sizes, options(c, e)).CatchUp(t.Context()))
	if len(m.mempool) != len(ids) || sizes.raws != len(ids) || sizes.most > mempoolChunk {
		t.Errorf("%d known, %d sent, at most %d at once", len(m.mempool), sizes.raws, sizes.most)
	}
}

// listed is a node with a mempool given as ids.
type listed struct {
	*node
	ids []coins.TxID
}

func (l *listed) MempoolIDs(context.Context) ([]coins.TxID, error) { return l.ids, nil }

// sized notes how large the changes are, and how many name the whole mempool.
type sized struct {
	*memory
	raws, most, whole int
}

func (s *sized) Mempool(ctx context.Context, change coins.MempoolChange) error {
	raws := 0
	for _, tx := range change.Added {
		if len(tx.Raw) > 0 {
			raws++
		}
	}
	if change.Complete {
		s.whole++
	}
	s.raws, s.most = s.raws+raws, max(s.most, raws)
	return s.memory.Mempool(ctx, change)
}

// After a failure the whole mempool is named again, and not sent again.
func TestMempoolAfterReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 110)
		n, m, e := newNode(c), newMemory(t), &events{}
		tx := n.send(t)
		sizes := &sized{memory: m}
		r := start(t, New(n, sizes, options(c, e)))
		defer r.stop()
		pass(time.Minute)
		if sizes.whole != 1 {
			t.Errorf("named %d times", sizes.whole)
		}
		failed := false
		n.intercept(func(context.Context, string) error {
			if failed {
				return nil
			}
			failed = true
			return errFault
		})
		pass(time.Minute)
		if sizes.whole != 2 || sizes.raws != 1 || !m.unconfirmed(tx.ID()) {
			t.Errorf("named %d times, sent %d times", sizes.whole, sizes.raws)
		}
	})
}

// Transactions that exist in the MWEB alone are kept out of the view, and do
// not show as gone either.
func TestMWEBOnlyKeptOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		coin, err := ltc.New(coins.Regtest)
		must(t, err)
		c, err := simnode.NewChain(simnode.Config{Coin: coin, Seed: 1, MWEBFrom: 101})
		must(t, err)
		must(t, c.Fund(2))
		n, m, e := newNode(c), newMemory(t), &events{}
		id, err := c.SendMWEB()
		must(t, err)
		n.txs[id] = mwebOnly()
		asked := 0
		n.hook = func(_ context.Context, call string) error {
			if call == "mempool txs" {
				asked++
			}
			return nil
		}
		r := followed(t, n, m, options(c, e))
		defer r.stop()
		pass(time.Minute)
		must(t, c.Evict(id))
		pass(time.Minute)
		if len(m.history) != 0 || asked != 1 {
			t.Errorf("history %v, asked %d times", m.history, asked)
		}
	})
}

// mwebOnly is a transaction with MWEB data and nothing else.
func mwebOnly() []byte {
	return []byte{2, 0, 0, 0, 0, 0x08, 0, 0, 1, 0xaa, 0xbb, 0, 0, 0, 0}
}
