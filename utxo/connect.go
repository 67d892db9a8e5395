package utxo

import (
	"context"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// Tip returns the last block connected, and false before the first. It may
// run ahead of what queries see while more blocks are known to follow.
func (x *Index) Tip(context.Context) (coins.BlockID, bool, error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.self.resetting {
		return coins.BlockID{}, false, ErrResetting
	}
	return x.w.applied.tip, x.w.applied.hasTip, nil
}

// Header returns the header of the connected chain at a height. It fails with
// [coins.ErrNoHeader] below the index's start and above its tip.
func (x *Index) Header(ctx context.Context, height coins.Height) (header coins.RawHeader, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.usable(); err != nil {
		return header, err
	}
	s, found := x.newStep(), false
	err = x.store.View(ctx, func(r Reader) (err error) {
		s.base = r
		header, found, err = s.header(height)
		return err
	})
	if err == nil && (!found || !s.state.hasTip || height > s.state.tip.Height) {
		err = fmt.Errorf("height %d: %w", height, coins.ErrNoHeader)
	}
	return header, err
}

// Connect applies the block above the tip, or the index's first one. Durable
// when it returns, unless b.More. It fails with [coins.ErrNotNext].
func (x *Index) Connect(ctx context.Context, b *coins.Block) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.usable(); err != nil {
		return err
	}
	if err := x.checkNext(b); err != nil {
		return err
	}
	if len(b.ScriptMarks) != len(b.Layout.Outs) || len(b.OutPointMarks) != len(b.Layout.Ins) {
		x.Prepare(b)
	}
	if !x.pool.empty() { // the mempool view is to know what jobs have found
		if err := x.storePending(ctx); err != nil {
			return fmt.Errorf("connect block %s: %w", b.ID, err)
		}
	}
	err := x.write(ctx, b.More, func(s *step) error { return x.connect(s, b) })
	if err != nil {
		return fmt.Errorf("connect block %s: %w", b.ID, err)
	}
	x.tryMatchDerived(ctx)
	return nil
}

// checkNext is the index's own check that a block extends its chain.
func (x *Index) checkNext(b *coins.Block) error {
	st := &x.w.applied
	next, parent := st.above(x.self.start), b.Header.Prev()
	switch {
	case b.ID.Height != next:
		return fmt.Errorf("block %s, height %d is next: %w", b.ID, next, coins.ErrNotNext)
	case st.hasTip && parent != st.tip.Hash:
		return fmt.Errorf("block %s, its parent is %s and the tip %s: %w", b.ID, parent, st.tip, coins.ErrNotNext)
	case b.ID.Hash != b.Header.Hash():
		return fmt.Errorf("block %s: %w", b.ID, coins.ErrBlockHash)
	case b.ID.Height == 0 && b.ID.Hash != x.coin.Params().Chain.Genesis:
		return fmt.Errorf("block %s is not the genesis block of %s %s: %w", b.ID, x.self.symbol, x.self.network, ErrForeign)
	}
	return nil
}

func (x *Index) connect(s *step, b *coins.Block) error {
	if err := s.checkBelow(b); err != nil {
		return err
	}
	payments, err := x.payments(s, b, func(id scriptID, w *watchRow) (bool, error) { return s.acceptTip(id, w, b.ID.Height), nil })
	if err != nil {
		return err
	}
	if payments, err = x.deriveAtTip(s, b, payments); err != nil {
		return err
	}
	s.put(keyHeight(tableHeader, b.ID.Height), slices.Clone(b.Header[:]))
	s.ids[b.ID.Height] = b.ID
	work := work{x: x, s: s, b: b}
	if err := work.do(payments); err != nil {
		return err
	}
	if len(work.facts) > 0 {
		s.put(keyHeight(tableUndo, b.ID.Height), encodeFacts(work.facts))
	}
	s.state.tip, s.state.hasTip = b.ID, true
	s.log(&record{kind: recordConnect, block: b.ID, changes: work.changes})
	if err := s.addFound(work.kept, b.ID.Height); err != nil {
		return err
	}
	if err := x.leavePool(s, b); err != nil {
		return err
	}
	s.batch.blocks++
	if err := s.endAway(b.ID.Height - x.opts.MaxReorg); err != nil {
		return err
	}
	s.state.undoFrom = max(s.state.undoFrom, b.ID.Height-x.opts.MaxReorg+1)
	return x.pruneLog(s)
}

// checkBelow checks an index's first block against what a job has read below
// it.
func (s *step) checkBelow(b *coins.Block) error {
	if s.state.hasTip || b.ID.Height == 0 {
		return nil
	}
	below, found, err := s.header(b.ID.Height - 1)
	if err != nil || !found || below.Hash() == b.Header.Prev() {
		return err
	}
	return fmt.Errorf("the chain below the index's start has changed: %w", coins.ErrReorgDepth)
}

// acceptTip says whether an output at the tip counts for a script. One below
// the script's birth does only where a reorg has led below its import: then
// its birth falls.
func (s *step) acceptTip(id scriptID, w *watchRow, height coins.Height) bool {
	switch {
	case height >= w.birth:
		return true
	case height >= w.since:
		return false
	}
	w.birth = height
	s.put(keyScript(tableWatch, id), w.encode())
	return true
}

