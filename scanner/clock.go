package scanner

import (
	"context"
	"time"
)

// Clock tells and keeps time, so that a simulator can supply it.
type Clock interface {
	// Now returns the present time.
	Now() time.Time
	// AfterFunc calls f once after d, on a goroutine of its own, unless stop is
	// called before.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now returns the present time.
func (SystemClock) Now() time.Time { return time.Now() }

// AfterFunc is time.AfterFunc.
func (SystemClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}

// limited derives a context that ends with cause ErrTimeout after d.
func limited(ctx context.Context, clock Clock, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := clock.AfterFunc(d, func() { cancel(ErrTimeout) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// sleep waits for d, the end of ctx, or a wake-up where wake is not nil. It
// reports whether it was woken.
func sleep(ctx context.Context, clock Clock, d time.Duration, wake <-chan struct{}) (woken bool) {
	elapsed := make(chan struct{})
	stop := clock.AfterFunc(d, func() { close(elapsed) })
	defer stop()
	select {
	case <-ctx.Done():
	case <-elapsed:
	case <-wake:
		return true
	}
	return false
}

// backoff returns the pause before attempt n (0 the first): base doubled with
// each, at most limit, of which a random half is taken off so that many
// scanners do not come back together. random is in [0, 1).
func backoff(n int, base, limit time.Duration, random float64) time.Duration {
	pause := limit
	if n < 32 && base<<n < limit && base<<n > 0 {
		pause = base << n
	}
	return pause - time.Duration(random*float64(pause)/2)
}
