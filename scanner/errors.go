package scanner

import (
	"errors"
	"syscall"
)

var (
	// ErrSource says that the node failed, answered garbage or was too slow. It
	// is asked again with growing pauses; nothing was applied.
	ErrSource = errors.New("node does not deliver")

	// ErrTimeout says that a call to the node took longer than its limit.
	ErrTimeout = errors.New("node did not answer in time")

	// ErrBadBlock says that a node sent a block which is not the one asked for,
	// or broken, several times. It was not applied and is asked for again.
	ErrBadBlock = errors.New("node sent a block that fails verification")

	// ErrDisconnected says that the headers of one answer do not form a chain.
	// The chain changed under the call, or the node is broken: look again.
	ErrDisconnected = errors.New("headers do not connect")

	// ErrBits says that a header's target is no target at all. The node is of
	// another coin, or its answer was corrupted.
	ErrBits = errors.New("header has an impossible target")

	// ErrSink says that the index could not store what it was given, for a
	// reason that does not heal by waiting. It ends the scanner: find the cause
	// in the wrapped error, repair it, start again.
	ErrSink = errors.New("index failed")

	// ErrHalted says that the coin stands still because going on would guess.
	// The remedy is in the text; it needs a person.
	ErrHalted = errors.New("scanner halted")

	// ErrForeign says that the node's chain shares no block with the index, or
	// begins with another genesis. Point it to a node of the same network.
	ErrForeign = errors.New("node follows another chain")

	// ErrLagging says that the node's chain is behind the index, or on a branch
	// with no more work. CatchUp returns it; Run waits until the node is back.
	ErrLagging = errors.New("node is behind the index")
)

var (
	// errMoved says that the source's chain changed while it was read.
	errMoved = errors.New("chain changed while it was read")

	// errDegraded marks an error of the sink that heals by waiting.
	errDegraded = errors.New("index cannot store for now")

	// errNoMore says that the sink knows no header further down.
	errNoMore = errors.New("no header further down")

	// errEnough is what deliver returns to end a pipeline's run early, as wanted.
	errEnough = errors.New("enough")
)

// retryable reports whether an error of a sink heals by waiting: it says so
// itself with a method Retryable() bool, or the disk is full. Whatever was to be
// stored was not, because a sink stores a block whole or not at all; so the
// scanner looks at the sink's tip again and goes on from there.
func retryable(err error) bool {
	var r interface{ Retryable() bool }
	if errors.As(err, &r) {
		return r.Retryable()
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
