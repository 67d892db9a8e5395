package utxo_test

import (
	"context"
	"fmt"
	"maps"

	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// advance tells the index how far the log has been followed: what is before
// may go, and nothing after.
func (w *world) advance(*rapid.T) {
	w.follow()
	w.must(w.x.AdvanceCursor(context.Background(), utxo.Cursor{Name: "model", Index: w.x.ID(), Seq: w.seq}))
}

// told names a coin that the log tells of: by its block too, for coinbases of
// the same id.
type told struct {
	at     coins.OutPoint
	height coins.Height
}

// follow reads the log on and keeps the set of coins it tells of.
func (w *world) follow() {
	for w.seq < w.x.LastSeq() {
		changes, err := w.x.Changes(context.Background(), w.seq, 3)
		w.must(err)
		for _, c := range changes {
			if c.Seq != w.seq+1 {
				w.tb.Fatalf("change %d after %d", c.Seq, w.seq)
			}
			w.seq = c.Seq
			w.must(w.take(c))
		}
	}
}

func (w *world) take(c utxo.Change) error {
	if _, there := w.fold[told{c.Coin.OutPoint, c.Coin.Block.Height}]; c.Kind == utxo.TxSeen && c.Coin.Confirmed && !there {
		return fmt.Errorf("change %d: %s is seen to spend coin %s, which the log does not tell of", c.Seq, c.TxID, c.Coin.OutPoint)
	}
	if c.Kind != utxo.CoinCreated && c.Kind != utxo.CoinSpent && c.Kind != utxo.CoinRemoved && c.Kind != utxo.CoinRestored {
		return nil
	}
	if w.gone[string(c.Coin.Script)] {
		return fmt.Errorf("change %d of kind %d tells of coin %s, of which the script was unwatched", c.Seq, c.Kind, c.Coin.OutPoint)
	}
	if mw := w.m.watched[string(c.Coin.Script)]; c.Historical && mw != nil && !mw.told {
		return fmt.Errorf("change %d tells of what a job has found, coin %s, and none of the script's jobs has ended", c.Seq, c.Coin.OutPoint)
	}
	comes := c.Kind == utxo.CoinCreated || c.Kind == utxo.CoinRestored
	key := told{c.Coin.OutPoint, c.Coin.Block.Height}
	_, there := w.fold[key]
	if there == comes {
		return fmt.Errorf("change %d of kind %d: coin %s is there: %v", c.Seq, c.Kind, c.Coin.OutPoint, there)
	}
	if comes {
		w.fold[key] = string(c.Coin.Script)
	} else {
		delete(w.fold, key)
	}
	return nil
}

// left forgets a script that was unwatched, where the log ends: it must not
// tell of it from then on.
func (w *world) left(s string) {
	w.follow()
	delete(w.m.watched, s)
	maps.DeleteFunc(w.fold, func(_ told, script string) bool { return script == s })
	w.gone[s] = true
}

// back says that the log may tell of a script again.
func (w *world) back(script []byte) {
	w.follow()
	delete(w.gone, string(script))
}
