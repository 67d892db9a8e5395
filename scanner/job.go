package scanner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coffer.example/coffer/coins"
)

// JobOptions say how a rescan job reads the chain. Start, Hints, StallAfter
// and MaxReorg of Options have no meaning for it; OnEvent is told of Progress,
// SourceDown, SourceUp and SinkDown. The prefetch bounds are the job's own.
type JobOptions struct {
	Options
	// From is the job's cursor: the height to read first.
	From coins.Height
}

// RunJob reads the node's chain from a job's cursor and hands it to the job's
// sink until that says it is done. It runs beside a Scanner of the same index
// and never touches the index's tip. When the chain moves it reads again from
// where the sink says. Failures of the node, and of the sink where waiting
// heals them, are retried without end; it returns nil when done, the context's
// error, or one that wraps ErrSink or ErrHalted.
func RunJob(ctx context.Context, src Source, sink JobSink, o JobOptions) error {
	o.Options = o.Options.withDefaults()
	c := &caller{src: src, clock: o.Clock}
	j := &jobRun{src: c, sink: sink, o: o, next: o.From, stuck: -1, pipe: newPipeline(c, &o.Options, sink.Prepare)}
	j.board.meter.start(o.Clock.Now())
	for !j.done && ctx.Err() == nil {
		err := j.stretch(ctx)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			j.succeeded()
			continue
		}
		if err := j.failed(ctx, err); err != nil {
			return err
		}
	}
	if j.done {
		return nil
	}
	return ctx.Err()
}

// jobRun is one run of a job.
type jobRun struct {
	src   *caller
	sink  JobSink
	o     JobOptions
	pipe  *pipeline
	next  coins.Height
	done  bool
	board board

	failures  int // of the node or the sink, in a row
	downSince time.Time
	// moves counts how often the sink refused a block at or below stuck.
	moves int
	stuck coins.Height
	told  time.Time // of the last Progress event
}

// stretch reads from the cursor to the node's tip, or until the chain moves.
func (j *jobRun) stretch(ctx context.Context) error {
	headers, err := j.src.headers(ctx, j.next, headerChunk)
	if err != nil {
		return err
	}
	if len(headers) == 0 { // the node is behind the index
		sleep(ctx, j.o.Clock, j.o.PollInterval, nil)
		return nil
	}
	parent := coins.BlockID{Height: j.next - 1, Hash: headers[0].Prev()}
	ids, err := chainIDs(parent, headers, j.o.CheckTarget)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	more := len(headers) == headerChunk
	target := ids[len(ids)-1].Height
	if more {
		tip, err := j.src.tip(ctx)
		if err != nil {
			return err
		}
		target = max(target, tip.Height)
	}
	j.board.update(func(b *board) { b.Target = target })
	return j.pipe.run(ctx, newFeed(j.src, j.o.CheckTarget, parent, ids, more), j.backfill)
}

// backfill gives one block to the sink.
func (j *jobRun) backfill(ctx context.Context, b *coins.Block) error {
	next, done, err := j.sink.Backfill(ctx, b)
	if err != nil {
		return sinkError("backfill block "+b.ID.String(), err)
	}
	j.next, j.done = next, done
	if next != b.ID.Height+1 && !done {
		if b.ID.Height > j.stuck {
			j.moves, j.stuck = 0, b.ID.Height
		}
		j.moves++
		return fmt.Errorf("block %s: %w", b.ID, errMoved)
	}
	j.succeeded()
	now := j.o.Clock.Now()
	j.board.reached(b.ID, len(b.Raw), now)
	if done || now.Sub(j.told) >= progressEvery {
		j.told = now
		j.o.OnEvent(j.board.progress(now))
	}
	if done {
		return errEnough
	}
	return nil
}

func (j *jobRun) succeeded() {
	j.failures = 0
	if !j.downSince.IsZero() {
		j.o.OnEvent(SourceUp{Down: j.o.Clock.Now().Sub(j.downSince)})
		j.downSince = time.Time{}
	}
}

// failed sorts an error and pauses; it returns what ends the job.
func (j *jobRun) failed(ctx context.Context, err error) error {
	if errors.Is(err, ErrSink) || errors.Is(err, ErrHalted) {
		return err
	}
	if errors.Is(err, errMoved) {
		j.await(ctx)
		return nil
	}
	j.failures++
	pause := backoff(j.failures-1, backoffBase, backoffMax, j.o.Random())
	switch {
	case errors.Is(err, errDegraded):
		j.o.OnEvent(SinkDown{Err: err, Attempt: j.failures, Retry: pause})
	default:
		if j.downSince.IsZero() {
			j.downSince = j.o.Clock.Now()
		}
		j.o.OnEvent(SourceDown{Err: err, Attempt: j.failures, Retry: pause})
	}
	sleep(ctx, j.o.Clock, pause, nil)
	return nil
}

// await pauses after the chain moved: not at first, since the sink said where
// to read on, then longer each time that it refuses what the node has there,
// until the index has followed the node.
func (j *jobRun) await(ctx context.Context) {
	if j.moves != 1 {
		sleep(ctx, j.o.Clock, backoff(max(0, j.moves-2), backoffBase, backoffMax, j.o.Random()), nil)
	}
}
