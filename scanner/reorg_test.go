package scanner

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"coffer.example/coffer/coins"
)

// followed returns a running scanner that has caught up, in a bubble.
func followed(t *testing.T, n *node, m *memory, o Options) *running {
	r := start(t, New(n, m, o))
	synctest.Wait()
	m.equals(t, n.Chain)
	return r
}

func TestReorgs(t *testing.T) {
	for _, depth := range []int{1, 2, 15, 16, 17, 100, 130} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newChain(t, 150)
				m, e := newMemory(t), &events{}
				r := followed(t, newNode(c), m, options(c, e))
				defer r.stop()
				_, err := c.Reorg(depth, depth+1)
				must(t, err)
				pass(5 * time.Second)
				m.equals(t, c)
				found := of[ReorgFound](e)
				if len(found) != 1 || int(found[0].Depth) != depth || len(of[Disconnected](e)) != depth {
					t.Errorf("%+v, %d disconnected", found, len(of[Disconnected](e)))
				}
			})
		})
	}
}

// Equal work is no reason to leave a branch, nor is a shorter chain; more is.
func TestEqualWorkWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 20)
		m, e := newMemory(t), &events{}
		r := followed(t, newNode(c), m, options(c, e))
		defer r.stop()
		ours := c.Tip()
		fork, _ := c.BlockID(18)
		_, err := c.MineOn(fork.Hash, 2)
		must(t, err)
		must(t, c.Invalidate(ours.Hash))
		pass(20 * time.Second)
		if c.Tip() == ours || m.tip() != ours {
			t.Errorf("left %s for %s of equal work", ours, m.tip())
		}
		if s := r.Status(); s.State != StateLagging {
			t.Errorf("state %s", s.State)
		}
		if lag := of[Lagging](e); len(lag) != 1 || lag[0].Tip != ours || lag[0].Node != c.Tip() {
			t.Errorf("%+v", lag)
		}
		mine(t, c, 1)
		pass(5 * time.Second)
		m.equals(t, c)
	})
}

// A node that lost its last blocks is waited for, and nothing is undone.
func TestTipBackwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 50)
		m, e := newMemory(t), &events{}
		r := followed(t, newNode(c), m, options(c, e))
		defer r.stop()
		lost, err := c.Rewind(40)
		must(t, err)
		pass(time.Hour)
		if len(of[Disconnected](e)) != 0 || m.tip().Height != 50 || r.Status().State != StateLagging {
			t.Errorf("tip %s, state %s", m.tip(), r.Status().State)
		}
		if err := New(newNode(c), m, options(c, e)).CatchUp(t.Context()); !errors.Is(err, ErrLagging) {
			t.Errorf("catching up with a node behind: %v", err)
		}
		for _, raw := range lost {
			must(t, c.Submit(raw))
		}
		mine(t, c, 1)
		pass(5 * time.Second)
		m.equals(t, c)
		if len(of[Disconnected](e)) != 0 || r.Status().State != StateAtTip {
			t.Errorf("state %s", r.Status().State)
		}
	})
}

// A node that is behind while the fork is searched, and back a moment later,
// shares more than was found: the branch is left at the true fork, and nothing
// halts although the search had gone below MaxReorg.
func TestBehindDuringReorg(t *testing.T) {
	for back, question := range map[int]int{10: 3, 40: 4} { // the one after those that search the fork
		synctest.Test(t, func(t *testing.T) {
			c := newChain(t, 50)
			n, m, e := newNode(c), newMemory(t), &events{}
			o := options(c, e)
			o.MaxReorg = 20
			r := followed(t, n, m, o)
			defer r.stop()
			_, err := c.Reorg(2, 3)
			must(t, err)
			lost, err := c.Rewind(back)
			must(t, err)
			asked := 0
			n.intercept(func(_ context.Context, call string) error {
				if call != "headers" {
					return nil
				}
				if asked++; asked == question {
					for _, raw := range lost {
						must(t, c.Submit(raw))
					}
				}
				return nil
			})
			pass(time.Minute)
			m.equals(t, c)
			if found := of[ReorgFound](e); len(found) != 1 || found[0].Depth != 2 || r.Status().State != StateAtTip {
				t.Errorf("%d back: %+v, state %s", back, found, r.Status().State)
			}
		})
	}
}

