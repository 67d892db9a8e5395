package utxo_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// model is the index thought up again in the plainest way: a list of blocks
// and of watched scripts; every answer is computed from nothing.
type model struct {
	chain   []*testBlock
	start   coins.Height
	watched map[string]*modelWatch
	pool    []*wire.MsgTx
	leases  map[utxo.Token]*modelLease
}

type modelWatch struct {
	birth, since coins.Height
	// live are the blocks connected while the script was watched.
	live map[coins.BlockHash]bool
	// done says that none of its jobs reads its past, told that one has ended
	// and so the log may tell of the past.
	done, told bool
	jobs       []utxo.JobID
}

// modelCoin is an output of a watched script.
type modelCoin struct {
	at     wire.OutPoint
	script string
	value  int64
	height coins.Height
}

// answer is what the model knows of all scripts.
type answer struct {
	coins  map[wire.OutPoint]modelCoin
	events map[string][]string // oldest first
	sum    map[string]int64
}

func newModel(start coins.Height) *model {
	return &model{start: start, watched: map[string]*modelWatch{}, leases: map[utxo.Token]*modelLease{}}
}

func (m *model) tip() *testBlock {
	if len(m.chain) == 0 {
		return nil
	}
	return m.chain[len(m.chain)-1]
}

// next is the height above the tip.
func (m *model) next() coins.Height {
	if tip := m.tip(); tip != nil {
		return tip.height + 1
	}
	return m.start
}

func (m *model) connect(b *testBlock) {
	m.chain = append(m.chain, b)
	for _, l := range m.leases {
		for _, h := range l.coins {
			h.may = h.may || h.away && h.since <= b.height-testReorg
		}
	}
	for _, w := range m.watched {
		w.live[b.id().Hash] = true
	}
	in := map[string]bool{}
	spent := map[wire.OutPoint]bool{}
	for _, tx := range b.msg.Transactions {
		in[tx.TxHash().String()] = true
		for _, i := range tx.TxIn {
			spent[i.PreviousOutPoint] = true
		}
	}
	lost := map[string]bool{}
	for again := true; again; {
		again = false
		m.pool = slices.DeleteFunc(m.pool, func(tx *wire.MsgTx) bool {
			id := tx.TxHash()
			if in[id.String()] {
				return true
			}
			bad := slices.ContainsFunc(tx.TxIn, func(i *wire.TxIn) bool {
				return spent[i.PreviousOutPoint] || lost[i.PreviousOutPoint.Hash.String()]
			})
			if bad {
				lost[id.String()], again = true, true
			}
			return bad
		})
	}
}

func (m *model) disconnect() *testBlock {
	tip := m.tip()
	m.chain = m.chain[:len(m.chain)-1]
	return tip
}

func (w *modelWatch) accepts(b *testBlock) bool {
	return b.height >= w.birth || (b.height < w.since && w.live[b.id().Hash])
}

// compute walks the whole chain.
func (m *model) compute() answer { return m.computeTo(coins.MaxHeight) }

// computeTo walks the chain up to a height.
func (m *model) computeTo(height coins.Height) answer {
	a := answer{coins: map[wire.OutPoint]modelCoin{}, events: map[string][]string{}, sum: map[string]int64{}}
	for _, b := range m.chain {
		if b.height > height {
			break
		}
		for i, tx := range b.msg.Transactions {
			for n, in := range tx.TxIn {
				if c, found := a.coins[in.PreviousOutPoint]; found {
					a.take(b, i, n, tx, c)
				}
			}
			for n, out := range tx.TxOut {
				at := outPoint(tx, uint32(n))
				w := m.watched[string(out.PkScript)]
				if w == nil || !w.accepts(b) {
					continue
				}
				if c, found := a.coins[at]; found { // a coinbase of the same id
					a.take(b, i, n, tx, c)
				}
				a.coins[at] = modelCoin{at, string(out.PkScript), out.Value, b.height}
				a.sum[string(out.PkScript)] += out.Value
				a.events[string(out.PkScript)] = append(a.events[string(out.PkScript)],
					fmt.Sprintf("%d/%d funded %d %s %d", b.height, i, n, at, out.Value))
			}
		}
	}
	return a
}

func (a *answer) take(b *testBlock, i, n int, tx *wire.MsgTx, c modelCoin) {
	delete(a.coins, c.at)
	a.sum[c.script] -= c.value
	a.events[c.script] = append(a.events[c.script], fmt.Sprintf("%d/%d spent %d %s %d", b.height, i, n, c.at, c.value))
}

