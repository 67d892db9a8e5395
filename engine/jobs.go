package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// errCancelled is the cause of a job's context when CancelJob ended it.
var errCancelled = errors.New("cancelled")

// Rescan is [Rescans]'.
func (e *Engine) Rescan(ctx context.Context, coin coins.Symbol, request RescanRequest) (Job, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return Job{}, err
	}
	spec := utxo.JobSpec{All: len(request.Addresses) == 0}
	if spec.Scripts, err = p.watchedScripts(ctx, index, request.Addresses); err != nil {
		return Job{}, err
	}
	from, past, err := p.from(ctx, request.From)
	if err == nil && !past {
		err = fmt.Errorf("a rescan has to begin somewhere: give a height, a date or genesis: %w", ErrInput)
	}
	if err != nil {
		return Job{}, err
	}
	tip, next, err := p.next(ctx, index)
	if err != nil {
		return Job{}, err
	}
	spec.From, spec.To = from, max(next-1, from)
	if request.To != "" {
		if spec.To, err = p.to(ctx, request.To, from); err != nil {
			return Job{}, err
		}
	}
	if err := p.checkPruned(ctx, from); err != nil {
		return Job{}, err
	}
	record, err := index.CreateJob(ctx, spec)
	if err != nil {
		return Job{}, err
	}
	p.nudge()
	return p.jobOf(&record, tip), nil
}

// watchedScripts returns the scripts of addresses that must all be watched.
func (p *part) watchedScripts(ctx context.Context, index *utxo.Index, addresses []string) ([][]byte, error) {
	var scripts [][]byte
	for _, address := range addresses {
		watch, err := p.watched(ctx, index, address)
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, watch.Script)
	}
	return scripts, nil
}

// to reads the last height of a rescan.
func (p *part) to(ctx context.Context, text string, from coins.Height) (coins.Height, error) {
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("to %q is not a height: %w", text, ErrInput)
	}
	to, err := p.checkHeight(ctx, number)
	if err == nil && to < from {
		err = fmt.Errorf("to %d is below from %d: %w", to, from, ErrInput)
	}
	return to, err
}

// Jobs is [Rescans]'.
func (e *Engine) Jobs(ctx context.Context, coin coins.Symbol) ([]Job, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return nil, err
	}
	tip, _, err := p.next(ctx, index)
	if err != nil {
		return nil, err
	}
	records, err := index.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(records, func(a, b utxo.Job) int { return cmp.Compare(b.ID, a.ID) })
	jobs := make([]Job, 0, len(records))
	for i := range records {
		jobs = append(jobs, p.jobOf(&records[i], tip))
	}
	return jobs, nil
}

// Job is [Rescans]'.
func (e *Engine) Job(ctx context.Context, coin coins.Symbol, id JobID) (Job, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return Job{}, err
	}
	tip, _, err := p.next(ctx, index)
	if err != nil {
		return Job{}, err
	}
	return p.findJob(ctx, index, id, tip)
}

func (p *part) findJob(ctx context.Context, index *utxo.Index, id JobID, tip *coins.BlockID) (Job, error) {
	record, found, err := index.Job(ctx, id)
	if err == nil && !found {
		err = fmt.Errorf("%s has no job %d, `coffer rescan list %s` lists them: %w", p.config.Symbol, id, p.config.Symbol, ErrNotFound)
	}
	return p.jobOf(&record, tip), err
}

func (p *part) jobOf(j *utxo.Job, tip *coins.BlockID) Job {
	shown := Job{
		Coin: p.config.Symbol, ID: j.ID, State: jobState(j.State), From: j.From, To: j.To, Next: j.Next, Tip: j.To,
		Scripts: j.Scripts, Found: j.Found, JobTimes: JobTimes{Created: j.Created, Finished: j.Finished}, Error: j.Error,
	}
	switch {
	case j.State == utxo.JobDone:
		shown.Tip = j.Next - 1
	case tip != nil:
		shown.Tip = max(tip.Height, j.To)
	}
	if j.State != utxo.JobRunning {
		return shown
	}
	if pass := p.passOf(j.ID); pass != nil {
		shown.BlocksPerSecond, shown.Remaining = p.pace(pass, shown.Tip)
	} else {
		shown.State = jobInterrupted
	}
	return shown
}

// jobInterrupted is the state of a rescan that was begun and that nobody does at the moment.
const jobInterrupted = "interrupted"

func jobState(s utxo.JobState) string {
	switch s {
	case utxo.JobQueued:
		return "queued"
	case utxo.JobRunning:
		return "running"
	case utxo.JobDone:
		return "done"
	case utxo.JobCancelled:
		return "cancelled"
	case utxo.JobFailed:
		return "failed"
	}
	return "unknown"
}

// CancelJob is [Rescans]'.
func (e *Engine) CancelJob(ctx context.Context, coin coins.Symbol, id JobID) (Job, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return Job{}, err
	}
	job, err := e.Job(ctx, coin, id)
	if err != nil {
		return Job{}, err
	}
	if job.State == "done" {
		return job, fmt.Errorf("job %d is done: there is nothing to cancel: %w", id, ErrConflict)
	}
	pass := p.passOf(id)
	record, err := index.EndJob(ctx, id, utxo.JobCancelled, "cancelled by the user")
	if err != nil {
		return Job{}, err
	}
	if pass != nil {
		p.endIn(ctx, pass, id)
	}
	p.nudge()
	return p.jobOf(&record, nil), nil
}

// ResumeJob is [Rescans]'.
func (e *Engine) ResumeJob(ctx context.Context, coin coins.Symbol, id JobID) (Job, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return Job{}, err
	}
	job, err := e.Job(ctx, coin, id)
	if err != nil {
		return Job{}, err
	}
	if job.State != "cancelled" && job.State != "failed" {
		return job, fmt.Errorf("job %d is %s: only cancelled and failed ones are resumed: %w", id, job.State, ErrConflict)
	}
	if _, err := index.ResumeJob(ctx, id); err != nil {
		return job, err
	}
	p.nudge()
	return e.Job(ctx, coin, id)
}

func (p *part) tellJob(ctx context.Context, index *utxo.Index, id JobID, detail func(Job) Detail) {
	tip, _, err := p.next(ctx, index)
	if err != nil {
		return // whatever is wrong with the index ends the coin where it is written to
	}
	if job, err := p.findJob(ctx, index, id, tip); err == nil {
		p.tell(id, detail(job))
	}
}
