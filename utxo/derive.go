package utxo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// SourceID numbers sources of scripts in the order of their import, from 1.
type SourceID uint32

// Scripts are what a source derives: some branches, each with indexes from 0.
type Scripts interface {
	// Branches returns how many branches there are, at least one.
	Branches() uint32
	// Len returns how many scripts a branch has.
	Len() uint32
	// Script returns one of them; it is the same at every call.
	Script(branch, index uint32) ([]byte, error)
}

// Deriver reads the canonical text of a source: a descriptor, as a rule.
type Deriver func(text string) (Scripts, error)

// SourceSpec is a source to watch.
type SourceSpec struct {
	// Text is canonical: equal texts are the same source.
	Text string
	// Gap is how many scripts behind the last one paid are watched at least, 1
	// to [MaxGap]; 0 is [DefaultGap].
	Gap   uint32
	Label string
}

// SourceResult says what an import of a source did.
type SourceResult struct {
	ID SourceID
	// Added counts the scripts that were not watched before.
	Added int
	// Known says that the source was there.
	Known bool
	// Job reads the past; 0 where none is needed.
	Job JobID
}

// Source is a watched source.
type Source struct {
	ID    SourceID
	Text  string
	Label string
	Gap   uint32
	// From is the height from which its scripts' history is, or will be, read.
	From  coins.Height
	State WatchState
	// Job reads its past, where State is Scanning.
	Job      JobID
	Added    time.Time
	Branches []Branch
}

// Branch is one branch of a source. All three counts only grow: a reorg takes
// back what a script has received, never that it is watched.
type Branch struct {
	// Derived scripts are watched: those with a lower index.
	Derived uint32
	// Used is one more than the highest index that was ever paid, in a block or
	// unconfirmed; Issued than the highest that [Index.Issue] gave out.
	Used, Issued uint32
}

// Origin says where a derived script comes from.
type Origin struct {
	Source        SourceID
	Branch, Index uint32
}

// Limits of sources.
const (
	// DefaultGap is the gap limit of BIP 44.
	DefaultGap = 20
	// MaxGap bounds the gap, and maxDerived what one import derives at once.
	MaxGap     = 10_000
	maxDerived = 20_000
	// stride is the least number of scripts by which a branch grows. A wallet of
	// fewer used scripts than that, less the gap, has its past read once.
	stride = 100
)

// target returns how many scripts of a branch are watched when that many are
// used or issued: the gap behind them, rounded up to whole strides. It depends
// on nothing else, so that the same chain leads to the same scripts.
func target(used, gap, length uint32) uint32 {
	step := uint64(max(gap, stride))
	return uint32(min((uint64(used)+uint64(gap)+step-1)/step*step, uint64(length)))
}

// AddSource watches what a source derives; durable when it returns. The past
// of its scripts is read by a job over job's range, if one is given, as in
// [Index.Watch]. A known source takes a new label, a larger gap, and an earlier
// beginning of its past. It fails with [ErrNoDeriver], [ErrSource] or [ErrRange].
func (x *Index) AddSource(ctx context.Context, spec SourceSpec, job *JobSpec) (result SourceResult, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	scripts, err := x.checkSource(&spec)
	if err != nil {
		return result, err
	}
	if err := x.flush(ctx); err != nil {
		return result, err
	}
	err = x.write(ctx, false, func(s *step) error {
		result, err = x.addSource(s, &spec, job, scripts)
		return err
	})
	if err != nil {
		return SourceResult{}, fmt.Errorf("add source: %w", err)
	}
	x.tryMatchDerived(ctx)
	return result, nil
}

// CheckSource fails as [Index.AddSource] would for the spec itself.
func (x *Index) CheckSource(spec SourceSpec) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	_, err := x.checkSource(&spec)
	return err
}

// checkSource fills in what is not given.
func (x *Index) checkSource(spec *SourceSpec) (Scripts, error) {
	spec.Gap = cmp.Or(spec.Gap, DefaultGap)
	if spec.Gap > MaxGap || len(spec.Text) > maxSourceText {
		return nil, fmt.Errorf("gap %d, at most %d, text of %d bytes: %w", spec.Gap, MaxGap, len(spec.Text), ErrSource)
	}
	scripts, err := x.derives(spec.Text)
	if err != nil {
		return nil, fmt.Errorf("add source: %w", err)
	}
	if n := scripts.Branches(); n == 0 || n > maxBranches || uint64(n)*uint64(target(0, spec.Gap, scripts.Len())) > maxDerived {
		return nil, fmt.Errorf("%d branches with a gap of %d, at most %d branches and %d scripts: %w", n, spec.Gap, maxBranches, maxDerived, ErrSource)
	}
	return scripts, nil
}

func (x *Index) addSource(s *step, spec *SourceSpec, job *JobSpec, scripts Scripts) (result SourceResult, err error) {
	src, last, err := s.sourceOf(spec.Text)
	if err != nil {
		return result, err
	}
	next := s.state.above(x.self.start)
	if result.Known = src != nil; src == nil {
		from := next
		if job != nil {
			from = max(from, job.From) // nothing before it is to count, also where the index is filled anew
		}
		src = &sourceRow{id: last + 1, text: spec.Text, gap: spec.Gap, from: from, added: x.opts.Clock().UTC(), branches: make([]Branch, scripts.Branches())}
		s.grown.sources[src.id] = src
	}
	src.label, src.gap = cmp.Or(spec.Label, src.label), max(spec.Gap, src.gap)
	d := &deriving{x: x, s: s, src: src, scripts: scripts}
	if d.derivedAt, err = x.atTip(s, src, next); err != nil {
		return result, err
	}
	if job != nil && job.From < src.from {
		if job.From < next {
			if d.job, err = x.newJob(s, JobSpec{From: job.From, To: job.To}); err != nil {
				return result, err
			}
			src.job, result.Job = d.job.ID, d.job.ID
		}
		src.from, d.birth, d.owes = job.From, job.From, false
		for branch := range src.branches { // those that are there have an earlier past now
			for index := range src.branches[branch].Derived {
				if err := d.add(uint32(branch), index); err != nil {
					return result, err
				}
			}
		}
	}
	for branch := range src.branches {
		if err := d.grow(uint32(branch)); err != nil {
			return result, err
		}
	}
	result.ID, result.Added = src.id, s.grown.added
	return result, d.finish()
}

