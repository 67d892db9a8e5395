package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"coffer.example/coffer/store/watchlog"
	"coffer.example/coffer/utxo"
)

// WatchLogCut says that a half written record was cut off the watch log's end: the process or the machine had died while
// it was being written, and nobody had been told that it was durable.
type WatchLogCut struct {
	Path  string
	Bytes int64
}

// Refilled says that an index has been brought up to the watch log: it was new, restored, or the process had died
// between the two.
type Refilled struct {
	// Added counts the addresses that the index did not have; Adopted those that only the index had, and that are in the
	// log now. Job reads the past of what was added, 0 for none.
	Added, Adopted int
	Job            JobID
}

func (WatchLogCut) detail() {}
func (Refilled) detail()    {}

// watchSet is a coin's watch set: every change of it goes to the log, which is its truth, and then to the index.
type watchSet struct {
	log   *watchlog.Log
	index *utxo.Index
	clock func() time.Time
	// room refuses what the index could not take for want of disk.
	room func() error
	// nudge makes the runner of jobs look.
	nudge func()

	// mu is held over a change of both.
	mu sync.Mutex
	// applied is the position up to which the index has what the log has.
	applied int64
}

// watchStep is how many scripts one record of the log takes, and watchStepBytes how many bytes of them.
const (
	watchStep      = 50_000
	watchStepBytes = 4 << 20
)

