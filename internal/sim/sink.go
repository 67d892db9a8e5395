package sim

import (
	"context"
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/utxo"
)

// sink is the index between the scanner and the model: calls that write wait
// for their turn, and what they did the model is told.
type sink struct {
	*utxo.Index
	w     *World
	actor string
}

// write waits for its turn and runs one write. When that fails the index has
// returned to a whole block; when it succeeds everything is durable, unless it
// was told that more follows.
func (s sink) write(ctx context.Context, c *call, more bool, do func() error) error {
	c.actor = s.actor
	if _, err := s.w.gate.enter(context.WithoutCancel(ctx), c); err != nil {
		return err
	}
	err := do()
	s.w.wrote(s.Index, err, more)
	return err
}

// Connect implements scanner.Sink.
func (s sink) Connect(ctx context.Context, b *coins.Block) error {
	more := b.More
	return s.write(ctx, &call{method: "connect", detail: b.ID.String()}, more, func() error {
		known := s.w.node.blocks[b.ID.Hash]
		if known == nil || known.id != b.ID || string(known.raw) != string(b.Raw) {
			s.w.broke(fmt.Errorf("%w: block %s was connected, which no node has", ErrBroken, b.ID))
		}
		err := s.Index.Connect(ctx, b)
		scribble(b)
		if err == nil {
			s.w.model.connect(known)
			s.w.note("  connected %s, more %v", known.id, more)
		}
		return err
	})
}

// scribble overwrites a block's memory, as the scanner does with the next.
func scribble(b *coins.Block) {
	clear(b.Raw)
	clear(b.ScriptMarks)
	clear(b.OutPointMarks)
}

// Disconnect implements scanner.Sink.
func (s sink) Disconnect(ctx context.Context, tip coins.BlockID) error {
	return s.write(ctx, &call{method: "disconnect", detail: tip.String()}, false, func() error {
		err := s.Index.Disconnect(ctx, tip)
		if err == nil {
			s.w.model.disconnect()
			s.w.note("  disconnected %s", tip)
		}
		return err
	})
}

// Mempool implements scanner.Sink.
func (s sink) Mempool(ctx context.Context, change coins.MempoolChange) error {
	detail := fmt.Sprintf("%d added, %d gone, complete %v", len(change.Added), len(change.Gone), change.Complete)
	return s.write(ctx, &call{method: "mempool change", detail: detail}, false, func() error {
		s.w.note("  mempool: %s", detail)
		return s.Index.Mempool(ctx, change)
	})
}

// jobSink is the running job between scanner.RunJob and the model.
type jobSink struct {
	sink
	job *utxo.Backfill
}

// Prepare implements scanner.JobSink.
func (s jobSink) Prepare(b *coins.Block) { s.job.Prepare(b) }

// Backfill implements scanner.JobSink.
func (s jobSink) Backfill(ctx context.Context, b *coins.Block) (next coins.Height, done bool, err error) {
	id, more := b.ID, b.More
	err = s.write(ctx, &call{method: "backfill", detail: id.String()}, more, func() error {
		next, done, err = s.job.Backfill(ctx, b)
		scribble(b)
		s.w.note("  %s read %s: next %d, done %v, %v", s.actor, id, next, done, err)
		return err
	})
	return next, done, err
}

// events judges what the scanner reports: a branch is left only for one with
// more work, or because it is invalid (law 4).
func (w *World) events(event scanner.Event) {
	switch e := event.(type) {
	case scanner.ReorgFound:
		w.note("  reorg: %s left for another branch above %s, invalid %v", e.Old, e.Fork, e.Invalid)
		w.judgeReorg(e)
	case scanner.Halted:
		w.broke(fmt.Errorf("%w: the scanner halted: %w", ErrBroken, e.Reason))
	case scanner.AtTip:
		w.note("  at tip %s", e.ID)
	case scanner.SourceDown:
		w.note("  node down: %v", e.Err)
	case scanner.SinkDown:
		w.note("  index down: %v", e.Err)
	}
}

func (w *World) judgeReorg(e scanner.ReorgFound) {
	old := w.node.blocks[e.Old.Hash]
	if old == nil || !w.node.blocks[e.Fork.Hash].on(old) {
		w.broke(fmt.Errorf("%w: %s left for a branch above %s, which is not below it", ErrBroken, e.Old, e.Fork))
		return
	}
	if e.Invalid && old.broken() {
		return
	}
	for _, b := range w.node.blocks {
		if b.work > old.work && !b.on(old) && forkOf(b, old).id == e.Fork {
			return
		}
	}
	w.broke(fmt.Errorf("%w: %s left above %s, where no branch has more work", ErrBroken, e.Old, e.Fork))
}

// tolerable reports whether an error is one that the simulation made.
func tolerable(err error) bool {
	return errors.Is(err, errFault) || errors.Is(err, errCrashed) || errors.Is(err, context.Canceled)
}
