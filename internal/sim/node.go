package sim

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"coffer.example/coffer/coins"
)

// view is a node's chain and mempool as of one moment.
type view struct {
	tip  *block
	pool []*tx
}

// node is the simulated node: it knows every block, and shows one chain of them.
type node struct {
	blocks map[coins.BlockHash]*block
	// now is what the node has; shown, where it is set, what it says instead: an
	// older or another tip. flaps makes it say the one and the other in turns.
	now   view
	shown *view
	flaps bool
	turn  bool
	// past are views that the node had before, for late and stale answers.
	past []view
	top  coins.Height // of the highest block there ever was
}

// current returns what the node answers with now.
func (n *node) current() view {
	if n.shown == nil {
		return n.now
	}
	if n.flaps {
		if n.turn = !n.turn; n.turn {
			return n.now
		}
	}
	return *n.shown
}

// add puts a block into the tree.
func (n *node) add(b *block) {
	n.blocks[b.id.Hash] = b
	n.top = max(n.top, b.id.Height)
}

// move makes a block the tip: transactions of blocks that it leaves are
// unconfirmed again where they can be, what was mined or cannot be any more
// goes.
func (n *node) move(to *block) {
	n.past = append(n.past, n.now)
	if len(n.past) > 8 {
		n.past = n.past[1:]
	}
	var candidates []*tx
	fork := forkOf(n.now.tip, to)
	for _, b := range n.now.tip.path()[fork.id.Height+1:] {
		candidates = append(candidates, b.txs[1:]...)
	}
	candidates = append(candidates, n.now.pool...)
	n.now = view{tip: to}
	n.refill(candidates)
}

// best returns the valid block with the most work: the tip, where it is one of
// several.
func (n *node) best() *block {
	best := n.now.tip
	for best.broken() {
		best = best.parent
	}
	for _, b := range n.blocks {
		rival := b.work == best.work && best != n.now.tip && slices.Compare(b.id.Hash[:], best.id.Hash[:]) < 0
		if (b.work > best.work || rival) && !b.broken() {
			best = b
		}
	}
	return best
}

// refill makes the mempool of what of a list is possible.
func (n *node) refill(list []*tx) {
	mined := map[coins.TxID]bool{}
	for _, b := range n.now.tip.path() {
		for _, t := range b.txs {
			mined[t.id] = true
		}
	}
	set := unspentAt(n.now.tip)
	pool := []*tx(nil)
	for _, t := range list {
		if !mined[t.id] && set.holds(t) {
			set.apply(t)
			pool = append(pool, t)
			mined[t.id] = true
		}
	}
	n.now.pool = pool
}

// poolCoins returns what an unconfirmed transaction can spend.
func (n *node) poolCoins() *coinSet {
	set := unspentAt(n.now.tip)
	for _, t := range n.now.pool {
		set.apply(t)
	}
	return set
}

// fault is what goes wrong with one answer of the node.
type fault struct {
	kind faultKind
	salt uint64
}

type faultKind string

// The faults of answers.
const (
	faultNone  faultKind = ""
	faultError faultKind = "error"
	faultHang  faultKind = "hang"  // no answer until the caller gives up
	faultLate  faultKind = "late"  // what was true when the question came
	faultStale faultKind = "stale" // what was true long before
	faultShort faultKind = "short" // less than there is
	faultWrong faultKind = "wrong" // something else than asked for
	faultSpoil faultKind = "spoil" // bytes damaged
	faultTwice faultKind = "twice" // the same more than once
)

func faultKinds() []faultKind {
	return []faultKind{faultError, faultHang, faultLate, faultStale, faultShort, faultWrong, faultSpoil, faultTwice}
}

// source is the node as one actor sees it. It is a scanner.Source.
type source struct {
	w     *World
	actor string
}

// ask waits for its turn, and returns what goes wrong and what the node has.
func (s source) ask(ctx context.Context, method, detail string) (verdict, *rand.Rand, error) {
	c := &call{actor: s.actor, method: method, detail: detail, source: true}
	v, err := s.w.gate.enter(ctx, c)
	return v, rand.New(rand.NewPCG(v.fault.salt, 1)), err
}

