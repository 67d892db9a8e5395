package whole_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
	"coffer.example/coffer/utxo/whole"
)

// modelCoin is an output that can be spent.
type modelCoin struct {
	at     wire.OutPoint
	script string
	value  int64
	height coins.Height
	place  int
}

// model is the index thought up again in the plainest way: computed from the
// chain, from nothing.
type model struct {
	coins    map[wire.OutPoint]modelCoin
	events   map[string][]string // oldest first
	balance  map[string]int64
	immature map[string]int64
	received map[string]int
	tip      *testBlock
}

func compute(chain []*testBlock) *model {
	m := &model{coins: map[wire.OutPoint]modelCoin{}, events: map[string][]string{}, balance: map[string]int64{},
		immature: map[string]int64{}, received: map[string]int{}, tip: chain[len(chain)-1]}
	for _, b := range chain[1:] {
		for i, tx := range b.msg.Transactions {
			for n, in := range tx.TxIn {
				if c, found := m.coins[in.PreviousOutPoint]; found {
					m.spend(b, i, n, tx, c)
				}
			}
			for n := range tx.TxOut {
				if c, found := m.coins[outPoint(tx, uint32(n))]; found { // a coinbase of the same id
					m.spend(b, i, n, tx, c)
				}
			}
			for n, out := range tx.TxOut {
				if !coins.Unspendable(out.PkScript) {
					m.fund(b, i, tx, n)
				}
			}
		}
	}
	for _, c := range m.coins {
		if c.place == 0 && m.tip.height+1 < c.height+100 {
			m.immature[c.script] += c.value
		}
	}
	return m
}

func (m *model) fund(b *testBlock, i int, tx *wire.MsgTx, n int) {
	out, at := tx.TxOut[n], outPoint(tx, uint32(n))
	s := string(out.PkScript)
	m.coins[at] = modelCoin{at, s, out.Value, b.height, i}
	m.balance[s] += out.Value
	m.received[s]++
	m.events[s] = append(m.events[s], fmt.Sprintf("%s %d funded %d %s:%d %d", b.id(), i, n, tx.TxHash(), n, out.Value))
}

func (m *model) spend(b *testBlock, i, n int, tx *wire.MsgTx, c modelCoin) {
	delete(m.coins, c.at)
	m.balance[c.script] -= c.value
	m.events[c.script] = append(m.events[c.script], fmt.Sprintf("%s %d spent %d %s %d", b.id(), i, n, c.at, c.value))
}

func unspent(chain []*testBlock) []wire.OutPoint {
	list := slices.Collect(maps.Keys(compute(chain).coins))
	slices.SortFunc(list, func(a, b wire.OutPoint) int { return cmp.Compare(a.String(), b.String()) })
	return list
}

// compare holds the index to the model for every script, and one that is in no
// block.
func (m *model) compare(ctx context.Context, x *whole.Index) error {
	scripts := slices.Sorted(maps.Keys(m.events))
	for _, s := range append(scripts, string(testScript(1_000_000))) {
		if err := m.compareScript(ctx, x, s); err != nil {
			return fmt.Errorf("script %x: %w", s, err)
		}
	}
	return nil
}

func (m *model) compareScript(ctx context.Context, x *whole.Index, s string) error {
	balance, tip, err := x.Balance(ctx, []byte(s))
	if err != nil {
		return err
	}
	if tip != m.tip.id() {
		return fmt.Errorf("tip %s, want %s", tip, m.tip.id())
	}
	var want []string
	for _, c := range m.coins {
		if c.script == s {
			want = append(want, fmt.Sprintf("%08d/%05d %s %d", c.height, c.place, c.at, c.value))
		}
	}
	slices.Sort(want)
	wantBalance := utxo.Balance{Confirmed: coins.TotalOf(coins.Amount(m.balance[s])), Immature: coins.TotalOf(coins.Amount(m.immature[s])),
		Total: coins.TotalOf(coins.Amount(m.balance[s])), Coins: uint64(len(want)), Received: uint64(m.received[s])}
	if balance != wantBalance {
		return fmt.Errorf("balance %+v, want %+v", balance, wantBalance)
	}
	got, err := allCoins(ctx, x, []byte(s))
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("coins %v, want %v", got, want)
	}
	events, err := allEvents(ctx, x, []byte(s))
	if err != nil {
		return err
	}
	if !slices.Equal(events, m.events[s]) {
		return fmt.Errorf("history\n%v, want\n%v", events, m.events[s])
	}
	return nil
}

func allCoins(ctx context.Context, x *whole.Index, script []byte) (list []string, err error) {
	page := utxo.Page{Limit: 17}
	for {
		found, next, err := x.Coins(ctx, script, page)
		if err != nil {
			return nil, err
		}
		if next != "" && len(found) != page.Limit {
			return nil, fmt.Errorf("a page of %d before the last", len(found))
		}
		for _, c := range found {
			list = append(list, fmt.Sprintf("%08d/%05d %s %d", c.Block.Height, c.Index, c.OutPoint, int64(c.Value)))
		}
		if page.Cursor = next; next == "" {
			ordered := slices.IsSortedFunc(list, func(a, b string) int { return cmp.Compare(a[:14], b[:14]) })
			if !ordered {
				return nil, fmt.Errorf("coins out of order: %v", list)
			}
			slices.Sort(list)
			return list, nil
		}
	}
}

func allEvents(ctx context.Context, x *whole.Index, script []byte) (list []string, err error) {
	page := utxo.Page{Limit: 23}
	for {
		found, next, err := x.History(ctx, script, page)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			kind := map[utxo.EventKind]string{utxo.Funded: "funded", utxo.Spent: "spent"}[e.Kind]
			list = append(list, fmt.Sprintf("%s %d %s %d %s %d", e.Block, e.Index, kind, e.N, e.OutPoint, int64(e.Value)))
		}
		if page.Cursor = next; next == "" {
			slices.Reverse(list)
			return list, nil
		}
	}
}
