package scanner

import (
	"context"
	"fmt"
	"sync"

	"coffer.example/coffer/coins"
)

// chainIDs checks that headers form a chain on top of parent and returns their
// ids. It fails with ErrDisconnected, ErrBits or, with target, coins.ErrPoW.
func chainIDs(parent coins.BlockID, headers []coins.RawHeader, target bool) ([]coins.BlockID, error) {
	ids := make([]coins.BlockID, len(headers))
	for i := range headers {
		h := &headers[i]
		if h.Prev() != parent.Hash {
			return nil, fmt.Errorf("header %d: %w", parent.Height+1, ErrDisconnected)
		}
		parent = coins.BlockID{Height: parent.Height + 1, Hash: h.Hash()}
		switch {
		case h.Work().Sign() <= 0:
			return nil, fmt.Errorf("header %s: %w", parent, ErrBits)
		case target && !h.MeetsTarget():
			return nil, fmt.Errorf("header %s: %w", parent, coins.ErrPoW)
		}
		ids[i] = parent
	}
	return ids, nil
}

// feed gives the ids of the source's chain in order, from headers fetched a
// chunk at a time: never the whole chain in memory. The next chunk is asked for
// when half of the present one is left, so that blocks need not wait for it.
type feed struct {
	src    *caller
	target bool
	// last is the block below the next chunk.
	last  coins.BlockID
	chunk []coins.BlockID
	more  bool         // the last chunk was full: there may be another
	ahead chan nextIDs // gives the next chunk while it is being fetched
	fetch sync.WaitGroup
}

// nextIDs is what came of fetching a chunk.
type nextIDs struct {
	ids []coins.BlockID
	err error
}

// newFeed starts above parent with the headers already in hand.
func newFeed(src *caller, target bool, parent coins.BlockID, ids []coins.BlockID, more bool) *feed {
	f := &feed{src: src, target: target, last: parent, chunk: ids, more: more}
	if len(ids) > 0 {
		f.last = ids[len(ids)-1]
	}
	return f
}

// next returns the next id, and false at the source's tip. It fails with
// errMoved when the chain left the one that the feed follows.
func (f *feed) next(ctx context.Context) (id coins.BlockID, ok bool, err error) {
	if f.more && f.ahead == nil && len(f.chunk) <= headerChunk/2 {
		ahead, last := make(chan nextIDs, 1), f.last
		f.ahead = ahead
		f.fetch.Go(func() {
			ids, err := f.above(ctx, last)
			ahead <- nextIDs{ids, err}
		})
	}
	if len(f.chunk) == 0 && f.ahead != nil {
		came := <-f.ahead
		if f.ahead = nil; came.err != nil {
			return id, false, came.err
		}
		f.chunk, f.more = came.ids, len(came.ids) == headerChunk
		if f.more {
			f.last = f.chunk[headerChunk-1]
		}
	}
	if len(f.chunk) == 0 {
		return id, false, nil
	}
	id, f.chunk = f.chunk[0], f.chunk[1:]
	return id, true, nil
}

// above fetches the chunk above a block.
func (f *feed) above(ctx context.Context, last coins.BlockID) ([]coins.BlockID, error) {
	headers, err := f.src.headers(ctx, last.Height+1, headerChunk)
	if err != nil {
		return nil, err
	}
	if len(headers) > 0 && headers[0].Prev() != last.Hash {
		return nil, fmt.Errorf("above %s: %w", last, errMoved)
	}
	ids, err := chainIDs(last, headers, f.target)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSource, err)
	}
	return ids, nil
}

// close waits for what is being fetched; the context must have ended, or the
// feed.
func (f *feed) close() { f.fetch.Wait() }
