package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// PastBalance is what an address, or all of them, held in blocks after a block.
type PastBalance struct {
	Coin    coins.Symbol `json:"coin"`
	Address string       `json:"address,omitempty"`
	utxo.PastBalance
	// CompleteFrom is the height from which the address's history is complete, or will be: what came before is not in the
	// balance. Of all addresses each counts from its own, and there is none to tell.
	CompleteFrom coins.Height `json:"complete_from,omitempty"`
	// Scanning says that the past is still being read; Incomplete that it is, or that the block is below CompleteFrom.
	Scanning   bool `json:"scanning"`
	Incomplete bool `json:"incomplete"`
}

// BalanceAt is [Queries]'.
func (e *Engine) BalanceAt(ctx context.Context, coin coins.Symbol, address, at string) (PastBalance, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return PastBalance{}, err
	}
	height, err := p.blockAt(ctx, index, at)
	if err != nil {
		return PastBalance{}, err
	}
	result := PastBalance{Coin: coin, Address: address}
	var script []byte
	if address == "" {
		result.Scanning, err = anyUnfinished(ctx, index)
	} else {
		var watch utxo.Watch
		watch, err = p.watched(ctx, index, address)
		script, result.CompleteFrom, result.Scanning = watch.Script, watch.Birth, watch.State == utxo.Scanning
	}
	if err != nil {
		return PastBalance{}, err
	}
	result.PastBalance, err = index.BalanceAt(ctx, script, height)
	result.Incomplete = result.Scanning || height < result.CompleteFrom
	return result, err
}

// moment reads a height or a date.
func moment(text string) (height coins.Height, date time.Time, err error) {
	if number, err := strconv.ParseInt(text, 10, 32); err == nil && number >= 0 {
		return coins.Height(number), time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, time.DateTime} {
		if date, err := time.ParseInLocation(layout, text, time.UTC); err == nil {
			return 0, date, nil
		}
	}
	return 0, time.Time{}, fmt.Errorf("%q is neither a height nor a date (2026-11-20, or 2026-11-20T18:00:00Z): %w", text, ErrInput)
}

// blockAt turns a height or a date into the height of the last block of then.
func (p *part) blockAt(ctx context.Context, index *utxo.Index, text string) (coins.Height, error) {
	height, date, err := moment(text)
	if err != nil || date.IsZero() {
		return height, err
	}
	return index.HeightAt(ctx, date)
}

// heights turns the bounds of a list into heights: of dates, From has the first block after it, To the last one till then.
func (p *part) heights(ctx context.Context, index *utxo.Index, from, to string) (low, high coins.Height, err error) {
	if from != "" {
		var date time.Time
		if low, date, err = moment(from); err != nil {
			return 0, 0, err
		}
		if !date.IsZero() {
			low, err = index.HeightAt(ctx, date.Add(-time.Second))
			if low++; errors.Is(err, utxo.ErrRange) {
				low, err = 0, nil // older than every block
			}
		}
	}
	if err == nil && to != "" {
		high, err = p.blockAt(ctx, index, to)
	}
	if err == nil && to != "" && high < max(low, 1) {
		err = fmt.Errorf("from %q to %q is no block: %w", from, to, ErrInput)
	}
	return low, high, err
}
