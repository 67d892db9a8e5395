package scanner

import (
	"context"
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
)

// mempool keeps the sink's view of unconfirmed transactions equal to the
// node's. It belongs to the scanner's goroutine. The order that keeps a
// confirmed transaction from being reported gone:
//
//  1. the block is connected, and its transactions leave the known ones;
//  2. only when the node's tip is the index's, asked after the node's list of
//     ids was taken, is the list compared: what is then missing is in no block
//     of the node's chain. Of several nodes one must have answered both: else
//     the first may have confirmed what is missing in a block that the other,
//     behind it, does not have.
//
// A hint may still bring a transaction whose block is not connected yet, or
// one of a block that was: the recent blocks' ids keep out what is known to be
// confirmed, and the sink resolves the rest when the block comes.
type mempool struct {
	src    *caller
	sink   Sink
	format coins.Format
	clock  Clock

	known map[coins.TxID]entry
	look  uint32 // number of the comparison, to tell what is missing
	// pending are the node's transactions that are still to be fetched.
	pending []coins.TxID
	// sweep says that the delivery that empties pending names the whole mempool.
	sweep   bool
	recent  map[coins.TxID]coins.Height
	leftOut int
	layout  coins.Layout
}

// entry is what is known of an unconfirmed transaction.
type entry struct {
	look  uint32 // the last comparison that saw it
	shown bool   // the sink was told; false for what is kept out
}

// recentBlocks is how many blocks' ids hints are held against.
const recentBlocks = 6

func newMempool(src *caller, sink Sink, o *Options) *mempool {
	m := &mempool{src: src, sink: sink, format: o.Params.Format, clock: o.Clock}
	m.reset()
	return m
}

// reset forgets everything: what the sink knows is not certain any more. The
// next comparison starts a sweep.
func (m *mempool) reset() {
	m.known, m.recent = map[coins.TxID]entry{}, map[coins.TxID]coins.Height{}
	m.pending, m.sweep = nil, true
}

// busy reports whether transactions wait to be fetched or named.
func (m *mempool) busy() bool { return len(m.pending) > 0 }

// confirmed takes a connected block's transactions out of the known ones.
func (m *mempool) confirmed(b *coins.Block) {
	for i := range b.Layout.TxCount() {
		id := b.TxID(i)
		delete(m.known, id)
		m.recent[id] = b.ID.Height
	}
	for id, height := range m.recent {
		if height <= b.ID.Height-recentBlocks {
			delete(m.recent, id)
		}
	}
}

// disconnected forgets which transactions recent blocks hold: some may be
// unconfirmed again. So may one that a block made impossible and the sink has
// dropped: the whole mempool is named to it, and told again where it lacks one.
func (m *mempool) disconnected() {
	clear(m.recent)
	m.sweep = true
}

// compare looks at the node's ids, tells the sink what is gone and lines up
// what is new. It changes nothing, and reports false, where the node's tip is
// not the index's, or another node took over meanwhile.
func (m *mempool) compare(ctx context.Context, tip coins.BlockID) (same bool, err error) {
	view := m.src.view()
	ids, err := m.src.mempoolIDs(ctx)
	if err != nil {
		return false, err
	}
	nodeTip, err := m.src.tip(ctx)
	if err != nil || nodeTip != tip || m.src.view() != view {
		return false, err
	}
	m.leftOut = max(0, len(ids)-mempoolMost)
	ids = ids[:len(ids)-m.leftOut]
	m.look++
	m.pending = m.pending[:0]
	for _, id := range ids {
		if e, ok := m.known[id]; ok {
			m.known[id] = entry{look: m.look, shown: e.shown}
		} else if _, mined := m.recent[id]; !mined { // another node of the source may not have the block yet
			m.pending = append(m.pending, id)
		}
	}
	gone := m.missing()
	if m.sweep {
		if len(m.pending) == 0 {
			return true, m.complete(ctx, nil)
		}
		return true, nil // the end of the sweep says who is gone
	}
	for len(gone) > 0 {
		n := min(len(gone), mempoolChunk)
		if err := m.tell(ctx, coins.MempoolChange{Gone: gone[:n]}); err != nil {
			return false, err
		}
		gone = gone[n:]
	}
	return true, nil
}

// missing removes what the present comparison did not see and returns those
// that the sink knows.
func (m *mempool) missing() (gone []coins.TxID) {
	for id, e := range m.known {
		if e.look == m.look {
			continue
		}
		delete(m.known, id)
		if e.shown {
			gone = append(gone, id)
		}
	}
	return gone
}

