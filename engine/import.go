package engine

import (
	"context"
	"io"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// LinesRequest asks to watch addresses from lines of text.
type LinesRequest struct {
	// Lines are read once, to their end.
	Lines io.Reader
	// From is as in [ImportRequest], for all of them. Label is for lines without one.
	From, Label string
}

// ImportProgress is how far an import is: first lines are checked, then addresses stored.
type ImportProgress struct {
	// Checked counts lines.
	Checked int64 `json:"checked"`
	// Stored and Total count addresses; Total is 0 until all lines are checked.
	Stored int64 `json:"stored,omitempty"`
	Total  int64 `json:"total,omitempty"`
}

// importer is an import at work.
type importer struct {
	p       *part
	watched *watchSet
	in      *utxo.Import
	job     *utxo.JobSpec
	birth   coins.Height
	tip     *coins.BlockID
	total   int
}

// beginImport finds out where the past of what is imported begins. The importer must be ended.
func (p *part) beginImport(ctx context.Context, text string) (*importer, error) {
	from, past, err := p.from(ctx, text)
	if err != nil {
		return nil, err
	}
	watched, err := p.openWatched(ctx)
	if err != nil {
		return nil, err
	}
	tip, next, err := p.next(ctx, watched.index)
	if err != nil {
		return nil, err
	}
	i := &importer{p: p, watched: watched, birth: next, tip: tip}
	if past {
		// Also where from is beyond the tip: it may not be by the time that the addresses are stored.
		i.birth, i.job = min(from, next), &utxo.JobSpec{From: from}
	}
	if past && from < next {
		if err := p.checkPruned(ctx, from); err != nil {
			return nil, err
		}
	}
	i.in = watched.index.Import(i.job)
	return i, nil
}

// add watches scripts, durably when it returns; their births are set.
func (i *importer) add(ctx context.Context, specs []utxo.WatchSpec) error {
	for n := range specs {
		specs[n].Birth = i.birth
	}
	i.total += len(specs)
	return i.watched.watch(ctx, i.in, i.job, specs)
}

// end lets the job be run, also of an import that failed, and tells what was done.
func (i *importer) end(ctx context.Context, err error) (ImportResult, error) {
	i.in.Close()
	done := i.in.Result()
	if done.Job != 0 {
		i.p.nudge() // what is stored has a past to be read
	}
	if err != nil {
		return ImportResult{}, err
	}
	result := ImportResult{Added: done.Added, Known: i.total - done.Added}
	if done.Job == 0 {
		return result, nil
	}
	record, err := i.p.findJob(ctx, i.watched.index, done.Job, i.tip)
	result.Job = &record
	return result, err
}

// ImportAddresses is [Watching]'s.
func (e *Engine) ImportAddresses(ctx context.Context, coin coins.Symbol, request ImportRequest) (ImportResult, error) {
	p, err := e.part(coin)
	if err != nil {
		return ImportResult{}, err
	}
	scripts, err := p.scripts(request.Addresses)
	if err != nil {
		return ImportResult{}, err
	}
	specs := make([]utxo.WatchSpec, len(scripts))
	for i, script := range scripts {
		specs[i] = utxo.WatchSpec{Script: script, Label: request.Label}
	}
	i, err := p.beginImport(ctx, request.From)
	if err != nil {
		return ImportResult{}, err
	}
	return i.end(ctx, i.add(ctx, specs))
}

// ImportLines is [Watching]'s.
func (e *Engine) ImportLines(
	ctx context.Context, coin coins.Symbol, request LinesRequest, progress func(ImportProgress),
) (ImportResult, error) {
	p, err := e.part(coin)
	if err != nil {
		return ImportResult{}, err
	}
	if progress == nil {
		progress = func(ImportProgress) {}
	}
	spool, err := newSpool(p.dir)
	if err != nil {
		return ImportResult{}, err
	}
	defer spool.close()
	c := checker{p: p, label: request.Label, spool: spool, progress: progress}
	if err := c.check(ctx, request.Lines); err != nil {
		return ImportResult{}, err
	}
	i, err := p.beginImport(ctx, request.From)
	if err != nil {
		return ImportResult{}, err
	}
	err = spool.read(func(specs []utxo.WatchSpec) error {
		if err := i.add(ctx, specs); err != nil {
			return err
		}
		progress(ImportProgress{Checked: c.lines, Stored: int64(i.total), Total: spool.count})
		return nil
	})
	return i.end(ctx, err)
}

// openWatched returns the coin's watch set, opening its index.
func (p *part) openWatched(ctx context.Context) (*watchSet, error) {
	p.opening.Lock()
	defer p.opening.Unlock()
	if _, err := p.openIndexLocked(ctx); err != nil {
		return nil, err
	}
	if p.live.watched == nil {
		return nil, checkRoom(p.dir, p.options.Free)
	}
	return p.live.watched, nil
}
