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

// ImportAddresses is [Watching]'s.
func (e *Engine) ImportAddresses(ctx context.Context, coin coins.Symbol, request ImportRequest) (ImportResult, error) {
	p, err := e.part(coin)
	if err != nil {
		return ImportResult{}, err
	}
	scripts, err := p.scripts(request.Addresses)
	if err != nil {
		return ImportResult{}, err
	}
	from, past, err := p.from(ctx, request.From)
	if err != nil {
		return ImportResult{}, err
	}
	index, err := p.openIndex(ctx)
	if err != nil {
		return ImportResult{}, err
	}
	tip, next, err := p.next(ctx, index)
	if err != nil {
		return ImportResult{}, err
	}
	var job *utxo.JobSpec
	birth := next
	if past {
		// Also where from is beyond the tip: it may not be by the time that the addresses are stored.
		birth, job = min(from, next), &utxo.JobSpec{From: from}
	}
	if past && from < next {
		if err := p.checkPruned(ctx, from); err != nil {
			return ImportResult{}, err
		}
	}
	specs := make([]utxo.WatchSpec, len(scripts))
	for i, script := range scripts {
		specs[i] = utxo.WatchSpec{Script: script, Birth: birth, Label: request.Label}
	}
	watched, err := index.Watch(ctx, specs, job)
	if watched.Job != 0 {
		p.nudge() // also where the import was interrupted: what is stored has a past to be read
	}
	if err != nil {
		return ImportResult{}, err
	}
	result := ImportResult{Added: watched.Added, Known: watched.Known}
	if watched.Job == 0 {
		return result, nil
	}
	record, err := p.findJob(ctx, index, watched.Job, tip)
	result.Job = &record
	return result, err
}

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

// Watches is [Watching]'s.
func (e *Engine) Watches(ctx context.Context, coin coins.Symbol, page Page) (WatchList, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return WatchList{}, err
	}
	watches, next, err := index.Watches(ctx, utxo.WatchFilter{}, indexPage(page))
	if err != nil {
		return WatchList{}, err
	}
	list := WatchList{Watches: make([]Watch, 0, len(watches)), Next: next}
	names := p.namer(index)
	for _, w := range watches {
		origins, err := names.origins(ctx, w.Origins)
		if err != nil {
			return WatchList{}, err
		}
		list.Watches = append(list.Watches, Watch{
			Address: p.address(w.Script), Label: w.Label, Birth: w.Birth, State: watchState(w.State), Job: w.Job, Added: w.Added, Origins: origins,
		})
	}
	return list, nil
}

func watchState(s utxo.WatchState) string {
	if s == utxo.Scanning {
		return "scanning"
	}
	return "live"
}

// RemoveWatches is [Watching]'s.
func (e *Engine) RemoveWatches(ctx context.Context, coin coins.Symbol, addresses []string) (int, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return 0, err
	}
	scripts, err := p.scripts(addresses)
	if err != nil {
		return 0, err
	}
	bad := AddressError{Cause: ErrNotFound}
	for i, script := range scripts {
		_, watched, err := index.Watched(ctx, script)
		if err != nil {
			return 0, err
		}
		if !watched {
			bad.add(i, addresses[i], fmt.Errorf("%s is not watched", addresses[i]))
		}
	}
	if bad.Count > 0 {
		return 0, &bad
	}
	return index.Unwatch(ctx, scripts)
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
