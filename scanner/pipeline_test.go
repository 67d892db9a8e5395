package scanner

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/internal/simnode"
)

// pipelineOf returns a pipeline over a chain and a feed of all its blocks.
func pipelineOf(tb testing.TB, n Source, c *simnode.Chain, change func(*Options)) (*pipeline, func() *feed) {
	tb.Helper()
	o := options(c, &events{})
	change(&o)
	o = o.withDefaults()
	src := &caller{src: n, clock: o.Clock}
	parent := coins.BlockID{Height: -1}
	return newPipeline(src, &o, func(*coins.Block) {}), func() *feed { return newFeed(src, true, parent, nil, true) }
}

// No more blocks are in flight than allowed, all of the allowed are, and they
// come in order.
func TestPipelineBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 200)
		n := newNode(c)
		var flying, most atomic.Int64
		n.hook = func(_ context.Context, call string) error {
			if call != "block" {
				return nil
			}
			now := flying.Add(1)
			defer flying.Add(-1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			<-time.After(time.Duration(now*7%5+1) * time.Millisecond) // answers overtake one another
			return nil
		}
		p, feed := pipelineOf(t, n, c, func(o *Options) { o.PrefetchBlocks = 9 })
		next := coins.Height(0)
		must(t, p.run(t.Context(), feed(), func(_ context.Context, b *coins.Block) error {
			if b.ID.Height != next {
				t.Fatalf("block %d where %d is next", b.ID.Height, next)
			}
			next++
			return nil
		}))
		if next != 201 || most.Load() != 9 {
			t.Errorf("%d blocks, at most %d at once", next, most.Load())
		}
		if lent, held := p.arena.occupancy(); lent != 0 || held != 0 {
			t.Errorf("%d slots and %d bytes were not given back", lent, held)
		}
	})
}

// Bytes bound it where blocks do not: what is reserved and held stays below
// the limit whatever the order of sizes.
func TestPipelineBytes(t *testing.T) {
	filled := simnode.Fill(60_000)
	c := newChain(t, 120)
	mine(t, c, 20, filled)
	mine(t, c, 20)
	mine(t, c, 20, filled)
	const limit, longest = 700_000, 100_000
	params := *c.Params()
	params.Format.MaxBlock = longest
	p, feed := pipelineOf(t, newNode(c), c, func(o *Options) { o.Params, o.PrefetchBytes = &params, limit })
	seen := 0
	must(t, p.run(t.Context(), feed(), func(context.Context, *coins.Block) error {
		seen++
		p.arena.mu.Lock()
		defer p.arena.mu.Unlock()
		// Layouts of the two blocks being walked come on top until they settle.
		if all := p.arena.held + p.arena.spare; all > limit+2*longest {
			t.Errorf("%d bytes held", all)
		}
		return nil
	}))
	if seen != 181 {
		t.Errorf("%d blocks", seen)
	}
	p.arena.trim(1)
	if len(p.arena.idle) != 1 || p.arena.spare != p.arena.idle[0].held || p.arena.held != 0 {
		t.Errorf("%d idle with %d of %d bytes, %d lent", len(p.arena.idle), p.arena.idle[0].held, p.arena.spare, p.arena.held)
	}
}

// A limit below one block still lets one block through at a time.
func TestPipelineTightest(t *testing.T) {
	c := newChain(t, 10)
	p, feed := pipelineOf(t, newNode(c), c, func(o *Options) { o.PrefetchBytes, o.PrefetchBlocks = 1, 1 })
	seen := 0
	must(t, p.run(t.Context(), feed(), func(context.Context, *coins.Block) error { seen++; return nil }))
	if seen != 11 {
		t.Errorf("%d blocks", seen)
	}
}

// Blocks before one that cannot be had are delivered, those behind are not,
// and the pipeline can run again.
func TestPipelineStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 40)
		n := newNode(c)
		bad := true
		n.spoil = func(id coins.BlockID, raw []byte) []byte {
			if id.Height == 20 && bad {
				return raw[:50]
			}
			return raw
		}
		p, feed := pipelineOf(t, n, c, func(*Options) {})
		seen := coins.Height(-1)
		deliver := func(_ context.Context, b *coins.Block) error { seen = b.ID.Height; return nil }
		err := p.run(t.Context(), feed(), deliver)
		isError(t, "a cut block", err, ErrBadBlock)
		isError(t, "a cut block", err, coins.ErrTruncated)
		if seen != 19 {
			t.Errorf("delivered up to %d", seen)
		}
		bad = false
		must(t, p.run(t.Context(), feed(), deliver))
		if lent, _ := p.arena.occupancy(); seen != 40 || lent != 0 {
			t.Errorf("delivered up to %d, %d slots lent", seen, lent)
		}
		enough := func(_ context.Context, b *coins.Block) error {
			if seen = b.ID.Height; seen == 5 {
				return errEnough
			}
			return nil
		}
		if err := p.run(t.Context(), feed(), enough); err != nil || seen != 5 {
			t.Errorf("%v at %d", err, seen)
		}
		ctx, cancel := context.WithCancel(t.Context())
		err = p.run(ctx, feed(), func(context.Context, *coins.Block) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// BenchmarkPipeline takes blocks of about 1 MB from memory through fetch, walk,
// verification and in-order delivery.
func BenchmarkPipeline(b *testing.B) {
	c := newChain(b, 120)
	mine(b, c, 40, simnode.Fill(300_000))
	n := &fast{node: newNode(c), blocks: map[coins.BlockHash][]byte{}}
	var bytes int64
	for height := coins.Height(0); height <= c.Tip().Height; height++ {
		id, _ := c.BlockID(height)
		n.blocks[id.Hash], _ = c.RawBlock(id.Hash)
		bytes += int64(len(n.blocks[id.Hash]))
	}
	for _, verify := range []coins.Verify{coins.VerifyHeader, coins.VerifyMerkle} {
		b.Run([]string{"merkle", "header"}[verify], func(b *testing.B) {
			p, feed := pipelineOf(b, n, c, func(o *Options) { o.Verify = verify })
			b.SetBytes(bytes)
			b.ReportAllocs()
			for b.Loop() {
				must(b, p.run(b.Context(), feed(), func(context.Context, *coins.Block) error { return nil }))
			}
			b.ReportMetric(float64(c.Tip().Height+1), "blocks/op")
		})
	}
}

// fast is a node that only copies.
type fast struct {
	*node
	blocks map[coins.BlockHash][]byte
}

func (f *fast) Block(_ context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
	return append(buf, f.blocks[id.Hash]...), nil
}
