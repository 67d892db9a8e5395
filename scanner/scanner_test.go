package scanner

import (
	"testing"
	"testing/synctest"
	"time"

	"coffer.example/coffer/coins"
)

func TestCatchUp(t *testing.T) {
	c := newChain(t, 2*headerChunk+7)
	m, e := newMemory(t), &events{}
	s := New(newNode(c), m, options(c, e))
	must(t, s.CatchUp(t.Context()))
	m.equals(t, c)
	if m.blocks[0].id.Height != 0 || m.connected != 2*headerChunk+8 {
		t.Errorf("%d blocks from height %d", m.connected, m.blocks[0].id.Height)
	}
	status := s.Status()
	if status.State != StateAtTip || status.Tip != c.Tip() || status.Lag != 0 || status.Prefetch.Blocks != 0 {
		t.Errorf("status %+v", status)
	}
	// A second time nothing is left to do, and a new block is enough.
	must(t, s.CatchUp(t.Context()))
	mine(t, c, 1)
	must(t, s.CatchUp(t.Context()))
	m.equals(t, c)
}

func TestStart(t *testing.T) {
	c := newChain(t, 20)
	for name, test := range map[string]struct {
		start Start
		first coins.Height
	}{"genesis": {Start{}, 0}, "tip": {StartTip(), 20}, "height": {StartAt(7), 7}} {
		t.Run(name, func(t *testing.T) {
			m, e := newMemory(t), &events{}
			o := options(c, e)
			o.Start = test.start
			must(t, New(newNode(c), m, o).CatchUp(t.Context()))
			m.equals(t, c)
			if m.blocks[0].id.Height != test.first {
				t.Errorf("begins at %d", m.blocks[0].id.Height)
			}
		})
	}
}

func TestFollowsByPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 3)
		m, e := newMemory(t), &events{}
		r := start(t, New(newNode(c), m, options(c, e)))
		defer r.stop()
		synctest.Wait()
		m.equals(t, c)
		mine(t, c, 1)
		synctest.Wait()
		if m.tip() == c.Tip() {
			t.Error("found a block before the poll")
		}
		pass(5 * time.Second)
		m.equals(t, c)
	})
}

// pass lets time pass in a bubble, and what it sets off settle.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
