package utxo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// Disconnect takes the tip block away with everything that came from it,
// whoever wrote it. It fails with [coins.ErrReorgDepth] where no undo is kept.
func (x *Index) Disconnect(ctx context.Context, tip coins.BlockID) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.usable(); err != nil {
		return err
	}
	st := &x.w.applied
	if !st.hasTip || st.tip != tip {
		return fmt.Errorf("disconnect block %s, the tip is %s: %w", tip, st.tip, coins.ErrNotNext)
	}
	if tip.Height < st.undoFrom {
		return fmt.Errorf("disconnect block %s, undo is kept from height %d: %w", tip, st.undoFrom, coins.ErrReorgDepth)
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	err := x.write(ctx, false, func(s *step) error { return x.disconnect(s, tip) })
	if err != nil {
		return fmt.Errorf("disconnect block %s: %w", tip, err)
	}
	return nil
}

func (x *Index) disconnect(s *step, tip coins.BlockID) error {
	facts, err := s.facts(tip.Height)
	if err != nil {
		return err
	}
	s.ids[tip.Height] = tip
	var changes []Change
	for _, f := range slices.Backward(facts) {
		if changes, err = x.undo(s, tip, f, changes); err != nil {
			return err
		}
	}
	for _, f := range slices.Backward(facts) {
		if err := s.dropTx(numberOf(tip.Height, f.tx), 1); err != nil {
			return err
		}
	}
	header, found, err := s.header(tip.Height)
	if err != nil || !found {
		return errors.Join(err, fmt.Errorf("header of the tip is missing: %w", ErrCorrupt))
	}
	s.del(keyHeight(tableHeader, tip.Height))
	s.del(keyHeight(tableUndo, tip.Height))
	s.state.tip = coins.BlockID{Height: tip.Height - 1, Hash: header.Prev()}
	if s.state.hasTip = tip.Height > x.self.start; !s.state.hasTip {
		s.state.tip = coins.BlockID{}
	}
	s.log(&record{kind: recordDisconnect, block: tip, changes: changes})
	if err := x.seeSpenders(s); err != nil {
		return err
	}
	if err := s.stepSourcesBack(tip.Height); err != nil {
		return err
	}
	return x.stepJobsBack(s, tip.Height)
}

// facts returns what is stored of a block, without scripts unwatched since.
func (s *step) facts(height coins.Height) ([]fact, error) {
	value, found, err := s.get(keyHeight(tableUndo, height))
	if err != nil || !found {
		return nil, err
	}
	facts, err := decodeFacts(height, value)
	if err != nil {
		return nil, err
	}
	kept := facts[:0]
	for _, f := range facts {
		w, err := s.watch(f.script)
		if err != nil {
			return nil, err
		}
		if w != nil {
			kept = append(kept, f)
		}
	}
	return kept, nil
}

// untold names a change of the tip block that a job keeps back from the log.
type untold struct {
	kind ChangeKind
	at   coins.OutPoint
}

// waits says whether a change of the tip block waits for the end of a job. What
// an earlier job has told of does not.
func (s *step) waits(height coins.Height, u untold) (bool, error) {
	if s.untold != nil {
		return s.untold[u], nil
	}
	s.untold = map[untold]bool{}
	err := s.eachJob(func(j *jobRow) error {
		changes, err := s.keptOf(j.ID, height)
		for i := range changes {
			s.untold[untold{changes[i].Kind, changes[i].Coin.OutPoint}] = true
		}
		return err
	})
	return s.untold[u], err
}

// undo takes one fact of the tip block back. What a job found and has not
// logged yet leaves no trace in the log.
func (x *Index) undo(s *step, tip coins.BlockID, f fact, changes []Change) ([]Change, error) {
	txid, err := s.txID(numberOf(tip.Height, f.tx))
	if err != nil {
		return nil, err
	}
	coinID := txid
	if f.coin.num != numberOf(tip.Height, f.tx) {
		if coinID, err = s.txID(f.coin.num); err != nil {
			return nil, err
		}
	}
	c, err := s.coin(f.coin, f.coinRow, coinID)
	if err != nil {
		return nil, err
	}
	change := Change{Kind: CoinRemoved, TxID: txid, Coin: c}
	was := CoinCreated
	if f.kind == Spent {
		was, change.Kind = CoinSpent, CoinRestored
		s.appeared(x, c, f.script)
	} else {
		s.disappeared(x, c, f.script)
	}
	waits, err := s.waits(tip.Height, untold{was, c.OutPoint})
	if err != nil {
		return nil, err
	}
	if !waits {
		changes = append(changes, change)
	}
	return changes, s.unapply(tip.Height, f)
}