// step fetches and delivers some of what is pending.
func (m *mempool) step(ctx context.Context) error {
	ids := m.pending[:min(len(m.pending), mempoolChunk)]
	var added []coins.MempoolTx
	err := m.src.mempoolTxs(ctx, ids, func(id coins.TxID, raw []byte) error {
		tx, shown, err := m.accept(raw)
		if err != nil {
			return fmt.Errorf("transaction %s: %w", id, err)
		}
		// The id of one that exists in the MWEB alone is not its bytes' hash.
		if got := m.layout.TxID(raw); got != id && !m.layout.MWEBOnly {
			return fmt.Errorf("transaction %s where %s was asked for: %w", got, id, coins.ErrMalformed)
		}
		m.known[id] = entry{look: m.look, shown: shown}
		if shown {
			added = append(added, tx)
		}
		return nil
	})
	if err != nil {
		// Some are marked as told that were not.
		m.reset()
		return err
	}
	m.pending = m.pending[len(ids):]
	if m.sweep && len(m.pending) == 0 {
		return m.complete(ctx, added)
	}
	return m.deliver(ctx, added)
}

// accept reads a raw transaction, and reports false for one that is to be kept
// out of the view.
func (m *mempool) accept(raw []byte) (tx coins.MempoolTx, shown bool, err error) {
	if err := m.format.WalkTx(raw, &m.layout); err != nil {
		return tx, false, err
	}
	if m.layout.MWEBOnly || (len(m.layout.Ins) > 0 && m.layout.OutPoint(raw, 0).IsCoinbase()) {
		return tx, false, nil
	}
	return coins.MempoolTx{ID: m.layout.TxID(raw), Raw: raw, Seen: m.clock.Now()}, true, nil
}

// complete ends a sweep: it names the whole mempool. What was delivered before
// the sweep's last part is named without its bytes.
func (m *mempool) complete(ctx context.Context, last []coins.MempoolTx) error {
	with := make(map[coins.TxID]bool, len(last))
	for i := range last {
		with[last[i].ID] = true
	}
	for id, e := range m.known {
		if e.shown && !with[id] {
			last = append(last, coins.MempoolTx{ID: id})
		}
	}
	if err := m.tell(ctx, coins.MempoolChange{Added: last, Complete: true}); err != nil {
		return err
	}
	m.sweep = false
	return nil
}

// hinted takes transactions that a feed brought. Bytes that are no transaction
// are passed over: a comparison finds what they should have been.
func (m *mempool) hinted(ctx context.Context, raws [][]byte) error {
	var added []coins.MempoolTx
	for _, raw := range raws {
		tx, shown, err := m.accept(raw)
		if err != nil || !shown {
			continue
		}
		_, known := m.known[tx.ID]
		if _, mined := m.recent[tx.ID]; known || mined || len(m.known) >= mempoolMost {
			continue
		}
		m.known[tx.ID] = entry{look: m.look, shown: true}
		added = append(added, tx)
	}
	return m.deliver(ctx, added)
}

// deliver tells the sink of transactions, in parts of bounded size.
func (m *mempool) deliver(ctx context.Context, added []coins.MempoolTx) error {
	for len(added) > 0 {
		n, size := 0, 0
		for n < len(added) && n < mempoolChunk && (n == 0 || size+len(added[n].Raw) <= mempoolBytes) {
			size += len(added[n].Raw)
			n++
		}
		if err := m.tell(ctx, coins.MempoolChange{Added: added[:n]}); err != nil {
			return err
		}
		added = added[n:]
	}
	return nil
}

// tell hands a change to the sink. When that fails nothing is certain any more.
func (m *mempool) tell(ctx context.Context, change coins.MempoolChange) error {
	if err := m.sink.Mempool(ctx, change); err != nil {
		m.reset()
		if unreadable(err) {
			return fmt.Errorf("mempool: %w: %w", errDegraded, err)
		}
		return sinkError("mempool", err)
	}
	return nil
}

// unreadable reports whether a sink could not read a transaction. Mempool facts
// are no part of the index's truth: they are given again as a whole.
func unreadable(err error) bool {
	return errors.Is(err, coins.ErrMalformed) || errors.Is(err, coins.ErrTruncated) || errors.Is(err, coins.ErrTrailing)
}

// size returns how many unconfirmed transactions are known.
func (m *mempool) size() int { return len(m.known) }
