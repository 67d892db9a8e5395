package engine

import (
	"cmp"
	"context"
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// Balance is [Queries]'.
func (e *Engine) Balance(ctx context.Context, coin coins.Symbol, address string) (Balance, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return Balance{}, err
	}
	if all, err := e.unwatched(ctx, p, index, address); err != nil {
		return Balance{}, err
	} else if all != nil {
		return all.balance(ctx)
	}
	for {
		result, err := p.balance(ctx, index, address)
		if err != nil {
			return result, err
		}
		tip, err := shown(ctx, index)
		if err != nil || *cmp.Or(tip, &coins.BlockID{}) == *cmp.Or(result.Tip, &coins.BlockID{}) {
			return result, err
		}
	}
}

// balance is of some moment after the tip was looked at.
func (p *part) balance(ctx context.Context, index *utxo.Index, address string) (result Balance, err error) {
	result = Balance{Coin: p.config.Symbol, Address: address}
	if result.Tip, err = shown(ctx, index); err != nil {
		return result, err
	}
	if address == "" {
		if result.Scanning, err = anyUnfinished(ctx, index); err == nil {
			result.Balance, err = index.TotalBalance(ctx)
		}
		return result, err
	}
	watch, err := p.watched(ctx, index, address)
	if err != nil {
		return result, err
	}
	result.Scanning = watch.State == utxo.Scanning
	result.Balance, err = index.Balance(ctx, watch.Script)
	return result, err
}

// shown returns the last block that queries know of, nil where there is none. While many blocks come at once the index
// itself is ahead of it.
func shown(ctx context.Context, index *utxo.Index) (*coins.BlockID, error) {
	stats, err := index.Stats(ctx)
	if err != nil || !stats.HasTip {
		return nil, err
	}
	return &stats.Tip, nil
}

// watched finds the watch of an address. It fails with [ErrNotFound] where there is none.
func (p *part) watched(ctx context.Context, index *utxo.Index, address string) (utxo.Watch, error) {
	script, err := p.coin.Script(address)
	if err != nil {
		return utxo.Watch{}, err
	}
	watch, found, err := index.Watched(ctx, script)
	if err == nil && !found {
		err = fmt.Errorf("%s is not watched; `coffer import-address %s %s` watches it: %w", address, p.config.Symbol, address, ErrNotFound)
	}
	return watch, err
}

// anyUnfinished reports whether a rescan waits or runs, or was given up that reads the past of single addresses: theirs
// is incomplete until it is resumed.
func anyUnfinished(ctx context.Context, index *utxo.Index) (bool, error) {
	jobs, err := index.Jobs(ctx)
	for _, job := range jobs {
		if job.State == utxo.JobQueued || job.State == utxo.JobRunning || (job.State != utxo.JobDone && !job.All) {
			return true, err
		}
	}
	return false, err
}

// Coins is [Queries]'.
func (e *Engine) Coins(ctx context.Context, coin coins.Symbol, query CoinQuery) (CoinList, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return CoinList{}, err
	}
	if all, err := e.unwatched(ctx, p, index, query.Address); err != nil {
		return CoinList{}, err
	} else if all != nil {
		return all.coins(ctx, query)
	}
	asked := utxo.CoinQuery{
		MinConfirmations: query.MinConfirmations, MaxConfirmations: query.MaxConfirmations, MinValue: query.MinValue, MaxValue: query.MaxValue,
		Coinbase: query.Coinbase, Spendable: query.Spendable, Reserved: query.Reserved, Page: indexPage(query.Page),
	}
	if query.Address != "" {
		watch, err := p.watched(ctx, index, query.Address)
		if err != nil {
			return CoinList{}, err
		}
		asked.Script = watch.Script
	}
	tip, err := shown(ctx, index)
	if err != nil {
		return CoinList{}, err
	}
	list := CoinList{Coins: []Coin{}}
	for len(list.Coins) == 0 { // filters can leave pages empty
		found, next, err := index.Coins(ctx, asked)
		if err != nil {
			return CoinList{}, err
		}
		for i := range found {
			list.Coins = append(list.Coins, p.coinOf(&found[i], tip))
		}
		if list.Next, asked.Cursor = next, next; next == "" {
			break
		}
	}
	return list, nil
}

