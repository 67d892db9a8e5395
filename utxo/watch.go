package utxo

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// WatchSpec is a script to watch.
type WatchSpec struct {
	Script []byte
	// Birth is the height before which the script cannot have been paid, or
	// before which payments shall not count.
	Birth coins.Height
	// Label and Metadata, at most [MaxNote] bytes each, are kept with it.
	Label, Metadata string
	// Archived says that it is not wanted in lists.
	Archived bool
	// Added is when it was imported, in whole seconds; zero is now.
	Added time.Time
}

// WatchResult says what an import did.
type WatchResult struct {
	Added, Known int
	// Job reads the past of what was added; 0 where none is needed.
	Job JobID
}

// One commit takes so many scripts, and bytes of them with what is kept with
// them: well below what a transaction of the store may hold.
const (
	maxWatchStep  = 50_000
	maxWatchBytes = 8 << 20
)

// Watch adds scripts to the watch set; durable when it returns. From then on
// they are live. Their past is read by a job over job's range, if one is given
// (its All and Scripts are not used), that is created in the same transaction
// as the first of them, and begins at the lowest birth: until it is done they
// are Scanning. Where the tip has passed the range's end, the job reads on to
// the tip. Of a script named twice the earliest birth counts, and the last
// label. Without a job a script counts as complete from the next block on, or
// from its birth where that is later. A known script keeps what it has, but for
// a label or metadata that is given, and for an earlier birth, which makes the
// job read its past again, also beside a job that still reads it. It fails with
// [ErrScript], [ErrNote], [ErrRange], or [ErrJobBusy] where 100 unfinished jobs
// read a script already; when interrupted, the scripts already stored stay
// watched, and their job is there to be run.
func (x *Index) Watch(ctx context.Context, specs []WatchSpec, job *JobSpec) (result WatchResult, err error) {
	in := x.Import(job)
	defer in.Close()
	err = in.Add(ctx, specs)
	return in.Result(), err
}

// Import is a [Index.Watch] in several parts that share one job. It is for one
// goroutine.
type Import struct {
	x      *Index
	job    *JobSpec
	result WatchResult
}

// Import begins an import. It must be closed: its job waits for that.
func (x *Index) Import(job *JobSpec) *Import { return &Import{x: x, job: job} }

// Add adds scripts as [Index.Watch] does.
func (i *Import) Add(ctx context.Context, specs []WatchSpec) error {
	for n := range specs {
		if err := specs[n].check(); err != nil {
			return err
		}
	}
	for len(specs) > 0 {
		n := watchStep(specs)
		if err := i.x.watchPart(ctx, specs[:n], i.job, &i.result); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		specs = specs[n:]
	}
	return nil
}

// Result tells what was imported up to now.
func (i *Import) Result() WatchResult { return i.result }

// Close lets the import's job be run, also of one that was interrupted.
func (i *Import) Close() {
	i.x.writing.Lock()
	defer i.x.writing.Unlock()
	delete(i.x.w.importing, i.result.Job)
}

func (s *WatchSpec) check() error {
	switch {
	case len(s.Script) == 0 || coins.Unspendable(s.Script):
		return fmt.Errorf("script %x: %w", s.Script, ErrScript)
	case s.Birth < 0:
		return fmt.Errorf("birth %d: %w", s.Birth, ErrRange)
	}
	return checkNote(s.Label, s.Metadata)
}

// watchStep returns how many of the specs one commit takes.
func watchStep(specs []WatchSpec) int {
	size := 0
	for n := range specs {
		s := &specs[n]
		if size += len(s.Script) + len(s.Label) + len(s.Metadata); n == maxWatchStep || n > 0 && size > maxWatchBytes {
			return n
		}
	}
	return len(specs)
}

// newWatch is a script that a step adds.
type newWatch struct {
	mark uint64
	id   scriptID
	row  *watchRow
}

func (x *Index) watchPart(ctx context.Context, specs []WatchSpec, job *JobSpec, result *WatchResult) error {
	x.writing.lockLater()
	defer x.writing.Unlock()
	if err := x.flush(ctx); err != nil {
		return err
	}
	in := importing{x: x, spec: job, result: *result}
	in.result.Known += len(specs)
	specs = mergeSpecs(specs)
	in.result.Known -= len(specs)
	err := x.write(ctx, false, func(s *step) (err error) {
		in.s = s
		s.added = map[string]scriptID{}
		for i := range specs {
			if err := in.add(&specs[i]); err != nil {
				return err
			}
		}
		in.finish()
		in.again, err = x.rematchPool(s, in.added)
		return err
	})
	if err != nil {
		return err
	}
	*result = in.result
	if result.Job != 0 {
		x.w.importing[result.Job] = true
	}
	x.mu.Lock()
	for _, n := range in.added {
		x.scripts.add(n.mark, uint32(n.id))
	}
	in.again.enter(x.pool)
	x.mu.Unlock()
	return nil
}

// importing is one step of an import.
type importing struct {
	x      *Index
	s      *step
	spec   *JobSpec
	result WatchResult
	added  []newWatch
	job    *jobRow
	again  rematched
}

