package scanner

import (
	"context"
	"testing"
)

// The arena lends no more than its bounds, keeps what fits, and drops the idle
// slots that would not.
func TestArena(t *testing.T) {
	const longest = 100
	a := newArena(3, 250, longest)
	take := func() *slot {
		t.Helper()
		s, err := a.take(t.Context())
		must(t, err)
		return s
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	full := func(why string) {
		t.Helper()
		if s, err := a.take(ended); err == nil {
			t.Errorf("lent a slot (%d bytes) though %s", s.held, why)
		}
	}
	settle := func(s *slot, bytes int) {
		s.block.Raw = make([]byte, bytes)
		a.settle(s)
	}
	first, second := take(), take()
	full("only 50 bytes are free")
	settle(first, 40)
	third := take()
	settle(second, 10)
	settle(third, 10)
	full("three blocks are lent")
	if blocks, bytes := a.occupancy(); blocks != 3 || bytes != 60 {
		t.Errorf("%d blocks, %d bytes", blocks, bytes)
	}
	settle(third, 90)
	a.give(first)
	a.give(third)
	a.give(second)
	if len(a.idle) != 3 || a.spare != 140 || a.held != 0 {
		t.Errorf("%d idle with %d bytes, %d held", len(a.idle), a.spare, a.held)
	}
	if s := take(); s != second || a.held != longest {
		t.Errorf("the last one given is not the first lent, or %d bytes are reserved", a.held)
	}
	// Two reservations and the 40 bytes of the first fit; with the third's 90
	// they would not.
	if s := take(); s != third || len(a.idle) != 1 || a.idle[0] != first || a.held+a.spare != 240 {
		t.Errorf("%d idle, %d + %d bytes", len(a.idle), a.held, a.spare)
	}
	settle(second, 120)
	if len(a.idle) != 0 || a.spare != 0 || a.held != 220 {
		t.Errorf("idle slots stay beyond the bound: %d + %d bytes", a.held, a.spare)
	}
}

// While blocks are large, fewer are lent than the bounds allow; small ones do
// not count.
func TestArenaStaysWarm(t *testing.T) {
	a := newArena(32, 1<<30, warmBytes)
	lend := func(bytes int) (lent int) {
		for s := a.tryTake(); s != nil; s = a.tryTake() {
			s.block.Raw = make([]byte, bytes)
			a.settle(s)
			lent++
			defer a.give(s)
		}
		return lent
	}
	for _, c := range []struct{ bytes, want int }{
		{warmBytes / 10, 10}, {warmBytes, warmSlots}, {1000, 32},
	} {
		if got := lend(c.bytes); got != c.want {
			t.Errorf("%d blocks of %d bytes are lent, want %d", got, c.bytes, c.want)
		}
		a.trim(0)
	}
}
