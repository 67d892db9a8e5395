package node

import (
	"context"
	"sync"
)

// HintKind says what a hint is about. Values and meaning are those of the
// scanner's hints; node imports no consumer, so the wiring converts.
type HintKind uint8

// The kinds of hint.
const (
	// HintBlock: a block was announced or the tip changed.
	HintBlock HintKind = iota
	// HintTx: a transaction entered the mempool; Raw may carry it.
	HintTx
	// HintGap: messages were lost or a feed reconnected; look at everything.
	HintGap
)

// Hint wakes whoever follows the chain. It carries no truth: a hint may be
// late, doubled, wrong or missing.
type Hint struct {
	Kind HintKind
	// Raw is a transaction's bytes, where the feed sends them; the receiver's to
	// keep.
	Raw []byte
}

// hints is the bounded queue between the feeds and the one who listens.
// However slow the listener: block hints coalesce into one, and transaction
// hints beyond the limits become a gap.
type hints struct {
	out   chan Hint
	ready chan struct{} // holds a token while something is queued

	mu         sync.Mutex
	gap, block bool
	txs        [][]byte
	txBytes    int
}

func newHints() *hints {
	return &hints{out: make(chan Hint), ready: make(chan struct{}, 1)}
}

func (h *hints) add(hint Hint) {
	h.mu.Lock()
	switch hint.Kind {
	case HintBlock:
		h.block = true
	case HintTx:
		h.addTx(hint.Raw)
	default:
		h.gap, h.txs, h.txBytes = true, nil, 0
	}
	h.mu.Unlock()
	select {
	case h.ready <- struct{}{}:
	default:
	}
}

func (h *hints) addTx(raw []byte) {
	if h.gap {
		return // whoever looks at everything sees it too
	}
	if raw == nil && len(h.txs) > 0 && h.txs[len(h.txs)-1] == nil {
		return // two wake-ups without content are one
	}
	if len(h.txs) == maxTxHints || h.txBytes+len(raw) > maxTxHintBytes {
		h.gap, h.txs, h.txBytes = true, nil, 0
		return
	}
	h.txs = append(h.txs, raw)
	h.txBytes += len(raw)
}

// next takes the most urgent hint: gaps say the most, then blocks.
func (h *hints) next() (hint Hint, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.gap:
		h.gap = false
		return Hint{Kind: HintGap}, true
	case h.block:
		h.block = false
		return Hint{Kind: HintBlock}, true
	case len(h.txs) > 0:
		hint = Hint{Kind: HintTx, Raw: h.txs[0]}
		h.txs, h.txBytes = h.txs[1:], h.txBytes-len(h.txs[0])
		return hint, true
	}
	h.txs = nil
	return Hint{}, false
}

// run hands the hints over until ctx ends, then closes the channel.
func (h *hints) run(ctx context.Context) {
	defer close(h.out)
	for {
		hint, ok := h.next()
		if !ok {
			select {
			case <-h.ready:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case h.out <- hint:
		case <-ctx.Done():
			return
		}
	}
}
