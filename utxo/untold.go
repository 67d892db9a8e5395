package utxo

import (
	"bytes"
	"cmp"
	"slices"

	"coffer.example/coffer/coins"
)

// The log tells of a spend in an unconfirmed transaction only while it tells of
// the coin: of a coin that a job keeps for its end it has not. When the job ends
// the spend is told behind the coin; where a reorg takes the coin before, the
// log has never heard of either.

// told leaves out the changes of coins that jobs have yet to tell of.
func (x *Index) told(s *step, changes []Change) (list []Change, err error) {
	for i := range changes {
		keeper, err := x.untoldBy(s, &changes[i].Coin)
		if err != nil {
			return nil, err
		}
		if keeper == 0 {
			list = append(list, changes[i])
		}
	}
	return list, nil
}

// untoldBy returns the job that has yet to tell of a coin, 0 where the log has
// told of it.
func (x *Index) untoldBy(s *step, c *Coin) (JobID, error) {
	if !c.Confirmed {
		return 0, nil
	}
	_, w, err := x.scriptIDIn(s, c.Script)
	if err != nil {
		return 0, err
	}
	keeper, err := s.keeper(w, c.Block.Height)
	if err != nil || keeper == nil {
		return 0, err
	}
	kept, err := s.keptOf(keeper.ID, c.Block.Height)
	untold := slices.ContainsFunc(kept, func(k Change) bool { return k.Kind == CoinCreated && k.Coin.OutPoint == c.OutPoint })
	if err != nil || !untold {
		return 0, err
	}
	return keeper.ID, nil
}

// untoldSpends returns what unconfirmed transactions spend of the coins that a
// job is about to tell of.
func (x *Index) untoldSpends(s *step, job JobID) (list []Change, err error) {
	waiting := slices.Concat(x.w.seen, s.seen) // of steps that are not stored yet
	for _, tx := range x.pool.touching {
		for _, c := range tx.spends {
			waiting = append(waiting, sighting{tx, c.Coin})
		}
	}
	there := map[coins.TxID]map[coins.OutPoint]bool{}
	for _, it := range waiting {
		if there[it.tx.id][it.coin.OutPoint] {
			continue
		}
		keeper, err := x.untoldBy(s, &it.coin)
		if err != nil {
			return nil, err
		}
		if keeper != job || keeper == 0 {
			continue
		}
		_, unspent, err := s.get(keyCoin(numberOf(it.coin.Block.Height, it.coin.Index), it.coin.OutPoint.Vout))
		if err != nil {
			return nil, err
		}
		if !unspent {
			continue
		}
		if there[it.tx.id] == nil {
			there[it.tx.id] = map[coins.OutPoint]bool{}
		}
		there[it.tx.id][it.coin.OutPoint] = true
		list = append(list, Change{Kind: TxSeen, TxID: it.tx.id, Coin: it.coin})
	}
	slices.SortFunc(list, func(a, b Change) int {
		return cmp.Or(bytes.Compare(a.TxID[:], b.TxID[:]), bytes.Compare(a.Coin.OutPoint.TxID[:], b.Coin.OutPoint.TxID[:]),
			cmp.Compare(a.Coin.OutPoint.Vout, b.Coin.OutPoint.Vout))
	})
	return list, nil
}
