package scanner

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"coffer.example/coffer/coins"
)

// One call after the other fails, until a run has no more calls to fail. Each
// time the scanner heals by itself and ends with the whole chain.
func TestFaultSweep(t *testing.T) {
	for failing := int64(1); ; failing++ {
		fired := false
		synctest.Test(t, func(t *testing.T) {
			c := newChain(t, 110)
			n, m, e := newNode(c), newMemory(t), &events{}
			tx := n.send(t)
			var calls atomic.Int64
			n.hook = func(_ context.Context, call string) error {
				if calls.Add(1) == failing {
					fired = true
					return fmt.Errorf("%s: %w", call, errFault)
				}
				return nil
			}
			o := options(c, e)
			o.PrefetchBlocks, o.Start = 4, StartAt(100)
			r := start(t, New(n, m, o))
			defer r.stop()
			pass(time.Minute)
			_, err := c.Reorg(2, 3)
			must(t, err)
			pass(time.Minute)
			m.equals(t, c)
			if !m.unconfirmed(tx.ID()) && !m.txs[tx.ID()] {
				t.Errorf("call %d: the transaction is lost", failing)
			}
			if downs, ups := len(of[SourceDown](e)), len(of[SourceUp](e)); downs != ups {
				t.Errorf("call %d: down %d times, up %d times", failing, downs, ups)
			}
		})
		if !fired {
			if failing < 20 {
				t.Errorf("only %d calls were failed", failing)
			}
			return
		}
		if failing > 60 {
			return // by then it is only polling
		}
	}
}

// The sink fails once at each call: where it says that waiting helps, it does.
func TestSinkFaults(t *testing.T) {
	for _, call := range []string{"tip", "connect", "disconnect", "mempool"} {
		for name, test := range map[string]struct {
			err   error
			fatal bool
		}{
			"full disk": {syscall.ENOSPC, false},
			"retryable": {retryLater{}, false},
			"broken":    {errFault, true},
			"order":     {coins.ErrNotNext, false},
		} {
			t.Run(call+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { sinkFault(t, call, test.err, test.fatal) })
			})
		}
	}
}

type retryLater struct{}

func (retryLater) Error() string   { return "try again" }
func (retryLater) Retryable() bool { return true }

func sinkFault(t *testing.T, call string, fault error, fatal bool) {
	c := newChain(t, 110)
	n, m, e := newNode(c), newMemory(t), &events{}
	s := New(n, m, options(c, e))
	must(t, s.CatchUp(t.Context()))
	_, err := c.Reorg(1, 3)
	must(t, err)
	n.send(t)
	fired := 0
	m.fail = func(at string, _ coins.BlockID) error {
		if at != call || fired > 0 {
			return nil
		}
		fired++
		return fmt.Errorf("storing: %w", fault)
	}
	err = s.CatchUp(t.Context())
	if fired != 1 {
		t.Fatal("the fault did not fire")
	}
	if fatal {
		if !errors.Is(err, ErrSink) || !errors.Is(err, fault) {
			t.Errorf("ended with %v", err)
		}
		return
	}
	must(t, err)
	m.equals(t, c)
}

// A call that hangs is cut, counts as the node's failure, and heals.
func TestHang(t *testing.T) {
	for _, call := range []string{"tip", "headers", "block", "mempool ids", "mempool txs"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newChain(t, 110)
				n, m, e := newNode(c), newMemory(t), &events{}
				n.send(t)
				var hung atomic.Bool
				n.hook = func(ctx context.Context, at string) error {
					if at == call && hung.CompareAndSwap(false, true) {
						<-ctx.Done()
						return ctx.Err()
					}
					return nil
				}
				o := options(c, e)
				o.Start = StartTip()
				r := start(t, New(n, m, o))
				defer r.stop()
				pass(2 * time.Minute)
				m.equals(t, c)
				if down := of[SourceDown](e); call != "block" && (len(down) != 1 || !errors.Is(down[0].Err, ErrTimeout)) {
					t.Errorf("%+v", down)
				}
			})
		})
	}
}

// Blocks that are not what was asked for are asked for again, and never
// applied.
func TestBadBlocks(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"cut":          func(raw []byte) []byte { return raw[:len(raw)-3] },
		"empty":        func([]byte) []byte { return nil },
		"header only":  func(raw []byte) []byte { return raw[:80] },
		"trailing":     func(raw []byte) []byte { return append(raw, 0) },
		"other header": func(raw []byte) []byte { raw[70] ^= 1; return raw },
		"other tx":     func(raw []byte) []byte { raw[81] ^= 1; return raw },
		"count":        func(raw []byte) []byte { raw[80] = 0xff; return raw },
	} {
		for _, times := range []int{1, 2 * blockAttempts} {
			t.Run(fmt.Sprint(name, "/", times), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { badBlock(t, spoil, times) })
			})
		}
	}
}