func TestInvalidTip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 20)
		n, m, e := newNode(c), newMemory(t), &events{}
		r := followed(t, n, m, options(c, e))
		defer r.stop()
		bad, _ := c.BlockID(18)
		n.mu.Lock()
		n.invalid[c.Tip().Hash] = true
		n.mu.Unlock()
		must(t, c.Invalidate(bad.Hash))
		pass(5 * time.Second)
		m.equals(t, c)
		if found := of[ReorgFound](e); len(found) != 1 || !found[0].Invalid || found[0].Depth != 3 {
			t.Errorf("%+v", found)
		}
	})
}

func TestTooDeepHalts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 50)
		m, e := newMemory(t), &events{}
		o := options(c, e)
		o.MaxReorg = 10
		r := followed(t, newNode(c), m, o)
		defer r.stop()
		ours := c.Tip()
		_, err := c.Reorg(11, 12)
		must(t, err)
		pass(5 * time.Second)
		status := r.Status()
		if m.tip() != ours || status.State != StateHalted || !errors.Is(status.Err, coins.ErrReorgDepth) || status.Remedy != remedyRebuild {
			t.Errorf("tip %s, status %+v", m.tip(), status)
		}
		pass(haltReport)
		if n := len(of[Halted](e)); n != 2 {
			t.Errorf("reported %d times", n)
		}
		if err := New(newNode(c), m, o).CatchUp(t.Context()); !errors.Is(err, ErrHalted) || !errors.Is(err, coins.ErrReorgDepth) {
			t.Errorf("CatchUp: %v", err)
		}
	})
}

// The deepest reorg that the undo reaches goes through.
func TestDeepestReorg(t *testing.T) {
	c := newChain(t, 50)
	m, e := newMemory(t), &events{}
	o := options(c, e)
	o.MaxReorg = 10
	must(t, New(newNode(c), m, o).CatchUp(t.Context()))
	_, err := c.Reorg(10, 11)
	must(t, err)
	must(t, New(newNode(c), m, o).CatchUp(t.Context()))
	m.equals(t, c)
}

// An index that began at the tip survives the loss of its first block, without
// a gap even when the node is many blocks on by then.
func TestReorgBelowStart(t *testing.T) {
	c := newChain(t, 30)
	m, e := newMemory(t), &events{}
	o := options(c, e)
	o.Start = StartTip()
	s := New(newNode(c), m, o)
	must(t, s.CatchUp(t.Context()))
	_, err := c.Reorg(1, 5)
	must(t, err)
	must(t, s.CatchUp(t.Context()))
	m.equals(t, c)
	if m.blocks[0].id.Height != 30 || len(m.blocks) != 5 {
		t.Errorf("begins at %d with %d blocks", m.blocks[0].id.Height, len(m.blocks))
	}
	_, err = c.Reorg(6, 7)
	must(t, err)
	if err := s.CatchUp(t.Context()); !errors.Is(err, coins.ErrReorgDepth) {
		t.Errorf("a fork below the first block's parent: %v", err)
	}
}

func TestForeignNode(t *testing.T) {
	c, other := newChain(t, 5), newChain(t, 9)
	m, e := newMemory(t), &events{}
	o := options(c, e)
	params := *c.Params()
	params.Chain.Genesis[0] ^= 1
	o.Params = &params
	if err := New(newNode(other), m, o).CatchUp(t.Context()); !errors.Is(err, ErrForeign) || !errors.Is(err, ErrHalted) {
		t.Errorf("another genesis: %v", err)
	}
	if m.connected != 0 {
		t.Error("a foreign block was connected")
	}
}

// The chain changes under every kind of call, at every moment of a catch-up.
func TestReorgInTheMiddle(t *testing.T) {
	for at := range 60 {
		c := newChain(t, 30)
		n, m, e := newNode(c), newMemory(t), &events{}
		calls := 0
		n.hook = func(context.Context, string) error {
			n.mu.Lock()
			defer n.mu.Unlock()
			if calls++; calls == at || calls == at+5 {
				if _, err := c.Reorg(8, 9); err != nil {
					return err
				}
			}
			return nil
		}
		o := options(c, e)
		o.PrefetchBlocks, o.Start = 4, StartAt(3)
		must(t, New(n, m, o).CatchUp(t.Context()))
		must(t, New(n, m, o).CatchUp(t.Context()))
		m.equals(t, c)
	}
}
