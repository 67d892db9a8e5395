package utxo

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// Backfill reads the past for one job or several at once. It is a scanner's job
// sink. Several Backfills read beside each other and beside the tip.
type Backfill struct {
	x    *Index
	jobs []*reading
}

// reading is a job that runs.
type reading struct {
	id JobID
	// over is set, under the index's writing lock, when the job has ended. next
	// is the cursor, stored the one that is durable.
	over         bool
	next, stored coins.Height
}

// StartJob marks a job running and returns what takes its blocks. A job with
// nothing to read is done at once: see [Backfill.Done]. It fails with
// [ErrNoJob], with [ErrJobState] for a job that has ended (see
// [Index.ResumeJob]), or with [ErrJobBusy] where it runs already or its scripts
// are still being imported.
func (x *Index) StartJob(ctx context.Context, id JobID) (*Backfill, error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	b := &Backfill{x: x}
	return b, b.start(ctx, id, 0)
}

// Join has the job read together with those that run here already: each block
// is taken once and serves all whose cursor is at it. Its cursor must not be
// behind theirs, else it fails with [ErrRange]; otherwise as [Index.StartJob].
func (b *Backfill) Join(ctx context.Context, id JobID) error {
	b.x.writing.Lock()
	defer b.x.writing.Unlock()
	next, done := b.at()
	if done {
		return fmt.Errorf("join job %d to those that have ended: %w", id, ErrJobState)
	}
	return b.start(ctx, id, next)
}