// openWatchSet opens the log beside an index's folder and brings the index up to it.
func (p *part) openWatchSet(ctx context.Context, index *utxo.Index) (*watchSet, error) {
	path := filepath.Join(filepath.Dir(p.dir), "watch.log")
	log, _, err := watchlog.Open(path, p.coin.Params(), watchlog.Options{Wrap: p.options.WatchLog})
	if err != nil {
		return nil, withRemedy(err)
	}
	if cut := log.Cut(); cut > 0 {
		p.tell(0, WatchLogCut{Path: path, Bytes: cut})
	}
	s := &watchSet{log: log, index: index, clock: p.options.Clock, nudge: p.nudge}
	s.room = func() error { return checkRoom(p.dir, p.options.Free) }
	done, err := s.reconcile(ctx, false)
	if err == nil {
		err = s.tidy(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bring the index up to %s: %w", path, err), log.Close())
	}
	if done.Added > 0 || done.Adopted > 0 {
		p.tell(0, done)
	}
	if done.Job != 0 {
		p.nudge()
	}
	return s, nil
}

// reconcile brings the index up to the log: with the records behind its mark, or where it has none in this log, or
// everything is wanted, with all that the log amounts to. Then what only the index has is taken into the log: to watch
// too much is harmless.
func (s *watchSet) reconcile(ctx context.Context, everything bool) (done Refilled, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.index.Mark(ctx)
	if err != nil {
		return done, err
	}
	mark, ok := watchlog.DecodePosition(stored)
	if ok && mark.Log == s.log.ID() && mark.At <= s.log.End() && !everything {
		s.applied = mark.At
		return s.settle(ctx)
	}
	before := s.index.WatchCount()
	known := newScriptSet()
	in := s.index.Import(&utxo.JobSpec{})
	defer in.Close()
	err = s.log.Live(ctx, func(r *watchlog.Record) error {
		if before > 0 {
			known.add(r)
		}
		return s.apply(ctx, in, r)
	})
	if err != nil {
		return done, err
	}
	if before > 0 {
		if done.Adopted, err = s.adopt(ctx, known); err != nil {
			return done, err
		}
	}
	done.Added, done.Job = in.Result().Added, in.Result().Job
	return done, s.mark()
}

// settle applies the records that the index does not have: none, but after something went wrong between the two.
func (s *watchSet) settle(ctx context.Context) (done Refilled, err error) {
	if s.applied == s.log.End() {
		return done, nil
	}
	in := s.index.Import(&utxo.JobSpec{})
	defer in.Close()
	err = s.log.Replay(ctx, s.applied, func(r *watchlog.Record, _ int64) error { return s.apply(ctx, in, r) })
	if err != nil {
		return done, err
	}
	return Refilled{Added: in.Result().Added, Job: in.Result().Job}, s.mark()
}

// mark notes that the index has all of the log.
func (s *watchSet) mark() error {
	s.applied = s.log.End()
	return s.index.SetMark(watchlog.Position{Log: s.log.ID(), At: s.applied}.Encode())
}

// apply does to the index what a record says. It may do so again.
func (s *watchSet) apply(ctx context.Context, in *utxo.Import, r *watchlog.Record) error {
	switch r.Kind {
	case watchlog.Watched:
		return in.Add(ctx, specsOf(r))
	case watchlog.GivenUp:
		scripts := make([][]byte, len(r.Scripts))
		for i := range r.Scripts {
			scripts[i] = r.Scripts[i].Script
		}
		return s.giveUp(ctx, scripts)
	case watchlog.Changed:
		_, err := s.index.ChangeWatches(ctx, changesOf(r))
		return err
	case watchlog.DescriptorWatched, watchlog.Issued:
		_, err := s.applySource(ctx, r)
		return err
	}
	return fmt.Errorf("record of kind %d: %w", r.Kind, watchlog.ErrNewer)
}

// giveUp takes scripts out of the index, but for those that a descriptor has come to derive since somebody asked
// whether they may go: a block does that at any time, and to watch too much is harmless.
func (s *watchSet) giveUp(ctx context.Context, scripts [][]byte) error {
	_, err := s.index.Unwatch(ctx, scripts)
	if !errors.Is(err, utxo.ErrDerived) {
		return err
	}
	for _, script := range scripts {
		if _, err := s.index.Unwatch(ctx, [][]byte{script}); err != nil && !errors.Is(err, utxo.ErrDerived) {
			return err
		}
	}
	return nil
}

func specsOf(r *watchlog.Record) []utxo.WatchSpec {
	specs := make([]utxo.WatchSpec, len(r.Scripts))
	for i := range r.Scripts {
		script := &r.Scripts[i]
		specs[i] = utxo.WatchSpec{
			Script: script.Script, Birth: script.Birth, Label: script.Label, Metadata: script.Metadata, Archived: script.Archived, Added: script.Added,
		}
	}
	return specs
}

func changesOf(r *watchlog.Record) []utxo.WatchChange {
	changes := make([]utxo.WatchChange, len(r.Scripts))
	for i := range r.Scripts {
		script := &r.Scripts[i]
		changes[i].Script = script.Script
		if script.HasLabel {
			changes[i].Label = &script.Label
		}
		if script.HasMetadata {
			changes[i].Metadata = &script.Metadata
		}
		if script.HasArchived {
			changes[i].Archived = &script.Archived
		}
	}
	return changes
}

// adopt takes what only the index has into the log.
func (s *watchSet) adopt(ctx context.Context, known *scriptSet) (count int, err error) {
	known.sort()
	var fresh []utxo.WatchSpec
	flush := func() error {
		for len(fresh) > 0 {
			n := stepOf(fresh)
			if _, err := s.log.Append(recordOf(fresh[:n])); err != nil {
				return err
			}
			count += n
			fresh = fresh[n:]
		}
		return nil
	}
	err = s.index.EachWatch(ctx, func(spec utxo.WatchSpec) error {
		if known.has(spec.Script) {
			return nil
		}
		if len(fresh) == watchStep {
			if err := flush(); err != nil {
				return err
			}
		}
		fresh = append(fresh, spec)
		return nil
	})
	if err := errors.Join(err, flush()); err != nil {
		return count, err
	}
	sources, err := s.adoptSources(ctx, known)
	return count + sources, err
}

// recordOf makes a record of specs, all of them with their times.
func recordOf(specs []utxo.WatchSpec) *watchlog.Record {
	r := &watchlog.Record{Kind: watchlog.Watched, Time: specs[0].Added, Scripts: make([]watchlog.Script, len(specs))}
	for i := range specs {
		r.Scripts[i] = watchlog.Script{
			Script: specs[i].Script, Birth: specs[i].Birth, Added: specs[i].Added,
			Label: specs[i].Label, Metadata: specs[i].Metadata, Archived: specs[i].Archived,
		}
	}
	return r
}

// stepOf returns how many of the specs one record takes.
func stepOf(specs []utxo.WatchSpec) int {
	size := 0
	for n := range specs {
		size += len(specs[n].Script) + len(specs[n].Label) + len(specs[n].Metadata)
		if n == watchStep || n > 0 && size > watchStepBytes {
			return n
		}
	}
	return len(specs)
}

// begin readies both for a change; mu is held.
func (s *watchSet) begin(ctx context.Context) error {
	done, err := s.settle(ctx)
	if err != nil {
		return err
	}
	if done.Job != 0 {
		s.nudge()
	}
	return s.room()
}

// watch adds scripts in steps, each durable in the log before the index has it. What is known as it is is passed over.
func (s *watchSet) watch(ctx context.Context, in *utxo.Import, job *utxo.JobSpec, specs []utxo.WatchSpec) error {
	for len(specs) > 0 {
		n := stepOf(specs)
		if err := s.watchStep(ctx, in, job, specs[:n]); err != nil {
			return err
		}
		specs = specs[n:]
	}
	return nil
}

func (s *watchSet) watchStep(ctx context.Context, in *utxo.Import, job *utxo.JobSpec, specs []utxo.WatchSpec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(ctx); err != nil {
		return err
	}
	news, err := s.index.News(ctx, specs, job)
	if err != nil || len(news) == 0 {
		return err
	}
	now := s.clock().UTC().Truncate(time.Second)
	for i := range news {
		news[i].Added = now
	}
	if _, err := s.log.Append(recordOf(news)); err != nil {
		return err
	}
	if err := in.Add(ctx, news); err != nil {
		return err
	}
	return s.mark()
}

// change does what other records say, which are about scripts that are watched.
func (s *watchSet) change(ctx context.Context, kind watchlog.Kind, scripts []watchlog.Script) error {
	for part := range slices.Chunk(scripts, watchStep/10) { // a tenth: labels and metadata may be long
		if err := s.changeStep(ctx, &watchlog.Record{Kind: kind, Scripts: part}); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tidy(ctx)
}

func (s *watchSet) changeStep(ctx context.Context, r *watchlog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(ctx); err != nil {
		return err
	}
	for _, c := range changesOf(r) {
		if err := c.Check(); err != nil {
			return err
		}
	}
	if _, err := s.log.Append(r); err != nil {
		return err
	}
	if err := s.apply(ctx, nil, r); err != nil {
		return err
	}
	return s.mark()
}

// close closes the log; there may be none.
func (s *watchSet) close() error {
	if s == nil {
		return nil
	}
	return s.log.Close()
}

// tidy writes the log anew where much of it is of the past.
func (s *watchSet) tidy(ctx context.Context) error {
	if s.applied != s.log.End() || !s.log.Stats().Garbage() {
		return nil
	}
	if err := s.log.Compact(ctx); err != nil {
		return err
	}
	return s.mark()
}

// scriptSet knows scripts by 64 bits each, for a moment.
type scriptSet struct {
	seed   maphash.Seed
	hashes []uint64
}

func newScriptSet() *scriptSet { return &scriptSet{seed: maphash.MakeSeed()} }

func (k *scriptSet) add(r *watchlog.Record) {
	for i := range r.Scripts {
		k.hashes = append(k.hashes, maphash.Bytes(k.seed, r.Scripts[i].Script))
	}
	if text := r.Descriptor.Text; text != "" {
		k.hashes = append(k.hashes, maphash.String(k.seed, text))
	}
}

func (k *scriptSet) sort() { slices.Sort(k.hashes) }

// has is right for every script that was added. For another it may be wrong, with odds of one in 10^12 for ten million.
func (k *scriptSet) has(script []byte) bool {
	_, found := slices.BinarySearch(k.hashes, maphash.Bytes(k.seed, script))
	return found
}
