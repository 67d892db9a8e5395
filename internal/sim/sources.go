package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// derivedScripts is what the simulation's source derives, numbered from
// derivedFrom on: more than are watched at first.
type derivedScripts struct{}

const (
	derivedFrom  = 1000
	derivedCount = 240
)

// Branches implements utxo.Scripts.
func (derivedScripts) Branches() uint32 { return 1 }

// Len implements utxo.Scripts.
func (derivedScripts) Len() uint32 { return derivedCount }

// Script implements utxo.Scripts.
func (derivedScripts) Script(branch, index uint32) ([]byte, error) {
	if branch > 0 || index >= derivedCount {
		return nil, fmt.Errorf("%w: script %d of branch %d was asked for", ErrBroken, index, branch)
	}
	return []byte(scriptOf(derivedFrom + int(index))), nil
}

// payee draws a script to pay: one of those that users watch, or, once there is
// a source, one at the edge of what it derives.
func (w *World) payee(rng *rand.Rand) string {
	if w.record.acts["source"] > 0 && rng.IntN(6) == 0 {
		edges := []int{5, 79, 80, 99, 100, 150, 180, 199, 200, 239}
		return scriptOf(derivedFrom + edges[rng.IntN(len(edges))])
	}
	return scriptOf(rng.IntN(w.setup.scripts + 1))
}

// source imports the source, or its past, or gives out a script of it.
func (w *World) source(ctx context.Context, rng *rand.Rand) {
	if w.record.acts["source"] > 0 && rng.IntN(2) == 0 {
		index, _, err := w.process.index.Issue(ctx, 1, 0)
		w.note("  issue: %d, %v", index, err)
		if errors.Is(err, utxo.ErrScanning) || errors.Is(err, utxo.ErrExhausted) {
			return
		}
		w.requested(ctx, "issue", err, func(context.Context, bool) error { return nil })
		return
	}
	var job *utxo.JobSpec
	if w.model.tip != nil && rng.IntN(3) > 0 {
		job = &utxo.JobSpec{From: coins.Height(rng.IntN(int(w.model.next())))}
	}
	result, err := w.process.index.AddSource(ctx, utxo.SourceSpec{Text: "sim"}, job)
	w.note("  source, past %v: %+v, %v", job, result, err)
	if errors.Is(err, utxo.ErrJobBusy) {
		return
	}
	w.requested(ctx, "source", err, func(context.Context, bool) error { return nil })
}

// learnDerived tells the model of what is derived by now. From when on it
// counts the index says: at the latest from the next block.
func (w *World) learnDerived(ctx context.Context) error {
	for page := (utxo.Page{Limit: utxo.MaxPage}); ; {
		list, next, err := w.process.index.Watches(ctx, utxo.WatchFilter{}, page)
		if err != nil {
			return err
		}
		for _, is := range list {
			if len(is.Origins) == 0 {
				continue
			}
			if is.Birth > w.node.top+1 {
				return fmt.Errorf("%w: derived script %x counts from %d, no chain had block %d", ErrBroken, is.Script, is.Birth, is.Birth-1)
			}
			w.model.watched[string(is.Script)] = &watch{birth: is.Birth, since: is.Birth, archived: is.Archived, derived: true}
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}