// compare holds the index to the model, for every script that is complete.
func (m *model) compare(ctx context.Context, x *utxo.Index) error {
	want := m.compute()
	for s, w := range m.watched {
		watch, found, err := x.Watched(ctx, []byte(s))
		if err != nil || !found {
			return fmt.Errorf("script %x: watched %v: %w", s, found, err)
		}
		if (watch.State == utxo.Live) != w.done {
			return fmt.Errorf("script %x: state %d, done %v", s, watch.State, w.done)
		}
		if !w.done {
			continue
		}
		if err := m.compareScript(ctx, x, s, &want); err != nil {
			return fmt.Errorf("script %x: %w", s, err)
		}
	}
	return nil
}

func (m *model) compareScript(ctx context.Context, x *utxo.Index, s string, want *answer) error {
	balance, err := x.Balance(ctx, []byte(s))
	if err != nil {
		return err
	}
	if got, ok := balance.Confirmed.Amount(); !ok || int64(got) != want.sum[s] {
		return fmt.Errorf("balance %s, want %d", balance.Confirmed, want.sum[s])
	}
	in, out := m.unconfirmed(s, want)
	if got, _ := balance.Incoming.Amount(); int64(got) != in {
		return fmt.Errorf("incoming %s, want %d", balance.Incoming, in)
	}
	if got, _ := balance.Outgoing.Amount(); int64(got) != out {
		return fmt.Errorf("outgoing %s, want %d", balance.Outgoing, out)
	}
	got, err := allCoins(ctx, x, []byte(s))
	if err != nil {
		return err
	}
	var coinsWant []string
	for _, c := range want.coins {
		if c.script == s {
			coinsWant = append(coinsWant, fmt.Sprintf("%s %d %d", c.at, c.value, c.height))
		}
	}
	slices.Sort(coinsWant)
	if !slices.Equal(got, coinsWant) {
		return fmt.Errorf("coins %v, want %v", got, coinsWant)
	}
	events, err := allEvents(ctx, x, []byte(s))
	if err != nil {
		return err
	}
	if !slices.Equal(events, want.events[s]) {
		return fmt.Errorf("history %v, want %v", events, want.events[s])
	}
	return nil
}

// unconfirmed sums what the pool brings to a script and takes from it.
func (m *model) unconfirmed(s string, a *answer) (in, out int64) {
	made := map[wire.OutPoint]*wire.TxOut{}
	for _, tx := range m.pool {
		for n, o := range tx.TxOut {
			if string(o.PkScript) == s {
				in += o.Value
			}
			made[outPoint(tx, uint32(n))] = o
		}
	}
	for _, tx := range m.pool {
		for _, i := range tx.TxIn {
			if c, found := a.coins[i.PreviousOutPoint]; found && c.script == s {
				out += c.value
			} else if o := made[i.PreviousOutPoint]; o != nil && string(o.PkScript) == s {
				out += o.Value
			}
		}
	}
	return in, out
}

// allCoins lists a script's confirmed coins by small pages, sorted.
func allCoins(ctx context.Context, x *utxo.Index, script []byte) (list []string, err error) {
	q := utxo.CoinQuery{Script: script, Page: utxo.Page{Limit: 3}}
	for {
		page, next, err := x.Coins(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if c.Confirmed && bytes.Equal(c.Script, script) {
				list = append(list, fmt.Sprintf("%s:%d %d %d", c.OutPoint.TxID, c.OutPoint.Vout, int64(c.Value), c.Block.Height))
			}
		}
		if q.Cursor = next; next == "" {
			slices.Sort(list)
			return list, nil
		}
	}
}

// allEvents lists a script's confirmed history by small pages, oldest first.
func allEvents(ctx context.Context, x *utxo.Index, script []byte) (list []string, err error) {
	q := utxo.HistoryQuery{Script: script, Page: utxo.Page{Limit: 3}}
	for {
		page, next, err := x.History(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			kind := cmp.Or(map[utxo.EventKind]string{utxo.Funded: "funded", utxo.Spent: "spent"}[e.Kind], "?")
			if !e.Unconfirmed {
				list = append(list, fmt.Sprintf("%d/%d %s %d %s:%d %d", e.Block.Height, e.Index, kind, e.N, e.OutPoint.TxID, e.OutPoint.Vout, int64(e.Value)))
			}
		}
		if q.Cursor = next; next == "" {
			slices.Reverse(list)
			return list, nil
		}
	}
}
