package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"coffer.example/coffer/coins"
)

// Transport is a way of taking blocks from a node.
type Transport string

// The transports, fastest first but for Litecoin, where P2P stands before REST.
const (
	REST Transport = "rest"
	P2P  Transport = "p2p"
	RPC  Transport = "rpc"
)

// fetch takes one raw block. It replaces buf's content, may grow it, and gives
// it back also when it fails.
type fetch func(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error)

// way is one transport with what is known of it. It begins down and due, and
// comes up by a probe: a real block fetched.
type way struct {
	name  Transport
	fetch fetch // nil where the transport is not configured

	mu       sync.Mutex
	up       bool
	err      error // why it is down
	retryAt  time.Time
	since    time.Time // up since
	failures int
}

func newWay(name Transport, f fetch) *way {
	w := &way{name: name, fetch: f, err: errNotTried}
	if f == nil {
		w.err = ErrNotConfigured
	}
	return w
}

var errNotTried = errors.New("not tried yet")

func (w *way) usable() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.up
}

// due reports whether it is time to probe, and if not, when it will be; a zero
// time where it never will.
func (w *way) due(now time.Time) (bool, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.up || w.fetch == nil {
		return false, time.Time{}
	}
	return !now.Before(w.retryAt), w.retryAt
}

func (w *way) succeed(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up, w.err, w.since = true, nil, now
}

// fail takes the way down until a pause has passed, which doubles with every
// failure until the way has been up for the longest pause. Of many calls that
// fail at once, the first counts.
func (w *way) fail(err error, now time.Time, o *Options) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.up && now.Before(w.retryAt) {
		return
	}
	if w.up && now.Sub(w.since) > o.RetryMax {
		w.failures = 0
	}
	w.up, w.err = false, err
	w.retryAt = now.Add(backoff(w.failures, o))
	w.failures++
}

// backoff is the pause after a number of failures.
func backoff(failures int, o *Options) time.Duration {
	pause := o.RetryMin
	for ; failures > 0 && pause < o.RetryMax; failures-- {
		pause *= 2
	}
	return min(pause, o.RetryMax)
}

// aboutBlock reports whether a failure is about the block that was asked for,
// or about the caller, and not about the way it was to come.
func aboutBlock(err error) bool {
	for _, about := range []error{ErrNotFound, ErrPruned, ErrBusy, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, about) {
			return true
		}
	}
	return false
}

// TransportStatus is what is known of one transport.
type TransportStatus struct {
	Name   Transport
	Usable bool
	// Err says why it is not usable.
	Err error
	// RetryAt is when it is tried again, where it is not usable but configured.
	RetryAt time.Time
}

func (w *way) status() TransportStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := TransportStatus{Name: w.name, Usable: w.up, Err: w.err}
	if !w.up && w.fetch != nil {
		s.RetryAt = w.retryAt
	}
	return s
}