// start marks a job running of which the cursor is not behind at.
func (b *Backfill) start(ctx context.Context, id JobID, at coins.Height) error {
	x := b.x
	if x.w.running[id] != nil {
		return fmt.Errorf("start job %d, it runs: %w", id, ErrJobBusy)
	}
	if x.w.importing[id] {
		return fmt.Errorf("start job %d, its scripts are being imported: %w", id, ErrJobBusy)
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	r := &reading{id: id}
	err := x.write(ctx, false, func(s *step) error {
		j, err := readJob(s.base, id)
		if err != nil {
			return err
		}
		if j.State != JobQueued && j.State != JobRunning { // cancelled, perhaps, while somebody was about to start it
			return fmt.Errorf("start job %d in state %d: %w", id, j.State, ErrJobState)
		}
		if j.Next < at {
			return fmt.Errorf("job %d is at height %d, the others at %d: %w", id, j.Next, at, ErrRange)
		}
		j.State = JobRunning
		if r.over, err = x.finish(s, j); err != nil {
			return err
		}
		r.next, r.stored = j.Next, j.Next
		s.putJob(j)
		return nil
	})
	if err != nil {
		return err
	}
	if b.jobs = append(b.jobs, r); !r.over {
		x.w.running[id] = r
	}
	return nil
}

// Jobs returns the numbers of the jobs that run here and have not ended.
func (b *Backfill) Jobs() (ids []JobID) {
	b.x.writing.Lock()
	defer b.x.writing.Unlock()
	return b.ids()
}

func (b *Backfill) ids() (ids []JobID) {
	for _, r := range b.jobs {
		if !r.over {
			ids = append(ids, r.id)
		}
	}
	return ids
}

// at returns the lowest cursor, and whether all jobs have ended.
func (b *Backfill) at() (next coins.Height, done bool) {
	done = true
	for _, r := range b.jobs {
		if !r.over && (done || r.next < next) {
			next, done = r.next, false
		}
	}
	return next, done
}

// Done reports whether all jobs have ended.
func (b *Backfill) Done() bool {
	b.x.writing.Lock()
	defer b.x.writing.Unlock()
	_, done := b.at()
	return done
}

// Stop gives up running the jobs, keeping their records as they are: the next
// StartJob goes on at their cursors.
func (b *Backfill) Stop() {
	b.x.writing.Lock()
	defer b.x.writing.Unlock()
	for _, r := range b.jobs {
		b.x.ended(r)
	}
}

// ended notes that a job runs no more.
func (x *Index) ended(r *reading) {
	if r.over = true; x.w.running[r.id] == r {
		delete(x.w.running, r.id)
	}
}

// Next returns the height that is read next.
func (b *Backfill) Next() coins.Height {
	b.x.writing.Lock()
	defer b.x.writing.Unlock()
	next, _ := b.at()
	return next
}

// Target returns the height up to which the jobs read: the tip, as it is now.
func (b *Backfill) Target() coins.Height {
	b.x.writing.Lock()
	defer b.x.writing.Unlock()
	return b.x.w.applied.above(b.x.self.start) - 1
}

// Prepare is [Index.Prepare].
func (b *Backfill) Prepare(block *coins.Block) { b.x.Prepare(block) }

// Backfill applies a block for every job that has its cursor there. What is
// there already stays. Where the block is not the connected chain's at its
// height, or no job is at it, nothing changes; next is the height to read next,
// or again. Done says that every cursor has passed the tip, or that the jobs
// were ended: a job's end, its scripts' new state and their changes in the log
// are in the same transaction as its last block.
func (b *Backfill) Backfill(ctx context.Context, block *coins.Block) (next coins.Height, done bool, err error) {
	x := b.x
	if len(block.ScriptMarks) != len(block.Layout.Outs) || len(block.OutPointMarks) != len(block.Layout.Ins) {
		x.Prepare(block)
	}
	x.writing.lockLater()
	defer x.writing.Unlock()
	if next, done = b.at(); done {
		return next, true, nil
	}
	ids, some, last := b.ids(), false, coins.Height(0)
	err = x.write(ctx, block.More, func(s *step) error {
		s.batch.aside = true
		rows, err := x.backfill(s, ids, block)
		for _, j := range rows {
			x.w.running[j.ID].next = j.Next
			some, last = some || j.State == JobDone, max(last, j.Next)
		}
		return err
	})
	if err == nil && some {
		if err = x.flush(ctx); err == nil {
			err = b.endDone(ctx)
		}
	}
	if err != nil {
		return 0, false, fmt.Errorf("jobs %d, block %s: %w", ids, block.ID, err)
	}
	if next, done = b.at(); done {
		next = last
	}
	return next, done, nil
}

// endDone notes which jobs are done, as stored.
func (b *Backfill) endDone(ctx context.Context) error {
	return b.x.store.View(ctx, func(r Reader) error {
		for _, it := range b.jobs {
			if it.over {
				continue
			}
			row, err := readJob(r, it.id)
			if err != nil {
				return err
			}
			if row.State == JobDone {
				b.x.ended(it)
			}
		}
		return nil
	})
}

// backfill applies a block for those of the jobs that are at it.
//
// A job is given all that was imported for it before it runs: StartJob refuses
// one of which the scripts are still being stored. Scripts that are derived from
// what it meets join it at its cursor; what it has read of their past by then it
// owes, and a job of its own reads that when it ends ([Index.succeed]).
func (x *Index) backfill(s *step, ids []JobID, b *coins.Block) (rows []*jobRow, err error) {
	var here []*jobRow
	for _, id := range ids {
		j, err := s.job(id)
		if err != nil {
			return nil, err
		}
		// One that is done is here only because storing something else failed then.
		if rows = append(rows, j); j.Next == b.ID.Height && j.State != JobDone {
			here = append(here, j)
		}
	}
	active, err := x.activeAt(s, b)
	if err != nil {
		return nil, err
	}
	if active && len(here) > 0 {
		if err := x.backfillBlock(s, here, b); err != nil {
			return nil, err
		}
		for _, j := range here {
			j.Next++
		}
		s.batch.blocks++
	}
	for _, j := range rows {
		done, err := x.finish(s, j)
		if err != nil {
			return nil, err
		}
		if done || active && slices.Contains(here, j) {
			s.putJob(j)
		}
	}
	return rows, nil
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

// backfillBlock applies a block of the connected chain for the jobs at it.
func (x *Index) backfillBlock(s *step, jobs []*jobRow, b *coins.Block) error {
	accept := func(_ scriptID, w *watchRow) (bool, error) {
		return b.ID.Height >= w.birth && slices.ContainsFunc(jobs, func(j *jobRow) bool {
			return b.ID.Height <= j.To && (j.All || w.reads(j.ID))
		}), nil
	}
	payments, err := x.payments(s, b, accept)
	if err != nil {
		return err
	}
	if payments, err = x.deriveInPast(s, b, payments, jobs...); err != nil {
		return err
	}
	if b.ID.Height < x.self.start {
		s.put(keyHeight(tableHeader, b.ID.Height), slices.Clone(b.Header[:]))
	}
	s.ids[b.ID.Height] = b.ID
	work := work{x: x, s: s, b: b, jobs: jobs, found: flagFound}
	if err := work.do(payments); err != nil {
		return err
	}
	if err := s.extendUndo(b.ID.Height, work.facts); err != nil {
		return err
	}
	s.log(&record{kind: recordRepair, block: b.ID, changes: work.changes})
	if err := s.addFound(work.kept, b.ID.Height); err != nil {
		return err
	}
	if err := x.seeSpenders(s); err != nil {
		return err
	}
	for _, j := range jobs {
		if err := s.numberFound(j, b.ID.Height); err != nil {
			return err
		}
	}
	return nil
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

// finish ends a job of which the cursor has passed the tip, once. The log gets
// one row that stands for all the changes the job kept, and then what waits
// among unconfirmed transactions to spend the coins that it tells of with them.
func (x *Index) finish(s *step, j *jobRow) (bool, error) {
	if j.State == JobDone {
		return true, nil
	}
	if j.Next < s.state.above(x.self.start) {
		return false, nil
	}
	waiting, err := x.untoldSpends(s, j.ID)
	if err != nil {
		return false, err
	}
	j.State, j.Finished = JobDone, x.opts.Clock().UTC()
	if err := x.succeed(s, j); err != nil {
		return false, err
	}
	s.log(&record{kind: recordJob, job: j.ID, count: j.kept})
	s.log(&record{kind: recordMempool, changes: waiting})
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
