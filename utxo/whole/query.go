package whole

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// query reads one moment of what is durable.
func (x *Index) query(ctx context.Context, read func(*snapshot) error) error {
	return x.store.View(ctx, func(r utxo.Reader) error {
		st, err := readState(r)
		if err != nil {
			return err
		}
		return read(&snapshot{r: r, st: &st})
	})
}

// Stats are counts of what the index holds.
type Stats struct {
	Tip    coins.BlockID `json:"tip"`
	HasTip bool          `json:"has_tip"`
	// Transactions, Funded and Spent count those of the chain, outputs that
	// nothing can spend left out; Coins are those not spent, worth Total.
	Transactions uint64      `json:"transactions"`
	Funded       uint64      `json:"funded"`
	Spent        uint64      `json:"spent"`
	Coins        uint64      `json:"coins"`
	Total        coins.Total `json:"total"`
	// Runs are looked into for every query.
	Runs int `json:"runs"`
}

// Stats returns counts of what is durable; none is counted row by row.
func (x *Index) Stats(ctx context.Context) (stats Stats, err error) {
	err = x.query(ctx, func(s *snapshot) error {
		st := s.st
		stats = Stats{Tip: st.tip, HasTip: st.hasTip, Transactions: st.txs, Funded: st.sum.funded, Spent: st.sum.spent,
			Coins: st.sum.funded - st.sum.spent, Total: st.sum.total, Runs: len(st.runs)}
		return nil
	})
	return stats, err
}

// key returns the key of a script.
func (x *Index) key(script []byte) scriptKey {
	key, _ := keyOf(slices.Clone(x.self.salt[:]), script)
	return key
}

// holding is what one run has of a script.
type holding struct {
	run *run
	group
	// dead are events of disconnected blocks, the newest first, where the group
	// has pages; else they are left out already.
	dead []event
}

// holdings returns what the runs have of a script, in the order of their
// blocks; none where the chain has nothing of it.
func (s *snapshot) holdings(key scriptKey, script []byte) (list []holding, err error) {
	for i := range s.st.runs {
		h := holding{run: &s.st.runs[i]}
		g, found, err := s.group(h.run, key)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		h.group = g
		if g.pages {
			if h.dead, err = s.dead(h.run, key); err != nil {
				return nil, err
			}
			for j := range h.dead {
				h.sum.take(&h.dead[j])
			}
		} else {
			h.events = slices.DeleteFunc(h.events, func(e event) bool { return !h.run.counts(e.num.height()) })
			for j := range h.events {
				h.sum.add(&h.events[j])
			}
		}
		if h.sum.funded+h.sum.spent > 0 {
			list = append(list, h)
		}
	}
	if len(list) > 0 && script != nil {
		same, err := s.isScript(&list[0], script)
		if err != nil || !same {
			return nil, err
		}
	}
	return list, nil
}

// isScript compares a script with the one that an event's output has: two
// scripts may have the same key, if only once in 2^96.
func (s *snapshot) isScript(h *holding, script []byte) (bool, error) {
	var first coinRef
	if h.pages {
		err := s.pages(h.run, h.key, nil, false, func(events []event) error {
			first = events[0].coin
			return utxo.ErrStop
		})
		if err != nil {
			return false, err
		}
	} else {
		first = h.events[0].coin
	}
	out, _, err := s.output(first)
	return err == nil && bytes.Equal(out.script.bytes(), script), err
}

// Balance returns what a script holds in blocks; of a script that the chain
// does not have, nothing. The work does not grow with its history. Unconfirmed
// transactions are not in it: Incoming and Outgoing are zero.
func (x *Index) Balance(ctx context.Context, script []byte) (balance utxo.Balance, tip coins.BlockID, err error) {
	err = x.query(ctx, func(s *snapshot) error {
		tip = s.st.tip
		list, err := s.holdings(x.key(script), script)
		if err != nil {
			return err
		}
		var all sum
		for i := range list {
			all.plus(list[i].sum)
			if !list[i].sum.generated {
				continue
			}
			immature, err := x.immature(s, &list[i])
			if err != nil {
				return err
			}
			balance.Immature = balance.Immature.Plus(immature)
		}
		balance.Confirmed, balance.Total = all.total, all.total
		balance.Coins, balance.Received = all.funded-all.spent, all.funded
		return nil
	})
	return balance, tip, err
}

// immature sums what was received too lately to be spent.
func (x *Index) immature(s *snapshot, h *holding) (total coins.Total, err error) {
	chain := &x.coin.Params().Chain
	window := max(0, s.st.tip.Height+1-chain.MaturityMax())
	add := func(events []event) error {
		for i := range events {
			switch e := &events[i]; {
			case !h.run.counts(e.num.height()), x.mature(s.st.tip.Height, e):
			case e.flags&flagSpent == 0:
				total = total.Add(e.value)
			default: // a coinbase that another of the same id has replaced
				total = total.Sub(e.value)
			}
		}
		if events[0].num.height() < window {
			return utxo.ErrStop
		}
		return nil
	}
	if h.run.to < window {
		return total, nil
	}
	if h.pages {
		return total, s.maturing(h.run, h.key, add)
	}
	if err = add(h.events); errors.Is(err, utxo.ErrStop) {
		err = nil
	}
	return total, err
}

// mature says whether consensus lets an event's coin be spent in the next block.
func (x *Index) mature(tip coins.Height, e *event) bool {
	chain, wait := &x.coin.Params().Chain, coins.Height(0)
	if e.flags&flagCoinbase != 0 {
		wait = chain.MaturityOf(e.coin.num.height())
	}
	if e.flags&flagPegOut != 0 {
		wait = max(wait, chain.PegOutMaturity)
	}
	return int64(tip)+1 >= int64(e.coin.num.height())+int64(wait)
}

// Output returns an output by its outpoint, and false where the chain has none
// that can be spent. Whether it was spent is not looked at.
func (x *Index) Output(ctx context.Context, at coins.OutPoint) (c utxo.Coin, found bool, err error) {
	err = x.query(ctx, func(s *snapshot) error {
		num, known, err := s.find(at.TxID)
		if err != nil || !known {
			return err
		}
		ref := coinRef{num, at.Vout}
		out, ok, err := s.output(ref)
		if err != nil || !ok {
			return err
		}
		found = true
		entry := liveEntry{ref: ref, flags: out.flags, value: out.value}
		c, err = newLookup(s).coin(entry, out.script.bytes())
		return err
	})
	return c, found, err
}
