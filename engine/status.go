package engine

import (
	"context"
	"fmt"
	"os"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/utxo"
)

// nodePatience is how long a node is waited for to be asked who it is.
const nodePatience = 5 * time.Second

// Status is [Overview]'s.
func (e *Engine) Status(ctx context.Context) (Status, error) {
	e.mu.Lock()
	since := e.since
	e.mu.Unlock()
	status := Status{Version: Version(), Daemon: !since.IsZero(), Since: since, DataDir: e.config.DataDir}
	if status.Daemon {
		status.PID = os.Getpid()
	}
	for _, p := range e.parts {
		coin := p.look(ctx)
		coin.Whole = e.wholeStatus(ctx, p)
		status.Coins = append(status.Coins, coin)
	}
	return status, ctx.Err()
}

// Coin is [Overview]'s.
func (e *Engine) Coin(ctx context.Context, coin coins.Symbol) (CoinStatus, error) {
	p, err := e.part(coin)
	if err != nil {
		return CoinStatus{}, err
	}
	status := p.look(ctx)
	status.Whole = e.wholeStatus(ctx, p)
	return status, nil
}

// look is the status of a coin. Where nobody follows it, index and node are opened to be looked at; what keeps them
// from being opened is the status then.
func (p *part) look(ctx context.Context) CoinStatus {
	p.mu.Lock()
	running := p.now.following
	p.mu.Unlock()
	if running {
		return p.status(ctx)
	}
	var trouble error
	client, err := p.openNodes(ctx)
	if err == nil {
		err = p.meet(ctx, client)
	}
	if err != nil {
		trouble = err
	}
	if _, missing := os.Stat(p.dir); missing == nil { // looking makes no index
		if _, err := p.openIndex(ctx); err != nil {
			trouble = err
		}
	}
	status := p.status(ctx)
	status.State = StateIdle
	if trouble != nil {
		status.Reason = trouble.Error()
	}
	return status
}

// status tells what is known without opening or asking anything.
func (p *part) status(ctx context.Context) CoinStatus {
	params := p.coin.Params()
	status := CoinStatus{Coin: params.Symbol, Name: params.Name, Network: params.Network, State: StateStarting}
	index, client, s := p.opened()
	if client != nil {
		status.Nodes, status.Node = nodesStatus(client)
	}
	if index != nil {
		p.indexStatus(ctx, index, &status)
	}
	p.mu.Lock()
	trouble := p.now.trouble
	if t := p.taskStatus(); t != nil {
		if status.Index == nil {
			status.Index = &IndexStatus{}
		}
		status.Index.Task = t
	}
	p.mu.Unlock()
	switch {
	case trouble != nil:
		status.State, status.Reason = StateWaiting, trouble.Error()
		if needsPerson(trouble) {
			status.State = StateHalted
		}
	case s != nil:
		scannerStatus(s.Status(), &status)
	}
	return status
}

// needsPerson reports whether trouble does not heal by waiting.
func needsPerson(err error) bool {
	code := CodeOf(err)
	return code == CodeIndex || code == CodeHalted
}

func (p *part) indexStatus(ctx context.Context, index *utxo.Index, status *CoinStatus) {
	tip, _, err := p.next(ctx, index)
	if err != nil {
		return // closed meanwhile
	}
	status.Tip = tip
	if tip != nil {
		if header, err := index.Header(ctx, tip.Height); err == nil {
			status.TipTime = time.Unix(int64(header.Time()), 0).UTC()
		}
	}
	id := index.ID()
	shown := IndexStatus{ID: fmt.Sprintf("%x", id[:]), Watched: index.WatchCount(), LastSeq: index.LastSeq()}
	if stats, err := index.Stats(ctx); err == nil {
		shown.Unconfirmed = stats.Unconfirmed
	}
	if jobs, err := index.Jobs(ctx); err == nil {
		for _, job := range jobs {
			if job.State == utxo.JobQueued || job.State == utxo.JobRunning {
				shown.Jobs++
			}
		}
	}
	status.Index = &shown
}

// scannerStatus translates what the scanner tells.
func scannerStatus(s scanner.Status, status *CoinStatus) {
	switch s.State {
	case scanner.StateStarting:
		status.State = StateStarting
	case scanner.StateCatchUp:
		status.State = StateSyncing
		status.BlocksPerSecond, status.Remaining = s.Rate.BlocksPerSecond, s.ETA
	case scanner.StateAtTip:
		status.State = StateFollowing
	case scanner.StateLagging:
		status.State = StateWaiting
		status.Reason = fmt.Sprintf("the node is behind the index (node at %d): it is waited for", s.Target)
	case scanner.StateDown:
		status.State = StateWaiting
	case scanner.StateHalted:
		status.State = StateHalted
	}
	if s.Err != nil {
		status.Reason = s.Err.Error()
	}
	if s.Remedy != "" {
		status.Reason += "; " + s.Remedy
	}
}
