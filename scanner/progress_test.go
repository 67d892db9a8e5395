package scanner

import (
	"errors"
	"testing"
	"time"

	"coffer.example/coffer/coins"
)

func isError(t *testing.T, name string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", name, err, want)
	}
}

func TestMeter(t *testing.T) {
	now := time.Unix(1000, 0)
	var m meter
	if m.rate(now) != (Rate{}) {
		t.Error("a rate of nothing")
	}
	m.start(now)
	// 100 s of ten blocks a second, then 40 s of two a second.
	for range 1000 {
		now = now.Add(100 * time.Millisecond)
		m.add(now, 1000)
	}
	if r := m.rate(now); r.BlocksPerSecond < 9.9 || r.BlocksPerSecond > 10.1 || r.BytesPerSecond < 9900 || r.BytesPerSecond > 10100 {
		t.Errorf("rate %+v", r)
	}
	for range 80 {
		now = now.Add(500 * time.Millisecond)
		m.add(now, 1000)
	}
	if r := m.rate(now); r.BlocksPerSecond < 1.9 || r.BlocksPerSecond > 2.1 {
		t.Errorf("an old speed is remembered: %+v", r)
	}
}

func TestETA(t *testing.T) {
	for _, test := range []struct {
		rate   float64
		blocks coins.Height
		want   time.Duration
	}{
		{10, 100, 11 * time.Second},
		{0, 100, 0},
		{10, 0, 0},
		{10, -3, 0},
		{1e-9, 100, 0},
		{1000, 1, time.Second},
	} {
		if got := (Rate{BlocksPerSecond: test.rate}).eta(test.blocks); got != test.want {
			t.Errorf("%v blocks/s, %d blocks: %s, want %s", test.rate, test.blocks, got, test.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	const base, limit = time.Second, 30 * time.Second
	for _, test := range []struct {
		n      int
		random float64
		want   time.Duration
	}{
		{0, 0, time.Second},
		{0, 0.999999, 500001 * time.Microsecond},
		{3, 0, 8 * time.Second},
		{5, 0, limit},
		{64, 0, limit},
		{1 << 30, 0.5, 22500 * time.Millisecond},
	} {
		if got := backoff(test.n, base, limit, test.random).Round(time.Microsecond); got != test.want {
			t.Errorf("attempt %d: %s, want %s", test.n, got, test.want)
		}
	}
}
