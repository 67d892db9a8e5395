package scanner

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/internal/simnode"
)

// job is a JobSink beside an index: it takes what the index's chain has, and is
// done when its cursor passes the index's tip.
type job struct {
	index *memory
	next  coins.Height
	read  map[coins.Height]coins.BlockHash
	fail  func(coins.BlockID) error
}

func newJob(index *memory, from coins.Height) *job {
	return &job{index: index, next: from, read: map[coins.Height]coins.BlockHash{}}
}

func (j *job) Prepare(b *coins.Block) { j.index.Prepare(b) }

func (j *job) Backfill(_ context.Context, b *coins.Block) (coins.Height, bool, error) {
	if j.fail != nil {
		if err := j.fail(b.ID); err != nil {
			return 0, false, err
		}
	}
	if b.ID.Height != j.next {
		return j.next, false, fmt.Errorf("block %s at cursor %d", b.ID, j.next)
	}
	j.index.mu.Lock()
	defer j.index.mu.Unlock()
	first := j.index.blocks[0].id.Height
	if at := int(b.ID.Height - first); at >= len(j.index.blocks) {
		return j.next, false, nil // the index is not that far
	} else if at >= 0 && j.index.blocks[at].id != b.ID {
		j.next -= min(j.next, 3) // as if the cursor were undone with its block
		return j.next, false, nil
	}
	j.read[b.ID.Height] = b.ID.Hash
	j.next++
	if j.next <= j.index.blocks[len(j.index.blocks)-1].id.Height {
		return j.next, false, nil
	}
	for _, s := range j.index.blocks {
		if hash, read := j.read[s.id.Height]; read && hash != s.id.Hash {
			j.index.tb.Errorf("done, and block %s was read as %s", s.id, hash)
		}
	}
	return j.next, true, nil
}

// covers fails unless the job read the chain's block at each height.
func (j *job) covers(t *testing.T, c *simnode.Chain, from coins.Height) {
	t.Helper()
	for height := from; height <= c.Tip().Height; height++ {
		if id, _ := c.BlockID(height); j.read[height] != id.Hash {
			t.Errorf("height %d: read %s, the chain has %s", height, j.read[height], id.Hash)
		}
	}
}

func TestJob(t *testing.T) {
	c := newChain(t, headerChunk+50)
	n, m, e := newNode(c), newMemory(t), &events{}
	o := options(c, e)
	o.Start = StartTip()
	must(t, New(n, m, o).CatchUp(t.Context()))
	for _, from := range []coins.Height{0, 7, c.Tip().Height} {
		j := newJob(m, from)
		must(t, RunJob(t.Context(), n, j, JobOptions{Options: options(c, e), From: from}))
		j.covers(t, c, from)
		if want := int(c.Tip().Height-from) + 1; len(j.read) != want {
			t.Errorf("from %d: %d blocks read, want %d", from, len(j.read), want)
		}
	}
	if p := of[Progress](e); len(p) == 0 || p[len(p)-1].Height != c.Tip().Height || p[len(p)-1].Target != c.Tip().Height {
		t.Errorf("progress %+v", p)
	}
}

// The chain moves while a job reads it and while the index follows.
func TestJobDuringReorgs(t *testing.T) {
	for at := int64(1); at < 40; at++ {
		synctest.Test(t, func(t *testing.T) {
			c := newChain(t, 40)
			n, m, e := newNode(c), newMemory(t), &events{}
			r := followed(t, n, m, options(c, e))
			defer r.stop()
			var calls atomic.Int64
			n.intercept(func(context.Context, string) error {
				if calls.Add(1) == at {
					_, err := c.Reorg(5, 7)
					return err
				}
				return nil
			})
			j := newJob(m, 0)
			o := JobOptions{Options: options(c, e)}
			o.PrefetchBlocks = 3
			must(t, RunJob(t.Context(), n, j, o))
			pass(time.Minute)
			m.equals(t, c)
			if len(j.read) < 41 {
				t.Errorf("done after %d blocks", len(j.read))
			}
		})
	}
}

// A node that fails, an index that is full or ahead of the node: a job waits.
func TestJobWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 30)
		n, m, e := newNode(c), newMemory(t), &events{}
		must(t, New(n, m, options(c, e)).CatchUp(t.Context()))
		lost, err := c.Rewind(10)
		must(t, err)
		var calls atomic.Int64
		n.hook = func(context.Context, string) error {
			if calls.Add(1)%4 == 0 {
				return errFault
			}
			return nil
		}
		j := newJob(m, 0)
		full := true
		j.fail = func(coins.BlockID) error {
			if full {
				full = false
				return retryLater{}
			}
			return nil
		}
		done := make(chan error)
		go func() { done <- RunJob(t.Context(), n, j, JobOptions{Options: options(c, e)}) }()
		pass(time.Hour)
		if j.next != 21 {
			t.Errorf("the job is at %d, the node ends at 20", j.next)
		}
		for _, raw := range lost {
			must(t, c.Submit(raw))
		}
		must(t, <-done)
		j.covers(t, c, 0)
		if len(of[SinkDown](e)) != 1 || len(of[SourceDown](e)) == 0 || len(of[SourceDown](e)) < len(of[SourceUp](e)) {
			t.Errorf("%d sink failures", len(of[SinkDown](e)))
		}
	})
}

func TestJobEnds(t *testing.T) {
	c := newChain(t, 30)
	n, m, e := newNode(c), newMemory(t), &events{}
	must(t, New(n, m, options(c, e)).CatchUp(t.Context()))
	broken := newJob(m, 0)
	broken.fail = func(coins.BlockID) error { return errFault }
	err := RunJob(t.Context(), n, broken, JobOptions{Options: options(c, e)})
	isError(t, "a broken sink", err, ErrSink)
	isError(t, "a broken sink", err, errFault)

	ctx, cancel := context.WithCancel(t.Context())
	stopped := newJob(m, 0)
	stopped.fail = func(id coins.BlockID) error {
		if id.Height == 10 {
			cancel()
		}
		return nil
	}
	err = RunJob(ctx, n, stopped, JobOptions{Options: options(c, e)})
	if !errors.Is(err, context.Canceled) || stopped.next > 12 {
		t.Errorf("cancelled: %v at %d", err, stopped.next)
	}
	stopped.fail = nil
	must(t, RunJob(t.Context(), n, stopped, JobOptions{Options: options(c, e), From: stopped.next}))
	stopped.covers(t, c, 0)
}
