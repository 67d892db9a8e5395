package node

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"
)

// drain takes all that is queued.
func drain(h *hints) (all []Hint) {
	for hint, ok := h.next(); ok; hint, ok = h.next() {
		all = append(all, hint)
	}
	return all
}

func TestHintQueue(t *testing.T) {
	tx, block, gap := Hint{Kind: HintTx}, Hint{Kind: HintBlock}, Hint{Kind: HintGap}
	a, b := Hint{Kind: HintTx, Raw: []byte("a")}, Hint{Kind: HintTx, Raw: []byte("b")}
	cases := []struct {
		name     string
		in, want []Hint
	}{
		{"none", nil, nil},
		{"blocks coalesce", []Hint{block, block, block}, []Hint{block}},
		{"blocks go first", []Hint{a, block}, []Hint{block, a}},
		{"transactions keep their order", []Hint{a, b, a}, []Hint{a, b, a}},
		{"empty ones coalesce", []Hint{tx, tx, a, tx, tx}, []Hint{tx, a, tx}},
		{"a gap stands for transactions", []Hint{a, gap, b, block}, []Hint{gap, block}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHints()
			for _, hint := range c.in {
				h.add(hint)
			}
			got := drain(h)
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			for i := range got {
				if got[i].Kind != c.want[i].Kind || !bytes.Equal(got[i].Raw, c.want[i].Raw) {
					t.Errorf("got %v, want %v", got, c.want)
				}
			}
		})
	}
}

// TestHintLimits floods the queue by number and by bytes: what does not fit
// becomes a gap, and the queue is empty again.
func TestHintLimits(t *testing.T) {
	floods := map[string]struct{ count, size int }{
		"number": {maxTxHints + 1, 1},
		"bytes":  {maxTxHintBytes/(1<<20) + 1, 1 << 20},
	}
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			h := newHints()
			raw := make([]byte, flood.size)
			for range flood.count - 1 {
				h.add(Hint{Kind: HintTx, Raw: raw})
			}
			if h.gap || h.txBytes != (flood.count-1)*flood.size {
				t.Fatalf("gap %t with %d bytes before the limit", h.gap, h.txBytes)
			}
			h.add(Hint{Kind: HintTx, Raw: raw})
			if got := drain(h); len(got) != 1 || got[0].Kind != HintGap {
				t.Errorf("got %d hints", len(got))
			}
			h.add(Hint{Kind: HintTx, Raw: raw})
			if got := drain(h); len(got) != 1 || got[0].Kind != HintTx || h.txBytes != 0 {
				t.Errorf("afterwards %d hints, %d bytes", len(got), h.txBytes)
			}
		})
	}
}

func TestHintsEnd(t *testing.T) {
	h := newHints()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		h.run(ctx)
		close(done)
	}()
	h.add(Hint{Kind: HintBlock})
	if hint := <-h.out; hint.Kind != HintBlock {
		t.Errorf("got %v", hint)
	}
	h.add(Hint{Kind: HintBlock}) // nobody takes it
	cancel()
	<-done
	if _, open := <-h.out; open {
		t.Error("the channel is open after the end")
	}
}

func TestBackoff(t *testing.T) {
	o := Options{RetryMin: time.Second, RetryMax: 10 * time.Second}
	for failures, want := range []time.Duration{1, 2, 4, 8, 10, 10, 10} {
		if got := backoff(failures, &o); got != want*time.Second {
			t.Errorf("after %d failures %s, want %ds", failures, got, want)
		}
	}
}

// TestWay walks one transport through failures: of many at once one counts,
// pauses double, and only a long life resets them.
func TestWay(t *testing.T) {
	o := &Options{RetryMin: time.Second, RetryMax: 8 * time.Second}
	start := time.Unix(1_000_000, 0)
	broken := errors.New("broken")
	w := newWay(REST, (&rest{}).block)
	retry := func(want time.Duration, since time.Time) {
		t.Helper()
		ready, at := w.due(since)
		if ready || at.Sub(since) != want {
			t.Errorf("retry in %s, want %s", at.Sub(since), want)
		}
	}
	if ready, _ := w.due(start); !ready {
		t.Error("not due at first")
	}
	w.succeed(start)
	for range 5 {
		w.fail(broken, start, o)
	}
	retry(time.Second, start)
	now := start.Add(time.Second)
	w.fail(broken, now, o)
	retry(2*time.Second, now)
	w.succeed(now)
	w.fail(broken, now.Add(time.Millisecond), o)
	retry(4*time.Second, now.Add(time.Millisecond))
	w.succeed(now)
	late := now.Add(time.Minute)
	w.fail(broken, late, o)
	retry(time.Second, late)
	if s := w.status(); s.Usable || !errors.Is(s.Err, broken) || s.RetryAt != late.Add(time.Second) {
		t.Errorf("status %+v", s)
	}
	if ready, at := newWay(P2P, nil).due(start); ready || !at.IsZero() {
		t.Error("a transport that is not configured is due")
	}
}
