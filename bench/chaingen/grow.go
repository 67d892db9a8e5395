package chaingen

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// ahead is how many finished blocks wait for the node.
const ahead = 4

// Caller calls a node's JSON-RPC.
type Caller interface {
	Call(ctx context.Context, method string, params ...any) (json.RawMessage, error)
}

// Grow brings the node to the chain's first count blocks by submitblock and reports each block that the node took. Blocks
// that the node has already are made again but not sent, so that a chain can be grown further with the same parameters.
// It generates while the node validates.
func Grow(ctx context.Context, node Caller, p Params, count int, taken func(Block)) error {
	g, err := New(p)
	if err != nil {
		return err
	}
	have, err := result[int](ctx, node, "getblockcount")
	if err != nil {
		return err
	}
	generating, stop := context.WithCancel(ctx)
	blocks := g.stream(generating, count)
	defer func() {
		stop()
		for range blocks { // until the generating goroutine has ended
		}
	}()
	for b := range blocks {
		if err := offer(ctx, node, b, have); err != nil {
			return err
		}
		taken(b)
	}
	return ctx.Err()
}

// stream makes count blocks ahead of their use until ctx ends. The caller reads the channel until it is closed.
func (g *Generator) stream(ctx context.Context, count int) <-chan Block {
	blocks := make(chan Block, ahead)
	go func() {
		defer close(blocks)
		for range count {
			select {
			case blocks <- g.Next():
			case <-ctx.Done():
				return
			}
		}
	}()
	return blocks
}

// Freshen mines one block with the present time on the node's tip. Generated blocks are years old, and a node whose tip
// is more than a day old takes itself to be in initial download: it does not answer its peers then.
func Freshen(ctx context.Context, node Caller) error {
	_, err := node.Call(ctx, "generatetodescriptor", 1, "raw(51)")
	return err
}

// offer hands a block to the node unless the node has it at that height.
func offer(ctx context.Context, node Caller, b Block, have int) error {
	if b.Height <= have {
		at, err := result[string](ctx, node, "getblockhash", b.Height)
		if err != nil {
			return err
		}
		if at == printed(b.Hash) {
			return nil
		}
	}
	reason, err := result[*string](ctx, node, "submitblock", hex.EncodeToString(b.Raw))
	if err != nil {
		return fmt.Errorf("block %d: %w", b.Height, err)
	}
	// A block beside a longer chain is kept as inconclusive, and becomes active when its branch has more work.
	if reason != nil && *reason != "inconclusive" && *reason != "duplicate" {
		return fmt.Errorf("block %d: %w: %s", b.Height, ErrRefused, *reason)
	}
	return nil
}

func result[T any](ctx context.Context, node Caller, method string, params ...any) (T, error) {
	var v T
	raw, err := node.Call(ctx, method, params...)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("%s: %w", method, err)
	}
	return v, nil
}

// printed is a hash as nodes print it.
func printed(h [32]byte) string {
	for i := range 16 {
		h[i], h[31-i] = h[31-i], h[i]
	}
	return hex.EncodeToString(h[:])
}
