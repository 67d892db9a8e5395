package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

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
	asked := utxo.CoinQuery{Confirmed: query.MinConfirmations > 0, Page: indexPage(query.Page)}
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
	found, next, err := index.Coins(ctx, asked)
	if err != nil {
		return CoinList{}, err
	}
	list := CoinList{Coins: make([]Coin, 0, len(found)), Next: next}
	for i := range found {
		if c := p.coinOf(&found[i], tip); c.Confirmations >= query.MinConfirmations {
			list.Coins = append(list.Coins, c)
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
	if all, err := e.unwatched(ctx, p, index, query.Address); err != nil {
		return HistoryList{}, err
	} else if all != nil {
		return all.history(ctx, query)
	}
	tip, err := shown(ctx, index)
	if err != nil {
		return HistoryList{}, err
	}
	if query.Address == "" {
		return p.wholeHistory(ctx, index, query.Page, tip)
	}
	watch, err := p.watched(ctx, index, query.Address)
	if err != nil {
		return HistoryList{}, err
	}
	events, next, err := index.History(ctx, utxo.HistoryQuery{Script: watch.Script, Page: indexPage(query.Page)})
	list := HistoryList{Events: make([]HistoryEvent, 0, len(events)), Next: next}
	for i := range events {
		list.Events = append(list.Events, eventOf(&events[i], query.Address, tip))
	}
	return list, err
}

// maxMerged is how many addresses' histories are put together into one; the index keeps them apart.
const maxMerged = 1000

// scripted is an event with whose it is.
type scripted struct {
	utxo.Event
	address string
}

// wholeHistory puts the histories of all addresses together, newest first. Its cursor counts the events before it.
func (p *part) wholeHistory(ctx context.Context, index *utxo.Index, page Page, tip *coins.BlockID) (HistoryList, error) {
	skip := 0
	if page.After != "" {
		n, err := strconv.Atoi(page.After)
		if err != nil || n < 0 {
			return HistoryList{}, fmt.Errorf("after %q: %w", page.After, utxo.ErrCursor)
		}
		skip = n
	}
	end := skip + cmp.Or(page.Limit, DefaultPage)
	if watched := index.WatchCount(); watched > maxMerged || end > MaxPage {
		return HistoryList{}, fmt.Errorf("the history of %d addresses together has a limit of %d addresses and %d events: name an address: %w",
			watched, maxMerged, MaxPage, ErrInput)
	}
	watches, _, err := index.Watches(ctx, utxo.WatchFilter{}, utxo.Page{Limit: maxMerged})
	if err != nil {
		return HistoryList{}, err
	}
	var all []scripted
	for i := range watches {
		events, _, err := index.History(ctx, utxo.HistoryQuery{Script: watches[i].Script, Page: utxo.Page{Limit: min(end+1, MaxPage)}})
		if err != nil {
			return HistoryList{}, err
		}
		address := p.address(watches[i].Script)
		for _, event := range events {
			all = append(all, scripted{event, address})
		}
	}
	slices.SortStableFunc(all, newer)
	list := HistoryList{Events: []HistoryEvent{}}
	if len(all) > end {
		list.Next = strconv.Itoa(end)
	}
	for i := skip; i < min(end, len(all)); i++ {
		list.Events = append(list.Events, eventOf(&all[i].Event, all[i].address, tip))
	}
	return list, nil
}

// newer orders events as a history does: the unconfirmed first, then by block and place in it, the last first.
func newer(a, b scripted) int {
	if a.Unconfirmed != b.Unconfirmed {
		if a.Unconfirmed {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.Block.Height, a.Block.Height), cmp.Compare(b.Index, a.Index), cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.N, a.N))
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