func badBlock(t *testing.T, spoil func([]byte) []byte, times int) {
	c := newChain(t, 20)
	n, m, e := newNode(c), newMemory(t), &events{}
	bad := 0
	n.spoil = func(id coins.BlockID, raw []byte) []byte {
		n.mu.Lock()
		defer n.mu.Unlock()
		if id.Height != 10 || bad == times {
			return raw
		}
		bad++
		return spoil(raw)
	}
	r := start(t, New(n, m, options(c, e)))
	defer r.stop()
	pass(time.Minute)
	m.equals(t, c)
	down := of[SourceDown](e)
	if times < blockAttempts {
		if len(down) != 0 {
			t.Errorf("one bad answer counts as down: %v", down[0].Err)
		}
		return
	}
	if len(down) != times/blockAttempts || !errors.Is(down[0].Err, ErrBadBlock) || len(of[SourceUp](e)) != 1 {
		t.Errorf("%+v, up %d times", down, len(of[SourceUp](e)))
	}
}

// A node that is unreachable ends a catch-up in time, and not a Run.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 5)
		n, m, e := newNode(c), newMemory(t), &events{}
		var down atomic.Bool
		down.Store(true)
		n.hook = func(context.Context, string) error {
			if down.Load() {
				return errFault
			}
			return nil
		}
		s := New(n, m, options(c, e))
		if err := s.CatchUp(t.Context()); !errors.Is(err, ErrSource) || !errors.Is(err, errFault) {
			t.Errorf("CatchUp: %v", err)
		}
		r := start(t, s)
		defer r.stop()
		pass(time.Hour)
		if status := r.Status(); status.State != StateDown || !errors.Is(status.Err, errFault) {
			t.Errorf("status %+v", status)
		}
		last := of[SourceDown](e)
		if retry := last[len(last)-1].Retry; retry > backoffMax || retry < backoffMax/2 {
			t.Errorf("retries after %s", retry)
		}
		down.Store(false)
		pass(backoffMax)
		m.equals(t, c)
		if up := of[SourceUp](e); len(up) != 1 || r.Status().State != StateAtTip || r.Status().Err != nil {
			t.Errorf("%+v, %+v", up, r.Status())
		}
	})
}

// The end of the context ends everything at any moment, and quietly.
func TestCancel(t *testing.T) {
	for at := range 40 {
		c := newChain(t, 20)
		n, m, e := newNode(c), newMemory(t), &events{}
		ctx, cancel := context.WithCancel(t.Context())
		var calls atomic.Int64
		n.hook = func(context.Context, string) error {
			if calls.Add(1) == int64(at) {
				cancel()
			}
			return nil
		}
		o := options(c, e)
		o.OnEvent = func(event Event) {
			if at, ok := event.(AtTip); ok && at.ID.Height >= 0 {
				cancel()
			}
		}
		if err := New(n, m, o).Run(ctx); err != nil {
			t.Errorf("call %d: %v", at, err)
		}
		cancel()
		n.hook = nil
		must(t, New(n, m, o).CatchUp(t.Context()))
		m.equals(t, c)
	}
}

// Blocks that were stored as some of several become durable when the others do
// not come.
func TestUnfinishedBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 20)
		n, m, e := newNode(c), newMemory(t), &events{}
		n.spoil = func(id coins.BlockID, raw []byte) []byte {
			if id.Height == 10 {
				return nil
			}
			return raw
		}
		r := start(t, New(n, m, options(c, e)))
		defer r.stop()
		pass(time.Second)
		if tip := m.tip(); tip.Height != 9 || m.pending != 0 {
			t.Errorf("tip %s, %d blocks not durable", tip, m.pending)
		}
	})
}

// A sink that cannot read an unconfirmed transaction gets all of them again.
func TestUnreadableMempool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 110)
		n, m, e := newNode(c), newMemory(t), &events{}
		tx := n.send(t)
		failed := false
		m.fail = func(call string, _ coins.BlockID) error {
			if call != "mempool" || failed {
				return nil
			}
			failed = true
			return coins.ErrTruncated
		}
		r := start(t, New(n, m, options(c, e)))
		defer r.stop()
		pass(time.Minute)
		m.equals(t, c)
		if !m.unconfirmed(tx.ID()) || len(of[SinkDown](e)) != 1 {
			t.Errorf("history %v", m.history)
		}
	})
}
