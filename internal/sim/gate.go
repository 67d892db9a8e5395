package sim

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// gate holds every call between the parts until the director lets it go on: so
// one thing happens at a time, in an order that the seed decides.
type gate struct {
	mu    sync.Mutex
	calls []*call
}

// call is one that waits. It is let through once, with what is to go wrong.
type call struct {
	actor  string // who calls: "scanner", "job 3"
	method string
	detail string // tells apart calls of one actor and method
	source bool   // of a node, which may hang; else of the index
	asked  view   // what the node would have answered when it was asked
	held   bool   // never let through: it ends with its context
	pass   chan verdict
}

func (c *call) String() string { return c.actor + " " + c.method + " " + c.detail }

// verdict is how a call goes on.
type verdict struct {
	fault fault
	view  view
	err   error
}

// enter waits for the verdict on a call, or the end of ctx.
func (g *gate) enter(ctx context.Context, c *call) (verdict, error) {
	c.pass = make(chan verdict, 1)
	g.mu.Lock()
	g.calls = append(g.calls, c)
	g.mu.Unlock()
	select {
	case v := <-c.pass:
		return v, v.err
	case <-ctx.Done():
		g.remove(c)
		return verdict{}, ctx.Err()
	}
}

func (g *gate) remove(c *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = slices.DeleteFunc(g.calls, func(other *call) bool { return other == c })
}

// waiting returns the calls that can be let through, in an order that does not
// depend on how goroutines ran.
func (g *gate) waiting() []*call {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []*call
	for _, c := range g.calls {
		if !c.held {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.actor, b.actor), cmp.Compare(a.method, b.method), cmp.Compare(a.detail, b.detail))
	})
	return list
}

// release lets a call through.
func (g *gate) release(c *call, v verdict) {
	g.remove(c)
	c.pass <- v
}

// clock is the time of a simulation: it moves when the director says so. It is a
// scanner.Clock.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer
}

type timer struct {
	at time.Time
	f  func()
}

// Now returns the simulated time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc calls f when the time has come.
func (c *clock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{at: c.now.Add(d), f: f}
	c.timers = append(c.timers, t)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		before := len(c.timers)
		c.timers = slices.DeleteFunc(c.timers, func(other *timer) bool { return other == t })
		return len(c.timers) < before
	}
}

// next moves the time to the earliest timer and fires all that are due then. It
// reports false where there is none.
func (c *clock) next() bool {
	c.mu.Lock()
	if len(c.timers) == 0 {
		c.mu.Unlock()
		return false
	}
	first := slices.MinFunc(c.timers, func(a, b *timer) int { return a.at.Compare(b.at) }).at
	c.mu.Unlock()
	c.advance(first)
	return true
}

// advance moves the time and fires what is due.
func (c *clock) advance(to time.Time) {
	c.mu.Lock()
	if to.After(c.now) {
		c.now = to
	}
	var due []*timer
	c.timers = slices.DeleteFunc(c.timers, func(t *timer) bool {
		if t.at.After(c.now) {
			return false
		}
		due = append(due, t)
		return true
	})
	c.mu.Unlock()
	for _, t := range due {
		t.f()
	}
}
