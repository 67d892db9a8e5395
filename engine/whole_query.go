package engine

import (
	"context"
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
	"coffer.example/coffer/utxo/whole"
)

// unwatched answers questions about an address that is not watched.
type unwatched struct {
	part    *part
	index   *whole.Index
	address string
	script  []byte
}

// unwatched returns what answers for an address from the index of every script: nil where the coin has none, the
// address is watched, or none is named.
func (e *Engine) unwatched(ctx context.Context, p *part, index *utxo.Index, address string) (*unwatched, error) {
	w := e.whole(p.config.Symbol)
	if w == nil || address == "" {
		return nil, nil
	}
	script, err := p.coin.Script(address)
	if err != nil {
		return nil, err
	}
	if _, watched, err := index.Watched(ctx, script); err != nil || watched {
		return nil, err
	}
	all, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	return &unwatched{p, all, address, script}, nil
}

// shown returns the last block that questions know of, nil where there is none.
func (u *unwatched) shown(ctx context.Context) (*coins.BlockID, error) {
	stats, err := u.index.Stats(ctx)
	if err != nil || !stats.HasTip {
		return nil, err
	}
	return &stats.Tip, nil
}

func (u *unwatched) balance(ctx context.Context) (Balance, error) {
	balance, tip, err := u.index.Balance(ctx, u.script)
	result := Balance{Coin: u.part.config.Symbol, Address: u.address, Balance: balance, Source: SourceAll}
	if tip != (coins.BlockID{}) {
		result.Tip = &tip
	}
	return result, err
}

func (u *unwatched) coins(ctx context.Context, query CoinQuery) (CoinList, error) {
	tip, err := u.shown(ctx)
	if err != nil {
		return CoinList{}, err
	}
	found, next, err := u.index.Coins(ctx, u.script, indexPage(query.Page))
	list := CoinList{Coins: make([]Coin, 0, len(found)), Next: next, Source: SourceAll, Tip: tip}
	for i := range found {
		if c := u.part.coinOf(&found[i], tip); query.passes(&c) {
			list.Coins = append(list.Coins, c)
		}
	}
	return list, err
}

// history is newest first only: asked are the filters of the query.
func (u *unwatched) history(ctx context.Context, query HistoryQuery, asked *utxo.HistoryQuery) (HistoryList, error) {
	if query.Oldest {
		return HistoryList{}, fmt.Errorf("%s is not watched: its history is listed newest first only: %w", u.address, ErrInput)
	}
	tip, err := u.shown(ctx)
	if err != nil {
		return HistoryList{}, err
	}
	events, next, err := u.index.History(ctx, u.script, indexPage(query.Page))
	list := HistoryList{Events: make([]HistoryEvent, 0, len(events)), Next: next, Source: SourceAll, Tip: tip}
	for i := range events {
		e := &events[i]
		if asked.Kind != 0 && e.Kind != asked.Kind || e.Block.Height < asked.From || asked.To != 0 && e.Block.Height > asked.To {
			continue
		}
		list.Events = append(list.Events, eventOf(&events[i], u.address, tip))
	}
	return list, err
}

// WholeReport is what a check of the index of every script found.
type WholeReport struct {
	OK         bool           `json:"ok"`
	Tip        *coins.BlockID `json:"tip"`
	Digest     string         `json:"digest,omitempty"`
	Violations []string       `json:"violations,omitempty"`
}

// checkWhole checks the index of every script too, where the coin has one that was begun.
func (e *Engine) checkWhole(ctx context.Context, p *part, report *CheckReport) error {
	w := e.whole(p.config.Symbol)
	if w == nil {
		return nil
	}
	index, err := w.open(ctx)
	if err != nil {
		return err
	}
	shown := &WholeReport{}
	report.Whole = shown
	if tip, begun, err := index.Tip(ctx); err != nil {
		return err
	} else if begun {
		shown.Tip = &tip
	}
	err = index.Check(ctx, func(string, int) {})
	if errors.Is(err, utxo.ErrCorrupt) {
		shown.Violations, report.OK = violations(err), false
		return nil
	}
	if err != nil {
		return err
	}
	shown.OK = true
	digest, err := index.Digest(ctx)
	shown.Digest = fmt.Sprintf("%x", digest[:])
	return err
}
