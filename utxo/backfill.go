package utxo

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// Backfill applies the blocks of one running job. It is a scanner's job sink.
type Backfill struct {
	x  *Index
	id JobID
	// over is set, under the index's writing lock, when the job has ended. next
	// is the cursor, stored the one that is durable.
	over         bool
	next, stored coins.Height
}

// StartJob marks a job running and returns what takes its blocks. A job with
// nothing to read is done at once: see [Backfill.Done]. It fails with
// [ErrNoJob], [ErrJobState] or [ErrJobBusy]: one job runs at a time.
func (x *Index) StartJob(ctx context.Context, id JobID) (*Backfill, error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.w.running != nil {
		return nil, fmt.Errorf("start job %d, job %d runs: %w", id, x.w.running.id, ErrJobBusy)
	}
	if x.w.importing[id] {
		return nil, fmt.Errorf("start job %d, its scripts are being imported: %w", id, ErrJobBusy)
	}
	if err := x.flush(ctx); err != nil {
		return nil, err
	}
	b := &Backfill{x: x, id: id}
	err := x.write(ctx, false, func(s *step) error {
		j, err := readJob(s.base, id)
		if err != nil {
			return err
		}
		if j.State == JobDone {
			return fmt.Errorf("job %d is done: %w", id, ErrJobState)
		}
		j.State, j.Error = JobRunning, ""
		if b.over, err = x.finish(s, j); err != nil {
			return err
		}
		b.next, b.stored = j.Next, j.Next
		s.putJob(j)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !b.over {
		x.w.running = b
	}
	return b, nil
}

// ID returns the job's number.
func (b *Backfill) ID() JobID { return b.id }

// Done reports whether the job has ended.
func (b *Backfill) Done() bool {
	b.x.writing.Lock()
	defer b.x.writing.Unlock()
	return b.over
}

// Stop gives up running the job, keeping its record as it is: the next
// StartJob goes on at its cursor.
func (b *Backfill) Stop() {
	b.x.writing.Lock()
	defer b.x.writing.Unlock()
	if b.over = true; b.x.w.running == b {
		b.x.w.running = nil
	}
}

// Next returns the height the job reads next.
func (b *Backfill) Next() coins.Height {
	b.x.writing.Lock()
	defer b.x.writing.Unlock()
	return b.next
}

// Target returns the height up to which the job reads: the tip, as it is now.
func (b *Backfill) Target() coins.Height {
	b.x.writing.Lock()
	defer b.x.writing.Unlock()
	return b.x.w.applied.above(b.x.self.start) - 1
}

// Prepare is [Index.Prepare].
func (b *Backfill) Prepare(block *coins.Block) { b.x.Prepare(block) }

// Backfill applies a block at the job's cursor. What is there already stays.
// Where the block is not the connected chain's at its height, or not at the
// cursor, nothing changes and next is the height to read again. Done says that
// the cursor has passed the tip: the job's end, its scripts' new state and
// their changes in the log are in the same transaction as its last block.
func (b *Backfill) Backfill(ctx context.Context, block *coins.Block) (next coins.Height, done bool, err error) {
	x := b.x
	x.writing.Lock()
	defer x.writing.Unlock()
	if b.over {
		return 0, true, fmt.Errorf("job %d: %w", b.id, ErrJobState)
	}
	if len(block.ScriptMarks) != len(block.Layout.Outs) || len(block.OutPointMarks) != len(block.Layout.Ins) {
		x.Prepare(block)
	}
	err = x.write(ctx, block.More, func(s *step) error {
		next, done, err = x.backfill(s, b.id, block)
		b.next = next
		return err
	})
	if err == nil && done {
		err = x.flush(ctx)
	}
	if err != nil {
		return 0, false, fmt.Errorf("job %d, block %s: %w", b.id, block.ID, err)
	}
	if done {
		b.over, x.w.running = true, nil
	}
	return next, done, nil
}

func (x *Index) backfill(s *step, id JobID, b *coins.Block) (next coins.Height, done bool, err error) {
	j, err := s.job(id)
	if err != nil {
		return 0, false, err
	}
	active, err := x.activeAt(s, b)
	if err != nil {
		return 0, false, err
	}
	if active && b.ID.Height == j.Next {
		if err := x.backfillBlock(s, j, b); err != nil {
			return 0, false, err
		}
		j.Next++
		s.batch.blocks++
	}
	done, err = x.finish(s, j)
	s.putJob(j)
	return j.Next, done, err
}

// activeAt says whether a block is on the connected chain. Below the index's
// start, where no block was connected, a job's own blocks make the chain.
func (x *Index) activeAt(s *step, b *coins.Block) (bool, error) {
	if b.ID.Height >= s.state.above(x.self.start) {
		return false, nil
	}
	header, found, err := s.header(b.ID.Height)
	if err != nil {
		return false, err
	}
	if found && (header == b.Header || b.ID.Height >= x.self.start) {
		return header == b.Header, nil
	}
	if b.ID.Height == 0 && b.ID.Hash != x.coin.Params().Chain.Genesis {
		return false, fmt.Errorf("not the genesis block of %s %s: %w", x.self.symbol, x.self.network, ErrForeign)
	}
	return !found, s.checkNeighbours(b, found)
}

// checkNeighbours holds a block below the start to those beside it.
func (s *step) checkNeighbours(b *coins.Block, differs bool) error {
	above, hasAbove, err := s.header(b.ID.Height + 1)
	if err != nil {
		return err
	}
	var below coins.RawHeader
	hasBelow := false
	if b.ID.Height > 0 {
		if below, hasBelow, err = s.header(b.ID.Height - 1); err != nil {
			return err
		}
	}
	if differs || (hasAbove && above.Prev() != b.ID.Hash) || (hasBelow && below.Hash() != b.Header.Prev()) {
		return fmt.Errorf("the chain below the index's start has changed: %w", coins.ErrReorgDepth)
	}
	return nil
}

// backfillBlock applies a block of the connected chain for a job.
func (x *Index) backfillBlock(s *step, j *jobRow, b *coins.Block) error {
	accept := func(_ scriptID, w *watchRow) (bool, error) {
		return b.ID.Height <= j.To && b.ID.Height >= w.birth && (j.All || w.job == j.ID), nil
	}
	payments, err := x.payments(s, b, accept)
	if err != nil {
		return err
	}
	if payments, err = x.deriveInPast(s, b, payments, j); err != nil {
		return err
	}
	if b.ID.Height < x.self.start {
		s.put(keyHeight(tableHeader, b.ID.Height), slices.Clone(b.Header[:]))
	}
	s.ids[b.ID.Height] = b.ID
	work := work{x: x, s: s, b: b, again: true, found: flagFound}
	if err := work.do(payments); err != nil {
		return err
	}
	if err := s.extendUndo(b.ID.Height, work.facts); err != nil {
		return err
	}
	x.seeSpenders(s)
	j.Found += uint64(len(work.facts))
	s.log(&record{kind: recordRepair, block: b.ID, changes: work.changes})
	if err := s.addFound(work.kept, b.ID.Height); err != nil {
		return err
	}
	return s.numberFound(j, b.ID.Height)
}

// extendUndo adds facts to those of a block.
func (s *step) extendUndo(height coins.Height, facts []fact) error {
	if len(facts) == 0 {
		return nil
	}
	known, err := s.facts(height)
	if err != nil {
		return err
	}
	known = append(known, facts...)
	slices.SortFunc(known, compareFacts)
	s.put(keyHeight(tableUndo, height), encodeFacts(known))
	return nil
}

// finish ends a job of which the cursor has passed the tip. The log gets one
// row that stands for all the changes the job kept.
func (x *Index) finish(s *step, j *jobRow) (bool, error) {
	if j.Next < s.state.above(x.self.start) {
		return false, nil
	}
	if err := x.succeed(s, j); err != nil {
		return false, err
	}
	j.State, j.Finished = JobDone, x.opts.Clock().UTC()
	s.log(&record{kind: recordJob, job: j.ID, count: j.kept})
	return true, nil
}

// foundRow holds the kept changes of one block; first counts those of the
// blocks before it, once the cursor has passed.
type foundRow struct {
	first uint64
	record
}

func (f *foundRow) encode() []byte {
	return append(binary.BigEndian.AppendUint64(nil, f.first), f.record.encode()...)
}

func decodeFound(value []byte) (*foundRow, error) {
	if len(value) < 8 {
		return nil, fmt.Errorf("kept changes: %w", ErrCorrupt)
	}
	r, err := decodeRecord(value[8:])
	if err != nil {
		return nil, err
	}
	for i := range r.changes {
		r.changes[i].Historical = true
	}
	return &foundRow{binary.BigEndian.Uint64(value), *r}, nil
}

// addFound keeps changes of a block for the ends of their jobs.
func (s *step) addFound(kept []keptChange, height coins.Height) error {
	for len(kept) > 0 {
		job := kept[0].job
		changes, err := s.keptOf(job, height)
		if err != nil {
			return err
		}
		var others []keptChange
		for _, k := range kept {
			if k.job == job {
				changes = append(changes, k.change)
			} else {
				others = append(others, k)
			}
		}
		row := foundRow{record: record{kind: recordRepair, block: changes[0].Block, changes: changes}}
		s.put(keyFound(job, height), row.encode())
		kept = others
	}
	return nil
}

// keptOf returns the changes kept of a block.
func (s *step) keptOf(job JobID, height coins.Height) ([]Change, error) {
	value, found, err := s.get(keyFound(job, height))
	if err != nil || !found {
		return nil, err
	}
	row, err := decodeFound(value)
	if err != nil {
		return nil, err
	}
	return row.changes, nil
}

// numberFound numbers what was kept of the block at the cursor, by the tip or
// by the job.
func (s *step) numberFound(j *jobRow, height coins.Height) error {
	changes, err := s.keptOf(j.ID, height)
	if err != nil || len(changes) == 0 {
		return err
	}
	row := foundRow{j.kept, record{kind: recordRepair, block: changes[0].Block, changes: changes}}
	s.put(keyFound(j.ID, height), row.encode())
	j.kept += uint64(len(changes))
	return nil
}
