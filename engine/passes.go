package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/utxo"
)

// Limits of a coin's rescans.
const (
	// MaxPasses is how many readings of the chain run beside each other. A rescan beyond waits until a pass ends, or
	// comes by its cursor.
	MaxPasses = 4
	// MaxPassJobs is how many rescans one pass serves, each block being taken once.
	MaxPassJobs = 256
	// passNear is how far behind a rescan's cursor a pass may be for the rescan to wait for it although another pass
	// could begin.
	passNear coins.Height = 1000
	// PassBlocks and PassBytes bound what one pass has in flight, so that a new block's own fetch does not stand in a
	// long line at the node.
	PassBlocks = 8
	PassBytes  = 64 << 20
)

// JobTimes are when a rescan was asked for and ended, and how fast it is read.
type JobTimes struct {
	Created  time.Time `json:"created"`
	Finished time.Time `json:"finished,omitzero"`
	// BlocksPerSecond is its pace, Remaining the time that what is left takes at that; told while it runs.
	BlocksPerSecond float64       `json:"blocks_per_second,omitempty"`
	Remaining       time.Duration `json:"remaining_ns,omitempty"`
}

// pass is one reading of the chain for one or several rescans.
type pass struct {
	backfill *utxo.Backfill
	cancel   context.CancelCauseFunc
	// jobs are those that it was begun or joined by and of which the end has not been told; progress is the last.
	jobs     []JobID
	progress scanner.Progress
}

// jobRunner does a coin's rescans, several at once.
type jobRunner struct {
	p     *part
	index *utxo.Index
	node  *node.Pool
	// ended is told of each pass that has ended.
	ended chan *pass
	group *errgroup.Group
	// running counts the passes whose end has not been seen.
	running int
}

// runJobs does the waiting rescans until ctx ends.
func (p *part) runJobs(ctx context.Context) error { return p.doJobs(ctx, true, 0) }

// doJobs does the waiting rescans, several at once: until ctx ends where it is to stay, else until none is left or the
// one given has ended.
func (p *part) doJobs(ctx context.Context, stay bool, until JobID) error {
	index, client, _ := p.opened()
	if index == nil || client == nil {
		return ErrClosed
	}
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	group, working := errgroup.WithContext(working)
	r := &jobRunner{p: p, index: index, node: client, ended: make(chan *pass, MaxPasses), group: group}
	err := r.loop(working, stay, until)
	stop(errEnough)
	failed := group.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed != nil && !errors.Is(failed, context.Canceled):
		return failed
	}
	return err
}

// errEnough ends passes that nobody waits for.
var errEnough = errors.New("nobody waits for it")

func (r *jobRunner) loop(ctx context.Context, stay bool, until JobID) error {
	for {
		waiting, over, err := r.waiting(ctx, until)
		if err != nil {
			return err
		}
		if !stay && (over || len(waiting) == 0 && r.running == 0) {
			return nil
		}
		for _, job := range waiting {
			if err := r.place(ctx, job); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.p.wake:
		case <-r.ended:
			r.running--
		}
	}
}

