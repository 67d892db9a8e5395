package scanner

import (
	"context"
	"fmt"

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
// chunk at a time: never the whole chain in memory.
type feed struct {
	src    *caller
	target bool
	// last is the block before the chunk's next one to fetch.
	last  coins.BlockID
	chunk []coins.BlockID
	more  bool // the chunk was full: ask for another
}

// newFeed starts above parent with the headers already in hand.
func newFeed(src *caller, target bool, parent coins.BlockID, ids []coins.BlockID, more bool) *feed {
	last := parent
	if len(ids) > 0 {
		last = ids[len(ids)-1]
	}
	return &feed{src: src, target: target, last: last, chunk: ids, more: more}
}

// next returns the next id, and false at the source's tip. It fails with
// errMoved when the chain left the one that the feed follows.
func (f *feed) next(ctx context.Context) (id coins.BlockID, ok bool, err error) {
	if len(f.chunk) == 0 && f.more {
		if err := f.refill(ctx); err != nil {
			return id, false, err
		}
	}
	if len(f.chunk) == 0 {
		return id, false, nil
	}
	id, f.chunk = f.chunk[0], f.chunk[1:]
	return id, true, nil
}

func (f *feed) refill(ctx context.Context) error {
	headers, err := f.src.headers(ctx, f.last.Height+1, headerChunk)
	if err != nil {
		return err
	}
	if len(headers) > 0 && headers[0].Prev() != f.last.Hash {
		return fmt.Errorf("above %s: %w", f.last, errMoved)
	}
	ids, err := chainIDs(f.last, headers, f.target)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	f.chunk, f.more = ids, len(ids) == headerChunk
	if len(ids) > 0 {
		f.last = ids[len(ids)-1]
	}
	return nil
}
