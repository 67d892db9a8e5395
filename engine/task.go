package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"coffer.example/coffer/store/snapshot"
	"coffer.example/coffer/utxo"
)

// task is long work on a coin's index, one at a time.
type task struct {
	name        string
	began       time.Time
	done, total atomic.Uint64
	cancel      context.CancelCauseFunc
}

// errIndexClosed ends a task: the index it works on is being closed.
var errIndexClosed = errors.New("the index was closed, because it could not be written to or the daemon stops; try again")

// begin takes the coin's place for long work. It fails with [ErrConflict] where it is taken. The context ends when the
// index is closed.
func (p *part) begin(ctx context.Context, name string) (context.Context, *task, func(), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if other := p.now.task; other != nil {
		return nil, nil, nil, fmt.Errorf("a %s is under way since %s: wait for its end: %w", other.name, other.began.UTC().Format(time.TimeOnly), ErrConflict)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	t := &task{name: name, began: p.options.Clock(), cancel: cancel}
	p.now.task = t
	return ctx, t, func() {
		cancel(nil)
		p.set(func() { p.now.task = nil })
	}, nil
}

// stopTask ends the coin's long work; p.mu is held. Closing an index waits for whoever reads it.
func (p *part) stopTask() {
	if p.now.task != nil {
		p.now.task.cancel(errIndexClosed)
	}
}

// taskStatus is what is under way, nil for nothing; p.mu is held.
func (p *part) taskStatus() *Task {
	t := p.now.task
	if t == nil {
		return nil
	}
	return &Task{Name: t.name, Began: t.began.UTC(), Done: t.done.Load(), Total: t.total.Load()}
}

// upkeepKinds are what keeps an index from being saved, restored or followed.
func upkeepKinds() []kind {
	return []kind{
		{snapshot.ErrDamaged, CodeIndex}, {snapshot.ErrNewer, CodeIndex}, {snapshot.ErrNone, CodeNotFound}, {snapshot.ErrExists, CodeConflict},
		{snapshot.ErrBusy, CodeConflict}, {utxo.ErrResetting, CodeConflict}, {utxo.ErrPruned, CodeConflict}, {utxo.ErrOtherIndex, CodeConflict},
		{utxo.ErrSequence, CodeConflict}, {utxo.ErrTooManyCursors, CodeConflict}, {utxo.ErrCursorName, CodeInput}, {utxo.ErrNoCursor, CodeNotFound},
	}
}