// mergeSpecs makes one of the specs of each script.
func mergeSpecs(specs []WatchSpec) []WatchSpec {
	at := make(map[string]int, len(specs))
	merged := make([]WatchSpec, 0, len(specs))
	for _, spec := range specs {
		i, known := at[string(spec.Script)]
		if !known {
			at[string(spec.Script)] = len(merged)
			merged = append(merged, spec)
			continue
		}
		merged[i].Birth = min(merged[i].Birth, spec.Birth)
		merged[i].Label = cmp.Or(spec.Label, merged[i].Label)
		merged[i].Metadata = cmp.Or(spec.Metadata, merged[i].Metadata)
		merged[i].Archived = merged[i].Archived || spec.Archived
	}
	return merged
}

func (in *importing) add(spec *WatchSpec) error {
	id, w, err := in.x.scriptIDIn(in.s, spec.Script)
	if err == nil {
		in.result.Known++
		return in.extend(id, w, spec)
	}
	if !isNotWatched(err) {
		return err
	}
	next := in.s.state.above(in.x.self.start)
	w = &watchRow{script: bytes.Clone(spec.Script), birth: spec.Birth, since: next, added: spec.Added, label: spec.Label}
	w.metadata, w.archived = spec.Metadata, spec.Archived
	if w.added.IsZero() {
		w.added = in.x.opts.Clock().UTC()
	}
	switch {
	case in.spec != nil && in.spec.From < next:
		if w.birth = max(spec.Birth, in.spec.From); w.birth < next {
			if err := in.assign(w, w.birth); err != nil {
				return err
			}
			// Up to where it is live from, whatever the tip was when the range
			// or the job was made: else the blocks between would be lost.
			in.job.To = max(in.job.To, next-1)
		}
	default:
		w.birth = max(spec.Birth, next)
	}
	in.s.state.lastScript++
	in.s.state.watched++
	id = in.s.state.lastScript
	in.s.putFresh(keyScript(tableWatch, id), w.encode())
	in.s.watches[id], in.s.added[string(w.script)] = w, id
	in.added = append(in.added, newWatch{in.x.scriptMark(w.script), id, w})
	in.result.Added++
	return nil
}

// extend takes what is new about a known script.
func (in *importing) extend(id scriptID, w *watchRow, spec *WatchSpec) error {
	changed := w.take(spec)
	if in.spec != nil {
		if birth := max(spec.Birth, in.spec.From); birth < w.birth && birth < in.s.state.above(in.x.self.start) {
			if err := in.assign(w, birth); err != nil {
				return err
			}
			in.job.To = max(in.job.To, w.birth-1)
			w.birth, changed = birth, true
		}
	}
	if changed {
		in.s.put(keyScript(tableWatch, id), w.encode())
	}
	return nil
}

// take takes over what a spec gives of what is kept with a script.
func (r *watchRow) take(spec *WatchSpec) (changed bool) {
	if spec.Label != "" && spec.Label != r.label {
		r.label, changed = spec.Label, true
	}
	if spec.Metadata != "" && spec.Metadata != r.metadata {
		r.metadata, changed = spec.Metadata, true
	}
	if spec.Archived && !r.archived {
		r.archived, changed = true, true
	}
	return changed
}

// assign gives a script to the import's job, making it with the first. The job
// begins at the lowest birth: it does not run before the import is over.
func (in *importing) assign(w *watchRow, birth coins.Height) error {
	if in.job == nil {
		if in.result.Job != 0 {
			row, err := in.s.job(in.result.Job)
			if err != nil {
				return err
			}
			in.job = row
		} else {
			to := in.spec.To
			if to != 0 {
				to = max(to, birth)
			}
			row, err := in.x.newJob(in.s, JobSpec{From: birth, To: to})
			if err != nil {
				return err
			}
			in.job, in.result.Job = row, row.ID
		}
	}
	if birth < in.job.From {
		in.job.From, in.job.Next = birth, birth
	}
	if w.job == in.job.ID {
		return nil // named in an earlier part of the import too
	}
	if err := in.s.assign(w, in.job.ID, false); err != nil {
		return err
	}
	in.job.Scripts++
	return nil
}

func (in *importing) finish() {
	if in.job != nil {
		in.s.putJob(in.job)
	}
}

// rematchPool looks for payments to new scripts among what is unconfirmed, in
// the step that makes them watched.
func (x *Index) rematchPool(s *step, added []newWatch) (rematched, error) {
	if x.pool.empty() || len(added) == 0 {
		return rematched{}, nil
	}
	marks := make(map[uint64]bool, len(added))
	for _, w := range added {
		marks[w.mark] = true
	}
	var again []*poolTx
	for _, tx := range x.pool.txs {
		if tx.raw == nil {
			continue
		}
		var l coins.Layout
		if err := x.coin.Params().Format.WalkTx(tx.raw, &l); err != nil {
			continue // it was walked when it came
		}
		for n := range l.Outs {
			if marks[x.scriptMark(l.Script(tx.raw, n))] {
				again = append(again, tx)
				break
			}
		}
	}
	slices.SortFunc(again, func(a, b *poolTx) int { return bytes.Compare(a.id[:], b.id[:]) })
	return x.reenter(s, again)
}