// waiting returns the rescans to do, the one that is waited for first, then the oldest, and whether that one has
// ended. There are none while the index has no block.
func (r *jobRunner) waiting(ctx context.Context, until JobID) (list []utxo.Job, over bool, err error) {
	_, begun, err := r.index.Tip(ctx)
	if err != nil || !begun {
		return nil, !begun, err
	}
	jobs, err := r.index.Jobs(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, job := range jobs {
		waits := job.State == utxo.JobQueued || job.State == utxo.JobRunning
		if job.ID == until && !waits {
			return nil, true, nil
		}
		if !waits || r.p.passOf(job.ID) != nil {
			continue
		}
		if list = append(list, job); job.ID == until {
			list = slices.Insert(list[:len(list)-1], 0, job)
		}
	}
	return list, false, nil
}

// place has a rescan done by a pass that comes by its cursor soon, by one of its own, or, where there are enough, by
// any that comes by. Else it waits.
func (r *jobRunner) place(ctx context.Context, job utxo.Job) error {
	near := passNear
	if r.running >= MaxPasses {
		near = coins.MaxHeight
	}
	for _, p := range r.p.passes() {
		next := p.backfill.Next()
		if next > job.Next || job.Next-next > near || len(p.backfill.Jobs()) >= MaxPassJobs {
			continue
		}
		err := p.backfill.Join(ctx, job.ID)
		if errors.Is(err, utxo.ErrRange) || errors.Is(err, utxo.ErrJobState) {
			continue // it has gone by, or has just ended
		}
		if err == nil {
			r.p.set(func() { p.jobs = append(p.jobs, job.ID) })
			r.p.tellJob(ctx, r.index, job.ID, func(job Job) Detail { return JobStarted{Job: job} })
		}
		return unlessBusy(err)
	}
	if r.running >= MaxPasses {
		return nil
	}
	backfill, err := r.index.StartJob(ctx, job.ID)
	if err != nil {
		return unlessBusy(err)
	}
	r.begin(ctx, &pass{backfill: backfill, jobs: []JobID{job.ID}})
	return nil
}

// unlessBusy passes over what is no failure: a rescan whose addresses are still being imported is looked at again when
// the import wakes the runner, one that has ended meanwhile is not.
func unlessBusy(err error) error {
	if errors.Is(err, utxo.ErrJobBusy) || errors.Is(err, utxo.ErrNoJob) || errors.Is(err, utxo.ErrJobState) {
		return nil
	}
	return err
}

// begin runs a pass in a goroutine of its own.
func (r *jobRunner) begin(ctx context.Context, p *pass) {
	reading, cancel := context.WithCancelCause(ctx)
	p.cancel = cancel
	r.running++
	r.p.set(func() { r.p.now.passes = append(r.p.now.passes, p) })
	r.p.tellJob(ctx, r.index, p.jobs[0], func(job Job) Detail { return JobStarted{Job: job} })
	r.group.Go(func() error {
		defer cancel(nil)
		err := guard(r.p.config.Symbol, func() error { return r.read(reading, p) })
		p.backfill.Stop()
		r.p.set(func() { r.p.now.passes = slices.DeleteFunc(r.p.now.passes, func(o *pass) bool { return o == p }) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, id := range r.p.jobsOf(p) {
			r.p.tellJob(ctx, r.index, id, func(job Job) Detail { return JobEnded{Job: job} })
		}
		r.ended <- p
		return err
	})
}

// read hands the chain to a pass from its lowest cursor on. It returns an error only where nothing can go on: a rescan
// that fails by itself is marked so, and the others are read on.
func (r *jobRunner) read(ctx context.Context, p *pass) error {
	for !p.backfill.Done() {
		from := p.backfill.Next()
		err := scanner.RunJob(ctx, r.node, p.backfill, scanner.JobOptions{Options: r.p.passOptions(p), From: from})
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			if errors.Is(context.Cause(ctx), errCancelled) {
				return nil
			}
			return ctx.Err()
		case errors.Is(err, scanner.ErrSink):
			return err
		}
		at := p.backfill.Next()
		for _, id := range p.backfill.Jobs() {
			job, found, errJob := r.index.Job(ctx, id)
			if errJob == nil && found && job.Next <= at {
				_, errJob = r.index.EndJob(ctx, id, utxo.JobFailed, err.Error())
				r.p.endIn(ctx, p, id)
			}
			if errJob != nil && !errors.Is(errJob, utxo.ErrJobState) {
				return errJob
			}
		}
	}
	return nil
}

// passOptions are the scanner's, with what a pass has in flight bounded and its speed noted.
func (p *part) passOptions(q *pass) scanner.Options {
	var first JobID // others may join the pass just now, or be taken out of it
	p.set(func() {
		if len(q.jobs) > 0 {
			first = q.jobs[0]
		}
	})
	o := p.scannerOptions(first)
	o.PrefetchBlocks, o.PrefetchBytes = PassBlocks, PassBytes
	tell := o.OnEvent
	o.OnEvent = func(event scanner.Event) {
		if progress, ok := event.(scanner.Progress); ok {
			p.set(func() { q.progress = progress })
		}
		tell(event)
	}
	return o
}

func (p *part) passes() []*pass {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.now.passes)
}

func (p *part) jobsOf(q *pass) []JobID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(q.jobs)
}

// passOf returns the pass that a rescan is done by, nil where none does it.
func (p *part) passOf(id JobID) *pass {
	for _, q := range p.passes() {
		if slices.Contains(p.jobsOf(q), id) {
			return q
		}
	}
	return nil
}

// pace tells how fast a rescan goes on and how long it will take at that; both zero where that is not known.
func (p *part) pace(q *pass, tip coins.Height) (blocksPerSecond float64, remaining time.Duration) {
	p.mu.Lock()
	at := q.progress
	p.mu.Unlock()
	if blocks := tip - at.Height; at.Rate.BlocksPerSecond > 0 && blocks > 0 {
		remaining = time.Duration(float64(blocks) / at.Rate.BlocksPerSecond * float64(time.Second)).Round(time.Second)
	}
	return at.Rate.BlocksPerSecond, remaining
}

// endIn takes a rescan that was ended out of its pass, and ends a pass that has none left.
func (p *part) endIn(ctx context.Context, q *pass, id JobID) {
	p.set(func() { q.jobs = slices.DeleteFunc(q.jobs, func(j JobID) bool { return j == id }) })
	if len(q.backfill.Jobs()) == 0 {
		q.cancel(errCancelled)
	}
	if index, _, _ := p.opened(); index != nil {
		p.tellJob(ctx, index, id, func(job Job) Detail { return JobEnded{Job: job} })
	}
}
