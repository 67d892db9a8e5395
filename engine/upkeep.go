package engine

import (
	"context"
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// CheckIndex is [Upkeep]'s.
func (e *Engine) CheckIndex(ctx context.Context, coin coins.Symbol) (CheckReport, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return CheckReport{}, err
	}
	began := e.options.Clock()
	report := CheckReport{Coin: coin}
	proof, err := index.Prove(ctx, func(string, int) {})
	if proof.HasTip {
		report.Tip = &proof.Tip
	}
	switch {
	case err == nil:
		report.OK, report.Digest = true, fmt.Sprintf("%x", proof.Digest[:])
	case errors.Is(err, utxo.ErrCorrupt):
		report.Violations = violations(err)
	default:
		return report, err
	}
	err = e.checkWhole(ctx, p, &report)
	report.Took = e.options.Clock().Sub(began)
	return report, err
}

// violations takes a joined error apart.
func violations(err error) []string {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []string{err.Error()}
	}
	var texts []string
	for _, one := range joined.Unwrap() {
		texts = append(texts, one.Error())
	}
	return texts
}

// errRebuild interrupts following while an index is dropped.
var errRebuild = errors.New("the index is being rebuilt")

// RebuildIndex is [Upkeep]'s.
func (e *Engine) RebuildIndex(ctx context.Context, coin coins.Symbol) (ImportResult, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return ImportResult{}, err
	}
	watched, err := p.openWatched(ctx)
	if err != nil {
		return ImportResult{}, err
	}
	p.interrupt()
	defer p.turn.active.Unlock()
	if err := index.Reset(ctx); err != nil {
		return ImportResult{}, err
	}
	p.set(func() { p.live.scanner = nil })
	if _, err := watched.reconcile(ctx, true); err != nil {
		return ImportResult{}, err
	}
	return p.refill(ctx, index)
}

// interrupt ends following and takes its place.
func (p *part) interrupt() {
	p.turn.queue.Lock()
	defer p.turn.queue.Unlock()
	p.mu.Lock()
	if p.now.pause != nil {
		p.now.pause(errRebuild)
	}
	p.mu.Unlock()
	p.turn.active.Lock()
}

// refill tells of the job that the reset has queued for what is below the index's beginning.
func (p *part) refill(ctx context.Context, index *utxo.Index) (ImportResult, error) {
	result := ImportResult{Known: int(index.WatchCount())}
	jobs, err := index.Jobs(ctx)
	if err != nil || len(jobs) == 0 {
		return result, err
	}
	last := &jobs[len(jobs)-1]
	if last.State != utxo.JobQueued {
		return result, nil
	}
	job := p.jobOf(last, nil)
	result.Job = &job
	return result, nil
}