// Unwatch takes scripts out of the watch set with their coins, history and
// balances, and returns how many were there. The log keeps what it said of
// them, and says no more: what jobs that have not ended keep of them goes too.
// Whoever follows the log forgets a script that it has unwatched, where the log
// ends when Unwatch returns. A script is gone with the first commit of its own; what is left of it
// after an interruption goes before anything else is written.
func (x *Index) Unwatch(ctx context.Context, scripts [][]byte) (removed int, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.flush(ctx); err != nil {
		return 0, err
	}
	if err := x.checkNotDerived(ctx, scripts); err != nil {
		return 0, err
	}
	for _, script := range scripts {
		there, err := x.unwatch(ctx, script)
		if err != nil {
			return removed, fmt.Errorf("unwatch script %x: %w", script, err)
		}
		if there {
			removed++
		}
	}
	return removed, nil
}

// maxUnwatchEvents is how many history rows one commit of an unwatch takes.
const maxUnwatchEvents = 5_000

func (x *Index) unwatch(ctx context.Context, script []byte) (there bool, err error) {
	var id scriptID
	err = x.store.View(ctx, func(r Reader) (err error) {
		id, _, err = x.scriptID(r, script)
		return err
	})
	if isNotWatched(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mark := x.scriptMark(script)
	x.mu.Lock() // no query is to find it without its row
	x.scripts.remove(mark, uint32(id))
	x.mu.Unlock()
	gone := leaving{id: id}
	if err := x.dropScript(ctx, &gone); err != nil {
		x.mu.Lock()
		x.scripts.add(mark, uint32(id))
		x.mu.Unlock()
		return false, err
	}
	x.w.unwatched = append(x.w.unwatched, gone)
	return true, x.finishLeaving(ctx)
}

// finishLeaving drops what is left of scripts that are leaving.
func (x *Index) finishLeaving(ctx context.Context) error {
	for len(x.w.unwatched) > 0 {
		gone := &x.w.unwatched[0]
		for !gone.noRows {
			if err := x.dropScript(ctx, gone); err != nil {
				return err
			}
		}
		if err := x.forgetInPool(ctx, gone.id); err != nil {
			return err
		}
		x.w.unwatched = x.w.unwatched[1:]
	}
	return nil
}

// dropScript removes a script's history from its newest end, as much as one
// commit takes; the script itself goes with the last part.
func (x *Index) dropScript(ctx context.Context, gone *leaving) error {
	more := false
	var left map[JobID]coins.Height
	err := x.commit(ctx, false, func(s *step) (err error) {
		w, err := s.needWatch(gone.id)
		if err != nil {
			return err
		}
		if left, err = s.toRenumber(gone, w); err != nil {
			return err
		}
		if more, err = x.dropHistory(s, gone.id, w, left); err != nil {
			return err
		}
		reserved, err := s.forgetLeases(gone.id)
		if err != nil {
			return err
		}
		if more = more || reserved; !more {
			if left, err = s.renumber(left); err != nil {
				return err
			}
			more = len(left) > 0
		}
		if !w.leaving {
			w.leaving = true
			s.state.watched--
		}
		if more {
			s.put(keyScript(tableWatch, gone.id), w.encode())
			return nil
		}
		s.del(keyScript(tableWatch, gone.id))
		s.del(keyScript(tableBalance, gone.id))
		return nil
	})
	if err == nil {
		gone.noRows, gone.renumber = !more, left
	}
	return err
}

// dropHistory takes away the newest events of a script, and what jobs keep of
// them.
func (x *Index) dropHistory(s *step, id scriptID, w *watchRow, renumber map[JobID]coins.Height) (more bool, err error) {
	var events []storedEvent
	err = s.base.Scan(keyScript(tableEvent, id), nil, true, func(key, value []byte) error {
		if len(events) == maxUnwatchEvents {
			more = true
			return ErrStop
		}
		e, err := decodeEvent(key, value)
		events = append(events, e)
		return err
	})
	if err != nil {
		return false, err
	}
	var heights []coins.Height
	for _, e := range events {
		heights = append(heights, e.num.height())
		f := fact{kind: e.kind, tx: e.num.index(), n: e.n, coin: e.coin, coinRow: coinRow{id, e.value, e.flags}}
		if err := x.forget(s, e.num.height(), f); err != nil {
			return false, err
		}
	}
	return more, s.unkeep(w, slices.Compact(heights), renumber)
}

// forget undoes a fact without a word to the log.
func (x *Index) forget(s *step, height coins.Height, f fact) error {
	txid, err := s.txID(f.coin.num)
	if err != nil {
		return err
	}
	c, err := s.coin(f.coin, f.coinRow, txid)
	if err != nil {
		return err
	}
	if f.kind == Spent {
		s.appeared(x, c, f.script)
	} else {
		s.disappeared(x, c, f.script)
	}
	if err := s.unapply(height, f); err != nil {
		return err
	}
	return s.dropTx(numberOf(height, f.tx), 1)
}
