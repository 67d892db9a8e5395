package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// inFlight is how many blocks are asked for at once: as many as the scanner does.
const inFlight = 32

// chain is what a run reads: the ids of every block after genesis.
type chain struct {
	ids []coins.BlockID
}

// readChain takes the headers from the node.
func readChain(ctx context.Context, source *node.Node) (chain, error) {
	var c chain
	for {
		headers, err := source.Headers(ctx, coins.Height(len(c.ids)+1), 2000)
		if err != nil || len(headers) == 0 {
			return c, err
		}
		for i := range headers {
			c.ids = append(c.ids, coins.BlockID{Height: coins.Height(len(c.ids) + 1), Hash: headers[i].Hash()})
		}
	}
}

// takeAll takes every block once, over whatever transport the node has, and does nothing with the bytes.
func (c chain) takeAll(ctx context.Context, source *node.Node) (int64, error) {
	next := make(chan coins.BlockID)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(next)
		for _, id := range c.ids {
			select {
			case next <- id:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	sizes := make([]int64, inFlight)
	for worker := range inFlight {
		group.Go(func() error {
			var raw []byte
			for id := range next {
				var err error
				if raw, err = source.Block(ctx, id, raw); err != nil {
					return fmt.Errorf("raw: %w", err)
				}
				sizes[worker] += int64(len(raw))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	var total int64
	for _, size := range sizes {
		total += size
	}
	return total, nil
}
