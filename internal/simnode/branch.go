package simnode

import (
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// Mine makes n blocks on the best chain. It fails where a content cannot be
// put into a block; the blocks before it stay.
func (c *Chain) Mine(n int, contents ...Content) ([]coins.BlockID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []coins.BlockID
	for range n {
		made, err := c.extend(c.tip(), 1, contents)
		if err != nil {
			return ids, err
		}
		ids = append(ids, made...)
	}
	return ids, nil
}

// Fund mines until the chain has at least one mature coin of its own, and n
// blocks more.
func (c *Chain) Fund(n int) error {
	first := c.Tip().Height + 1
	wait := int(c.params.Chain.MaturityOf(first)) - int(first) + 1
	_, err := c.Mine(max(wait, 0) + n)
	return err
}

// MineOn makes n blocks above any block known, and makes them the best chain
// where they have more work than it. Until then they are a branch.
func (c *Chain) MineOn(parent coins.BlockHash, n int, contents ...Content) ([]coins.BlockID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.blocks[parent]
	if !ok {
		return nil, fmt.Errorf("block %s: %w", parent, ErrUnknown)
	}
	return c.extend(b, n, contents)
}

// Reorg makes a branch of length blocks that leaves the best chain depth blocks
// below its tip. It becomes the best chain where length > depth; then what was
// mined in the blocks it replaces is unconfirmed again.
func (c *Chain) Reorg(depth, length int, contents ...Content) ([]coins.BlockID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if depth < 0 || depth >= len(c.active) {
		return nil, fmt.Errorf("reorganisation of %d blocks at height %d: %w", depth, len(c.active)-1, ErrDepth)
	}
	return c.extend(c.active[len(c.active)-1-depth], length, contents)
}

// extend mines n blocks above a block and activates the best chain.
func (c *Chain) extend(parent *block, n int, contents []Content) (ids []coins.BlockID, err error) {
	at := c.tip()
	if at, err = c.moveSet(at, parent); err == nil {
		for range n {
			var b *block
			if b, err = c.mineOn(at, contents); err != nil {
				break
			}
			ids = append(ids, b.id)
			at = b
		}
	}
	if failed := c.activate(at); failed != nil {
		return ids, failed
	}
	return ids, err
}

// moveSet moves the coin set from one block to another, and returns where it
// stands: short of the target where a block on the way breaks a rule.
func (c *Chain) moveSet(from, to *block) (*block, error) {
	var up []*block
	for at := to; !at.below(from); at = at.parent {
		up = append(up, at)
	}
	fork := to
	if len(up) > 0 {
		fork = up[len(up)-1].parent
	}
	for ; from != fork; from = from.parent {
		if err := c.disconnect(from); err != nil {
			return from, err
		}
	}
	for _, b := range slices.Backward(up) {
		if err := c.connect(b); err != nil {
			return from, err
		}
		from = b
	}
	return from, nil
}

// below reports whether b is tip or an ancestor of it.
func (b *block) below(tip *block) bool {
	for tip != nil && tip.id.Height > b.id.Height {
		tip = tip.parent
	}
	return tip == b
}

// best returns the valid block with the most work, the first seen of equals.
// The block that the coin set stands at is looked at first.
func (c *Chain) best(at *block) *block {
	tip := c.tip()
	if at.parent == tip && at.valid() {
		return at
	}
	best := c.active[0]
	for _, b := range c.blocks {
		switch {
		case b.work() < best.work(), !b.valid():
		case b.work() > best.work(), b == tip, b.serial < best.serial && best != tip:
			best = b
		}
	}
	return best
}

// activate moves coin set, best chain and mempool to the best block, and tells
// who listens.
func (c *Chain) activate(at *block) error {
	old := c.tip()
	for {
		best := c.best(at)
		reached, err := c.moveSet(at, best)
		if at = reached; err == nil {
			break
		}
		if best.valid() {
			return err // not the block's fault
		}
	}
	if at == old {
		return nil
	}
	var gone []*block
	for ; !old.below(at); old = old.parent {
		gone = append(gone, old)
	}
	c.active = c.active[:old.id.Height+1]
	for b := at; b != old; b = b.parent {
		c.active = append(c.active, b)
	}
	fresh := c.active[old.id.Height+1:]
	slices.Reverse(fresh)
	for _, b := range gone {
		c.feed.send(event{kind: blockGone, block: b})
	}
	c.refillPool(gone, fresh)
	for _, b := range fresh {
		c.feed.send(event{kind: blockAdded, block: b})
	}
	c.feed.send(event{kind: newTip, block: at, fresh: slices.Clone(fresh)})
	return nil
}

// Invalidate marks a block as breaking the rules (invalidateblock). The best
// chain without it and all above it takes over.
func (c *Chain) Invalidate(hash coins.BlockHash) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.blocks[hash]
	if !ok {
		return fmt.Errorf("block %s: %w", hash, ErrUnknown)
	}
	if b.parent == nil {
		return fmt.Errorf("genesis block: %w", ErrDepth)
	}
	b.invalid = true
	return c.activate(c.tip())
}

// Reconsider takes the mark off a block, all above it and all below it
// (reconsiderblock).
func (c *Chain) Reconsider(hash coins.BlockHash) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.blocks[hash]
	if !ok {
		return fmt.Errorf("block %s: %w", hash, ErrUnknown)
	}
	for _, other := range c.blocks {
		if b.below(other) || other.below(b) {
			other.invalid = false
		}
	}
	return c.activate(c.tip())
}

// Rewind forgets the last n blocks of the best chain, as a node that was killed
// before it wrote them: its tip is then lower without a fork. It returns their
// bytes, lowest first, which [Chain.Submit] takes back. The mempool is lost.
func (c *Chain) Rewind(n int) ([][]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n < 0 || n >= len(c.active) {
		return nil, fmt.Errorf("rewind of %d blocks at height %d: %w", n, len(c.active)-1, ErrDepth)
	}
	to := c.active[len(c.active)-1-n]
	if _, err := c.moveSet(c.tip(), to); err != nil {
		return nil, err
	}
	lost := slices.Clone(c.active[len(c.active)-n:])
	c.active = c.active[:len(c.active)-n]
	for _, b := range c.blocks {
		if b != to && to.below(b) {
			delete(c.blocks, b.id.Hash)
		}
	}
	c.pool.reset()
	c.pool.view = c.newView(to.id.Height + 1)
	raws := make([][]byte, n)
	for i, b := range lost {
		raws[i] = b.raw
	}
	return raws, nil
}

// Submit takes a block from elsewhere (submitblock). It fails with a [*Reject]
// that has a node's reason: duplicate, duplicate-invalid, inconclusive (a
// branch that is not the best chain), prev-blk-not-found, or the rule broken.
func (c *Chain) Submit(raw []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(raw) < coins.HeaderSize {
		return rejectTx(codeDecode, "Block decode failed")
	}
	header := coins.RawHeader(raw[:coins.HeaderSize])
	if known, ok := c.blocks[header.Hash()]; ok {
		if known.valid() {
			return rejectBlock("duplicate")
		}
		return rejectBlock("duplicate-invalid")
	}
	parent, ok := c.blocks[header.Prev()]
	if !ok {
		return rejectBlock("prev-blk-not-found")
	}
	b, err := c.load(slices.Clone(raw), parent)
	if err != nil {
		return rejectTx(codeDecode, "Block decode failed")
	}
	if err := c.activate(c.tip()); err != nil {
		return err
	}
	switch {
	case b.invalid:
		return rejectBlock("bad-block")
	case !c.isActive(b):
		return rejectBlock("inconclusive")
	}
	return nil
}