// Tip implements scanner.Source.
func (s source) Tip(ctx context.Context) (coins.BlockID, error) {
	v, rng, err := s.ask(ctx, "tip", "")
	if err != nil {
		return coins.BlockID{}, err
	}
	if v.fault.kind == faultWrong {
		return coins.BlockID{Height: coins.Height(rng.IntN(100)), Hash: coins.BlockHash{1}}, nil
	}
	return v.view.tip.id, nil
}

// Headers implements scanner.Source.
func (s source) Headers(ctx context.Context, from coins.Height, limit int) (list []coins.RawHeader, err error) {
	v, rng, err := s.ask(ctx, "headers", fmt.Sprintf("%6d+%d", from, limit))
	if err != nil {
		return nil, err
	}
	path := v.view.tip.path()
	for h := from; int(h) < len(path) && len(list) < limit; h++ {
		list = append(list, path[h].header)
	}
	if len(list) == 0 {
		return list, nil
	}
	switch at := rng.IntN(len(list)); v.fault.kind {
	case faultShort:
		list = list[:at]
	case faultSpoil:
		list[at][rng.IntN(coins.HeaderSize)] ^= byte(1 << rng.IntN(8))
	case faultWrong:
		list[at] = path[rng.IntN(len(path))].header
	case faultTwice:
		list = slices.Insert(list, at, list[at])
	}
	return list, nil
}

// Block implements scanner.Source.
func (s source) Block(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
	v, rng, err := s.ask(ctx, "block", fmt.Sprintf("%6d %s", id.Height, id.Hash))
	if err != nil {
		return nil, err
	}
	b := s.w.node.blocks[id.Hash]
	if b == nil {
		return nil, fmt.Errorf("block %s: not found", id)
	}
	raw := bytes.Clone(b.raw)
	switch v.fault.kind {
	case faultShort:
		raw = raw[:rng.IntN(len(raw))]
	case faultSpoil:
		raw[rng.IntN(len(raw))] ^= byte(1 << rng.IntN(8))
	case faultWrong:
		raw = v.view.tip.at(coins.Height(rng.IntN(int(v.view.tip.id.Height) + 1))).raw
	case faultTwice:
		raw = append(raw, b.raw...)
	}
	return append(buf[:0], raw...), nil
}

// Invalid implements scanner.Source.
func (s source) Invalid(ctx context.Context, hash coins.BlockHash) (bool, error) {
	_, _, err := s.ask(ctx, "invalid", hash.String())
	if err != nil {
		return false, err
	}
	b := s.w.node.blocks[hash]
	return b != nil && b.broken(), nil
}

// MempoolIDs implements scanner.Source.
func (s source) MempoolIDs(ctx context.Context) (ids []coins.TxID, err error) {
	v, rng, err := s.ask(ctx, "mempool", "")
	if err != nil {
		return nil, err
	}
	for _, t := range v.view.pool {
		ids = append(ids, t.id)
	}
	switch v.fault.kind {
	case faultShort:
		ids = ids[:rng.IntN(len(ids)+1)]
	case faultWrong: // of a transaction in a block
		txs := v.view.tip.txs
		ids = append(ids, txs[rng.IntN(len(txs))].id)
	case faultTwice:
		ids = append(ids, ids...)
	}
	return ids, nil
}

// MempoolTxs implements scanner.Source.
func (s source) MempoolTxs(ctx context.Context, ids []coins.TxID, each func(coins.TxID, []byte) error) error {
	v, rng, err := s.ask(ctx, "transactions", fmt.Sprint(len(ids)))
	if err != nil {
		return err
	}
	for _, t := range v.view.pool {
		if !slices.Contains(ids, t.id) {
			continue
		}
		raw, times := bytes.Clone(t.raw), 1
		switch {
		case v.fault.kind == faultShort && rng.IntN(2) == 0:
			return fmt.Errorf("%w in the middle", errFault)
		case v.fault.kind == faultSpoil:
			raw[rng.IntN(len(raw))] ^= 4
		case v.fault.kind == faultWrong:
			raw = bytes.Clone(v.view.tip.txs[0].raw)
		case v.fault.kind == faultTwice:
			times = 2
		}
		for range times {
			if err := each(t.id, raw); err != nil {
				return err
			}
		}
	}
	return nil
}
