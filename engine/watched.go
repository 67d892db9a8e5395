package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/watchlog"
	"coffer.example/coffer/utxo"
)

// WatchQuery asks for watched addresses.
type WatchQuery struct {
	// Label is what their labels begin with; State is live or scanning, "" either.
	Label string `json:"label,omitempty"`
	State string `json:"state,omitempty"`
	// Archived asks for the archived ones in place of the others.
	Archived bool `json:"archived,omitempty"`
	Page
}

// WatchChange says what to change of watched addresses; nil leaves it as it is.
type WatchChange struct {
	Addresses []string `json:"addresses"`
	Label     *string  `json:"label,omitempty"`
	// Metadata is as [ParseMetadata] reads it; "" takes it away.
	Metadata *string `json:"metadata,omitempty"`
	// Archived addresses stay watched, and are left out of lists that do not ask for them.
	Archived *bool `json:"archived,omitempty"`
}

// Watches is [Watching]'s.
func (e *Engine) Watches(ctx context.Context, coin coins.Symbol, query WatchQuery) (WatchList, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return WatchList{}, err
	}
	filter := utxo.WatchFilter{Label: query.Label, Archived: &query.Archived}
	switch query.State {
	case "":
	case "live":
		filter.State = utxo.Live
	case "scanning":
		filter.State = utxo.Scanning
	default:
		return WatchList{}, fmt.Errorf("state %q is neither live nor scanning: %w", query.State, ErrInput)
	}
	watches, next, err := index.Watches(ctx, filter, indexPage(query.Page))
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
		watch := Watch{
			Address: p.address(w.Script), Label: w.Label, Birth: w.Birth, State: watchState(w.State), Job: w.Job, Added: w.Added,
			Archived: w.Archived, Origins: origins,
		}
		if w.Metadata != "" {
			watch.Metadata = json.RawMessage(w.Metadata)
		}
		list.Watches = append(list.Watches, watch)
	}
	return list, nil
}

func watchState(s utxo.WatchState) string {
	if s == utxo.Scanning {
		return "scanning"
	}
	return "live"
}

// allWatched turns addresses into scripts, all of which must be watched; each is there once. What is
// derived cannot be given up.
func (p *part) allWatched(
	ctx context.Context, index *utxo.Index, kind watchlog.Kind, addresses []string,
) ([]watchlog.Script, error) {
	scripts, err := p.scripts(addresses)
	if err != nil {
		return nil, err
	}
	bad := AddressError{Cause: ErrNotFound}
	list, seen := make([]watchlog.Script, 0, len(scripts)), make(map[string]bool, len(scripts))
	for i, script := range scripts {
		watch, watched, err := index.Watched(ctx, script)
		if err != nil {
			return nil, err
		}
		if kind == watchlog.GivenUp && len(watch.Origins) > 0 {
			return nil, fmt.Errorf("%s: %w", addresses[i], utxo.ErrDerived)
		}
		if !watched {
			bad.add(i, addresses[i], fmt.Errorf("%s is not watched", addresses[i]))
		}
		if !seen[string(script)] {
			seen[string(script)] = true
			list = append(list, watchlog.Script{Script: script})
		}
	}
	if bad.Count > 0 {
		return nil, &bad
	}
	return list, nil
}

// RemoveWatches is [Watching]'s.
func (e *Engine) RemoveWatches(ctx context.Context, coin coins.Symbol, addresses []string) (int, error) {
	return e.changeWatched(ctx, coin, watchlog.GivenUp, addresses, watchlog.Script{})
}

// ChangeWatches is [Watching]'s.
func (e *Engine) ChangeWatches(ctx context.Context, coin coins.Symbol, change WatchChange) (int, error) {
	var say watchlog.Script
	if change.Label != nil {
		say.Label, say.HasLabel = *change.Label, true
	}
	if change.Metadata != nil {
		metadata, err := ParseMetadata(*change.Metadata)
		if err != nil {
			return 0, err
		}
		say.Metadata, say.HasMetadata = metadata, true
	}
	if change.Archived != nil {
		say.Archived, say.HasArchived = *change.Archived, true
	}
	if !say.HasLabel && !say.HasMetadata && !say.HasArchived {
		return 0, fmt.Errorf("nothing to change is given: %w", ErrInput)
	}
	if err := checkNotes(say.Label, say.Metadata); err != nil {
		return 0, err
	}
	return e.changeWatched(ctx, coin, watchlog.Changed, change.Addresses, say)
}

// changeWatched makes records of a kind that say the same of every address, all of which must be watched.
func (e *Engine) changeWatched(
	ctx context.Context, coin coins.Symbol, kind watchlog.Kind, addresses []string, say watchlog.Script,
) (int, error) {
	p, err := e.part(coin)
	if err != nil {
		return 0, err
	}
	watched, err := p.openWatched(ctx)
	if err != nil {
		return 0, err
	}
	list, err := p.allWatched(ctx, watched.index, kind, addresses)
	if err != nil {
		return 0, err
	}
	for i := range list {
		script := list[i].Script
		list[i] = say
		list[i].Script = script
	}
	if err := watched.change(ctx, kind, list); err != nil {
		return 0, err
	}
	return len(list), nil
}
