package scanner

import (
	"context"
	"sync"

	"coffer.example/coffer/coins"
)

// slot is one block on its way, with its buffers. It is reused.
type slot struct {
	block coins.Block
	id    coins.BlockID
	more  bool // others follow
	err   error
	done  chan struct{} // holds one token once block or err is set
	held  int64         // bytes of the arena's budget
}

// arena lends slots within a bound in blocks and bytes. Before a block is
// fetched the longest it can be is reserved; once it is loaded, what it really
// holds is settled. Returned slots keep their buffers as long as all buffers,
// lent and idle, stay within the bound.
//
// The blocks lent are also kept few enough to stay in the processor's caches
// from the core that receives them to the one that reads them: see warmBytes.
type arena struct {
	blocks  int   // slots lent at most
	limit   int64 // bytes at most, but one block is always lent
	longest int64 // a raw block at most

	mu    sync.Mutex
	idle  []*slot // last used last
	lent  int
	held  int64         // by lent slots
	usual int64         // what the block settled last holds
	spare int64         // by idle slots
	freed chan struct{} // a token after each change that may let take go on
}

// Beyond warmSlots slots, no more are lent than hold warmBytes together, going
// by the block before. With 32 blocks of 1.1 MB in flight every step costs more
// CPU time than with 10 (a quarter over all, measured on two cores), and no
// transport is faster for it.
const (
	warmSlots = 6
	warmBytes = 16 << 20
)

func newArena(blocks int, limit, longest int64) *arena {
	return &arena{blocks: blocks, limit: limit, longest: longest, freed: make(chan struct{}, 1)}
}

// take waits until a block may be fetched. One goroutine takes at a time.
func (a *arena) take(ctx context.Context) (*slot, error) {
	for {
		if s := a.tryTake(); s != nil {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-a.freed:
		}
	}
}

func (a *arena) tryTake() *slot {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lent >= a.blocks || (a.lent > 0 && a.held+a.longest > a.limit) {
		return nil
	}
	if a.lent >= warmSlots && int64(a.lent+1)*a.usual > warmBytes {
		return nil
	}
	s := &slot{done: make(chan struct{}, 1)}
	if last := len(a.idle) - 1; last >= 0 {
		s, a.idle = a.idle[last], a.idle[:last]
		a.spare -= s.held
	}
	s.err, s.held = nil, max(a.longest, s.held)
	a.lent++
	a.held += s.held
	a.evict()
	return s
}

// evict drops idle buffers until all together are within the limit.
func (a *arena) evict() {
	for len(a.idle) > 0 && a.held+a.spare > a.limit {
		a.spare -= a.idle[0].held
		a.idle[0] = nil
		a.idle = a.idle[1:]
	}
}

// settle replaces a slot's reservation by what it holds.
func (a *arena) settle(s *slot) {
	a.mu.Lock()
	holds := footprint(&s.block)
	a.held += holds - s.held
	s.held, a.usual = holds, holds
	a.evict()
	a.mu.Unlock()
	a.signal()
}

// give takes a slot back.
func (a *arena) give(s *slot) {
	holds := footprint(&s.block)
	a.mu.Lock()
	a.lent--
	a.held -= s.held
	s.held = holds
	a.spare += holds
	a.idle = append(a.idle, s)
	a.evict()
	a.mu.Unlock()
	a.signal()
}

// trim drops all idle slots but keep.
func (a *arena) trim(keep int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.idle) > keep {
		a.spare -= a.idle[0].held
		a.idle[0] = nil
		a.idle = a.idle[1:]
	}
}

func (a *arena) signal() {
	select {
	case a.freed <- struct{}{}:
	default:
	}
}

// occupancy returns how many slots are lent and the bytes they hold or reserve.
func (a *arena) occupancy() (blocks int, bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lent, a.held
}

// footprint is the memory that a block's buffers keep.
func footprint(b *coins.Block) int64 {
	const span, in, out, mark, ids = 28, 4, 8, 8, 2 * coins.HashSize
	return int64(cap(b.Raw) + cap(b.Layout.Txs)*(span+ids) + cap(b.Layout.Ins)*in +
		cap(b.Layout.Outs)*out + (cap(b.ScriptMarks)+cap(b.OutPointMarks))*mark)
}
