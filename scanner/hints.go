package scanner

import (
	"context"
	"sync"
	"time"
)

// inbox gathers hints until the scanner looks: any number of block hints are
// one, transactions wait within a bound.
type inbox struct {
	clock Clock
	wake  chan struct{} // a token while something is new

	mu     sync.Mutex
	look   bool // a block, or a gap: look at the chain
	gap    bool // look at the whole mempool too
	keepTx bool // transactions are of interest: the index is at the tip
	txs    [][]byte
	bytes  int
	spoke  time.Time // the last block or gap hint
}

// mail is what an inbox held about the mempool.
type mail struct {
	gap bool
	txs [][]byte
}

func newInbox(clock Clock) *inbox {
	return &inbox{clock: clock, wake: make(chan struct{}, 1)}
}

// pump moves hints from the feed to the inbox until ctx ends or the feed does.
func (b *inbox) pump(ctx context.Context, hints <-chan Hint) {
	for {
		select {
		case <-ctx.Done():
			return
		case h, ok := <-hints:
			if !ok {
				return
			}
			b.put(h)
		}
	}
}

func (b *inbox) put(h Hint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch h.Kind {
	case HintTx:
		if !b.keepTx {
			return
		}
		if h.Raw == nil || len(b.txs) == hintTxs || b.bytes+len(h.Raw) > hintBytes {
			b.gap = true
			break
		}
		b.txs, b.bytes = append(b.txs, h.Raw), b.bytes+len(h.Raw)
	case HintGap:
		b.look, b.gap, b.spoke = true, true, b.clock.Now()
	default:
		b.look, b.spoke = true, b.clock.Now()
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take empties the inbox of what is about the mempool.
func (b *inbox) take() mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := mail{gap: b.gap, txs: b.txs}
	b.gap, b.txs, b.bytes = false, nil, 0
	return m
}

// looking takes the request to look at the chain; what is announced from now
// on is another.
func (b *inbox) looking() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.look = false
}

// blockPending reports whether the chain is to be looked at first.
func (b *inbox) blockPending() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.look
}

// spokeSince reports whether a block or gap hint came at t or later.
func (b *inbox) spokeSince(t time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.spoke.Before(t)
}

// keepTxs says whether transactions are gathered.
func (b *inbox) keepTxs(keep bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keepTx = keep
	if !keep {
		b.txs, b.bytes = nil, 0
	}
}
