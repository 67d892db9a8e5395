package scanner

import (
	"context"
	"fmt"
	"time"

	"coffer.example/coffer/coins"
)

// caller asks the source, each call within its limit of time and each error
// marked as the source's.
type caller struct {
	src   Source
	clock Clock
}

// ask runs one call within a limit.
func (c *caller) ask(ctx context.Context, limit time.Duration, what string, call func(context.Context) error) error {
	limitedCtx, done := limited(ctx, c.clock, limit)
	defer done()
	err := call(limitedCtx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case context.Cause(limitedCtx) == ErrTimeout:
		return fmt.Errorf("%w: %s: %w after %s: %w", ErrSource, what, ErrTimeout, limit, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrSource, what, err)
}

func (c *caller) tip(ctx context.Context) (tip coins.BlockID, err error) {
	err = c.ask(ctx, callTimeout, "tip", func(ctx context.Context) (err error) {
		tip, err = c.src.Tip(ctx)
		return err
	})
	return tip, err
}

func (c *caller) headers(ctx context.Context, from coins.Height, limit int) (headers []coins.RawHeader, err error) {
	err = c.ask(ctx, callTimeout, "headers", func(ctx context.Context) (err error) {
		headers, err = c.src.Headers(ctx, from, limit)
		if err == nil && len(headers) > limit {
			err = fmt.Errorf("%d headers where %d were asked for", len(headers), limit)
		}
		return err
	})
	return headers, err
}

func (c *caller) block(ctx context.Context, id coins.BlockID, buf []byte) (raw []byte, err error) {
	err = c.ask(ctx, blockTimeout, "block", func(ctx context.Context) (err error) {
		raw, err = c.src.Block(ctx, id, buf)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("block %s: %w", id, err)
	}
	return raw, nil
}

func (c *caller) invalid(ctx context.Context, hash coins.BlockHash) (invalid bool, err error) {
	err = c.ask(ctx, callTimeout, "chain tips", func(ctx context.Context) (err error) {
		invalid, err = c.src.Invalid(ctx, hash)
		return err
	})
	return invalid, err
}

func (c *caller) mempoolIDs(ctx context.Context) (ids []coins.TxID, err error) {
	err = c.ask(ctx, callTimeout, "mempool", func(ctx context.Context) (err error) {
		ids, err = c.src.MempoolIDs(ctx)
		return err
	})
	return ids, err
}

func (c *caller) mempoolTxs(ctx context.Context, ids []coins.TxID, each func(coins.TxID, []byte) error) error {
	return c.ask(ctx, callTimeout, "mempool transactions", func(ctx context.Context) error {
		return c.src.MempoolTxs(ctx, ids, each)
	})
}