// Sources returns the sources in the order of import, one page.
func (x *Index) Sources(ctx context.Context, page Page) (list []Source, next string, err error) {
	err = x.query(ctx, func(r Reader) error {
		prefix := []byte{tableSource}
		scope := x.cursors(cursorSources, nil)
		from, err := scope.row(prefix, page.Cursor)
		if err != nil {
			return err
		}
		last := bytes.Clone(from)
		return r.Scan(prefix, from, false, func(key, value []byte) error {
			if bytes.Equal(key, from) {
				return nil
			}
			if len(list) == page.limit() {
				next = scope.sealRow(prefix, last)
				return ErrStop
			}
			last = append(last[:0], key...)
			row, err := decodeSource(key, value)
			if err != nil {
				return err
			}
			src, err := row.describe(r)
			list = append(list, src)
			return err
		})
	})
	return list, next, err
}

// Source returns one source, and false where there is none with that number.
func (x *Index) Source(ctx context.Context, id SourceID) (src Source, found bool, err error) {
	err = x.query(ctx, func(r Reader) error {
		value, there, err := r.Get(keySource(id), nil)
		if err != nil || !there {
			return err
		}
		row, err := decodeSource(keySource(id), value)
		if err != nil {
			return err
		}
		found = true
		src, err = row.describe(r)
		return err
	})
	return src, found, err
}

// Issue gives out the next script of a branch that was never given out nor
// paid: its index is the higher of Used and Issued. When it returns, that is
// durable, and so is that the script and a gap behind it are watched. It fails
// with [ErrNoSource], with [ErrScanning] while the past is being read, which may
// use it, and with [ErrExhausted].
func (x *Index) Issue(ctx context.Context, id SourceID, branch uint32) (index uint32, script []byte, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.flush(ctx); err != nil {
		return 0, nil, err
	}
	err = x.write(ctx, false, func(s *step) error {
		index, script, err = x.issue(s, id, branch)
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("issue of source %d, branch %d: %w", id, branch, err)
	}
	x.tryMatchDerived(ctx)
	return index, script, nil
}

func (x *Index) issue(s *step, id SourceID, branch uint32) (index uint32, script []byte, err error) {
	src, err := s.source(id)
	if err != nil {
		return 0, nil, err
	}
	scripts, err := x.derives(src.text)
	if err != nil {
		return 0, nil, err
	}
	scanning, err := src.scanning(s)
	switch {
	case err != nil:
		return 0, nil, err
	case scanning:
		return 0, nil, fmt.Errorf("job %d reads its past: %w", src.job, ErrScanning)
	case int(branch) >= len(src.branches):
		return 0, nil, fmt.Errorf("it has %d branches: %w", len(src.branches), ErrNoSource)
	}
	b := &src.branches[branch]
	if index = max(b.Used, b.Issued); index >= scripts.Len() {
		return 0, nil, fmt.Errorf("all %d are used: %w", scripts.Len(), ErrExhausted)
	}
	b.Issued = index + 1
	d := &deriving{x: x, s: s, src: src, scripts: scripts}
	if d.derivedAt, err = x.atTip(s, src, s.state.above(x.self.start)); err != nil {
		return 0, nil, err
	}
	if err := d.grow(branch); err != nil {
		return 0, nil, err
	}
	script, err = scripts.Script(branch, index)
	return index, script, errors.Join(err, d.finish())
}

// derives parses a source's text, once.
func (x *Index) derives(text string) (Scripts, error) {
	if x.opts.Derive == nil {
		return nil, ErrNoDeriver
	}
	if scripts := x.w.grown.parsed[text]; scripts != nil {
		return scripts, nil
	}
	scripts, err := x.opts.Derive(text)
	if err != nil {
		return nil, err
	}
	x.w.grown.parsed[text] = scripts
	return scripts, nil
}

// tryMatchDerived is matchDerived behind what is stored already, whatever comes
// of this: where it fails it is tried again, and told of, before anything else
// is written.
func (x *Index) tryMatchDerived(ctx context.Context) { _ = x.matchDerived(ctx) }

// matchDerived looks for payments to scripts that were derived among what is
// unconfirmed.
func (x *Index) matchDerived(ctx context.Context) error {
	for len(x.w.grown.unmatched) > 0 {
		added := x.w.grown.unmatched
		x.w.grown.unmatched = nil
		if x.pool.empty() {
			continue
		}
		var again rematched
		err := x.write(ctx, false, func(s *step) (err error) {
			again, err = x.rematchPool(s, added)
			return err
		})
		if err != nil {
			x.w.grown.unmatched = slices.Concat(added, x.w.grown.unmatched)
			return err
		}
		x.mu.Lock()
		again.enter(x.pool)
		x.mu.Unlock()
	}
	return nil
}