// work applies the facts of one block, in chain order.
type work struct {
	x *Index
	s *step
	b *coins.Block
	// facts are those applied; changes go to the log now, kept ones with the
	// end of the job that reads the script's past.
	facts   []fact
	changes []Change
	kept    []keptChange
	// jobs are those that read the block, none where it is connected. For jobs,
	// what is there stays.
	jobs  []*jobRow
	found coinFlags
}

// keptChange waits for a job's end.
type keptChange struct {
	job    JobID
	change Change
}

// do applies the block's payments, and the spending of coins.
func (w *work) do(payments []found) error {
	if err := w.overwrite(); err != nil {
		return err
	}
	return chainOrder(w.b, w.x.spenders(w.b, payments), payments, w.spend, w.pay)
}

func (w *work) spend(in int) error {
	at := w.b.Layout.OutPoint(w.b.Raw, in)
	tx := uint32(w.b.Layout.TxOfIn(in))
	ref, row, found, err := w.s.coinAt(at, numberOf(w.b.ID.Height, tx))
	if err != nil || !found {
		return err // not found: another outpoint with the same mark
	}
	if row.flags&flagCoinbase != 0 {
		if settled, err := w.settled(row, ref.num.height()); err != nil || !settled {
			return err
		}
	}
	return w.take(tx, uint32(in)-w.b.Layout.Txs[tx].FirstIn, at, ref, row)
}

// take applies the spending of a coin.
func (w *work) take(tx, n uint32, at coins.OutPoint, ref coinRef, row coinRow) error {
	c, err := w.s.coin(ref, row, at.TxID)
	if err != nil {
		return err
	}
	f := fact{kind: Spent, tx: tx, n: n, coin: ref, coinRow: row}
	w.s.disappeared(w.x, c, row.script)
	return w.apply(f, Change{Kind: CoinSpent, TxID: w.b.TxID(int(tx)), Coin: c})
}

func (w *work) pay(p found) error {
	f, err := w.s.fund(w.b, p)
	if err != nil {
		return err
	}
	at := coins.OutPoint{TxID: w.b.TxID(int(f.tx)), Vout: f.n}
	if len(w.jobs) > 0 {
		_, found, err := w.s.get(keyEvent(f.script, f.coin.num, Funded, f.n))
		if err != nil || found {
			return err
		}
	}
	f.flags |= w.found
	c, err := w.s.coin(f.coin, f.coinRow, at.TxID)
	if err != nil {
		return err
	}
	w.s.appeared(w.x, c, f.script)
	return w.apply(f, Change{Kind: CoinCreated, TxID: at.TxID, Coin: c})
}

// overwrite ends earlier coins of the coinbase's outpoints: Bitcoin has two
// pairs of coinbases with the same id, and the later ones replaced the earlier
// (BIP 30). The loss is booked as spent by the later coinbase, the input's
// number being the output's.
func (w *work) overwrite() error {
	for vout := range w.b.Layout.Txs[1].FirstOut {
		at := outPointOf(w.b, int(vout))
		if !w.x.w.outpoints.holds(w.x.outPointMark(at)) {
			continue
		}
		ref, row, found, err := w.s.coinAt(at, numberOf(w.b.ID.Height, 0))
		if err == nil && found {
			found, err = w.settled(row, ref.num.height())
		}
		if err == nil && found {
			err = w.take(0, vout, at, ref, row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settled says whether a coinbase's coin is known to be the latest of its
// outpoint and unspent so far. Of one that an unfinished job keeps, blocks that
// the job has yet to read may say otherwise: it is left to that job, which comes
// to this block too, or to its successor where that reads what lies between.
func (w *work) settled(row coinRow, created coins.Height) (bool, error) {
	if row.flags&flagFound == 0 {
		return true, nil
	}
	watch, err := w.s.needWatch(row.script)
	if err != nil {
		return false, err
	}
	keeper, err := w.s.keeper(watch, created)
	if err != nil || keeper == nil || !slices.Contains(w.jobs, keeper) {
		return keeper == nil, err
	}
	owed, err := w.s.owes(keeper.ID, row.script, created)
	return !owed, err
}

func (w *work) apply(f fact, c Change) error {
	if err := w.s.addTx(numberOf(w.b.ID.Height, f.tx), c.TxID); err != nil {
		return err
	}
	if err := w.s.apply(w.b.ID.Height, f); err != nil {
		return err
	}
	w.facts = append(w.facts, f)
	c.Block = w.b.ID
	watch, err := w.s.needWatch(f.script)
	if err != nil {
		return err
	}
	w.credit(watch)
	if f.flags&flagFound != 0 {
		keeper, err := w.s.keeper(watch, f.coin.num.height())
		if err != nil {
			return err
		}
		if keeper != nil && keeper.Next <= w.b.ID.Height {
			w.kept = append(w.kept, keptChange{keeper.ID, c})
			return nil
		}
	}
	w.changes = append(w.changes, c)
	return nil
}

// credit counts a fact for one of the jobs that the block is read for: one that
// reads the script, else the first.
func (w *work) credit(watch *watchRow) {
	if len(w.jobs) == 0 {
		return
	}
	i := slices.IndexFunc(w.jobs, func(j *jobRow) bool { return j.All || watch.reads(j.ID) })
	w.jobs[max(i, 0)].Found++
}