// coinOf shows an output of the index.
func (p *part) coinOf(c *utxo.Coin, tip *coins.BlockID) Coin {
	shown := Coin{
		OutPoint: c.OutPoint, Address: p.address(c.Script), Value: c.Value, Coinbase: c.Coinbase, PegOut: c.PegOut,
	}
	if c.SpentBy != (coins.TxID{}) {
		shown.SpentBy = c.SpentBy.String()
	}
	if c.Reserved != nil {
		claim := Claim(*c.Reserved)
		shown.Reserved = &claim
	}
	if c.Confirmed {
		shown.Block = &c.Block
		shown.Confirmations = confirmations(&c.Block, tip)
		if at := p.matureAt(c); tip != nil && at > tip.Height+1 {
			shown.SpendableAt = at
		}
	}
	return shown
}

// matureAt returns the height of the first block that may spend a coin.
func (p *part) matureAt(c *utxo.Coin) coins.Height {
	chain := &p.coin.Params().Chain
	switch {
	case c.Coinbase:
		return c.Block.Height + chain.MaturityOf(c.Block.Height)
	case c.PegOut:
		return c.Block.Height + chain.PegOutMaturity
	}
	return c.Block.Height
}

// confirmations counts the blocks from a block to the tip, both included; 0 for none.
func confirmations(block, tip *coins.BlockID) coins.Height {
	if block == nil || tip == nil {
		return 0
	}
	return max(tip.Height-block.Height+1, 0)
}

// History is [Queries]'.
func (e *Engine) History(ctx context.Context, coin coins.Symbol, query HistoryQuery) (HistoryList, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return HistoryList{}, err
	}
	asked := utxo.HistoryQuery{Oldest: query.Oldest, Page: indexPage(query.Page)}
	if asked.Kind, err = kindOf(query.Kind); err != nil {
		return HistoryList{}, err
	}
	if asked.From, asked.To, err = p.heights(ctx, index, query.From, query.To); err != nil {
		return HistoryList{}, err
	}
	if all, err := e.unwatched(ctx, p, index, query.Address); err != nil {
		return HistoryList{}, err
	} else if all != nil {
		return all.history(ctx, query, &asked)
	}
	if query.Address != "" {
		watch, err := p.watched(ctx, index, query.Address)
		if err != nil {
			return HistoryList{}, err
		}
		asked.Script = watch.Script
	}
	tip, err := shown(ctx, index)
	if err != nil {
		return HistoryList{}, err
	}
	list := HistoryList{Events: []HistoryEvent{}}
	for len(list.Events) == 0 { // filters can leave pages empty
		found, next, err := index.History(ctx, asked)
		if err != nil {
			return HistoryList{}, err
		}
		for i := range found {
			list.Events = append(list.Events, eventOf(&found[i], p.address(found[i].Script), tip))
		}
		if list.Next, asked.Cursor = next, next; next == "" {
			break
		}
	}
	return list, nil
}

func kindOf(text string) (utxo.EventKind, error) {
	switch text {
	case "":
		return 0, nil
	case "funded":
		return utxo.Funded, nil
	case "spent":
		return utxo.Spent, nil
	}
	return 0, fmt.Errorf("kind %q is neither funded nor spent: %w", text, ErrInput)
}

func eventOf(e *utxo.Event, address string, tip *coins.BlockID) HistoryEvent {
	shown := HistoryEvent{
		Kind: "funded", Address: address, Value: e.Value, TxID: e.TxID, N: e.N, OutPoint: e.OutPoint, Time: e.Time,
	}
	if e.Kind == utxo.Spent {
		shown.Kind = "spent"
	}
	if !e.Unconfirmed {
		shown.Block = &e.Block
		shown.Confirmations = confirmations(&e.Block, tip)
	}
	return shown
}
