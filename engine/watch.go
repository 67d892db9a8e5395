package engine

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/utxo"
)

// scripts checks a whole list of addresses. Every bad one is told of, as an [*AddressError].
func (p *part) scripts(addresses []string) ([][]byte, error) {
	if len(addresses) == 0 {
		return nil, fmt.Errorf("no address given: %w", ErrInput)
	}
	if len(addresses) > MaxImport {
		return nil, fmt.Errorf("%d addresses at once, at most %d: %w", len(addresses), MaxImport, ErrInput)
	}
	bad := AddressError{Cause: ErrInput}
	scripts := make([][]byte, len(addresses))
	for i, address := range addresses {
		script, err := p.coin.Script(address)
		if err != nil {
			bad.add(i, address, err)
		}
		scripts[i] = script
	}
	if bad.Count > 0 {
		return nil, &bad
	}
	return scripts, nil
}

// next returns the index's tip, nil before the first block, and the height of the block that comes next.
func (p *part) next(ctx context.Context, index *utxo.Index) (*coins.BlockID, coins.Height, error) {
	tip, begun, err := index.Tip(ctx)
	if err != nil {
		return nil, 0, err
	}
	if !begun {
		return nil, index.Start(), nil
	}
	return &tip, tip.Height + 1, nil
}

// clockSlack is how far a block's time may be off: a date means this much earlier.
const clockSlack = 2 * time.Hour

// from turns the text of a --from into a height; past is false for "none".
func (p *part) from(ctx context.Context, text string) (height coins.Height, past bool, err error) {
	switch text {
	case "", "genesis":
		return 0, true, nil
	case "none":
		return 0, false, nil
	}
	if number, err := strconv.ParseInt(text, 10, 32); err == nil {
		height, err := p.checkHeight(ctx, number)
		return height, true, err
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, time.DateTime} {
		if date, err := time.ParseInLocation(layout, text, time.UTC); err == nil {
			height, err := p.heightAt(ctx, date.Add(-clockSlack))
			return height, true, err
		}
	}
	return 0, false, fmt.Errorf("from %q is neither a height, a date (2026-11-20), genesis nor none: %w", text, ErrInput)
}

// checkHeight refuses a height beyond the node's tip.
func (p *part) checkHeight(ctx context.Context, number int64) (coins.Height, error) {
	tip, err := p.nodeTip(ctx)
	if err != nil {
		return 0, err
	}
	if number < 0 || number > int64(tip.Height) {
		return 0, fmt.Errorf("height %d is not on the chain, of which the tip is %d: %w", number, tip.Height, ErrInput)
	}
	return coins.Height(number), nil
}

func (p *part) nodeTip(ctx context.Context) (coins.BlockID, error) {
	client, err := p.openNodes(ctx)
	if err != nil {
		return coins.BlockID{}, err
	}
	return client.Tip(ctx)
}

// heightAt returns the first height of which neither the block nor one after it is older than a time, as well as
// block times tell: they need not rise, which clockSlack makes up for.
func (p *part) heightAt(ctx context.Context, at time.Time) (coins.Height, error) {
	client, err := p.openNodes(ctx)
	if err != nil {
		return 0, err
	}
	tip, err := client.Tip(ctx)
	if err != nil {
		return 0, err
	}
	low, high := coins.Height(0), tip.Height
	for low < high {
		middle := low + (high-low)/2
		headers, err := client.Headers(ctx, middle, 1)
		if err != nil {
			return 0, err
		}
		if len(headers) == 0 {
			return 0, fmt.Errorf("the chain became shorter than %d while it was searched: %w", middle, node.ErrNotFound)
		}
		if time.Unix(int64(headers[0].Time()), 0).Before(at) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// checkPruned refuses to begin below what the node still has.
func (p *part) checkPruned(ctx context.Context, from coins.Height) error {
	client, err := p.openNodes(ctx)
	if err != nil {
		return err
	}
	if _, err := client.Tip(ctx); err != nil {
		return nil // the node is down: the job waits for it, and tells then
	}
	info := client.Status().Info
	if info.Pruned && from < info.PruneHeight {
		return fmt.Errorf("the past from block %d cannot be read, the node has deleted blocks below %d (prune): "+
			"use a node with prune=0, or begin at %d: %w", from, info.PruneHeight, info.PruneHeight, ErrConflict)
	}
	return nil
}

// open returns a coin's part and its index.
func (e *Engine) open(ctx context.Context, coin coins.Symbol) (*part, *utxo.Index, error) {
	p, err := e.part(coin)
	if err != nil {
		return nil, nil, err
	}
	index, err := p.openIndex(ctx)
	return p, index, err
}

// address is a script's address, or its bytes where it has none.
func (p *part) address(script []byte) string {
	if address, ok := p.coin.Address(script); ok {
		return address
	}
	return fmt.Sprintf("script:%x", script)
}

func indexPage(page Page) utxo.Page { return utxo.Page{Cursor: page.After, Limit: page.Limit} }

// Check that the parts fit the scanner's seams.
var (
	_ scanner.Source  = (*node.Pool)(nil)
	_ scanner.Views   = (*node.Pool)(nil)
	_ scanner.Judged  = (*node.Pool)(nil)
	_ scanner.Sink    = (*utxo.Index)(nil)
	_ scanner.JobSink = (*utxo.Backfill)(nil)
)
