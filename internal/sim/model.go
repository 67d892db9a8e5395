package sim

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// model is the index thought up again in the plainest way: a list of blocks
// and of watched scripts; every answer is computed from nothing.
type model struct {
	params *coins.Params
	start  coins.Height
	// tip is the last block applied, nil before the first; durable is one that a
	// crash cannot lose.
	tip, durable *block
	watched      map[string]*watch
	// leases are the reservations, reserved what they make of balances by script.
	leases   map[utxo.Token]*lease
	reserved map[string]coins.Total
	maxReorg coins.Height
}

// watch is a watched script.
type watch struct {
	birth, since coins.Height
	// live are the blocks connected while the script was watched.
	live map[coins.BlockHash]bool
	// archived is kept with it; derived says that the source names it.
	archived, derived bool
}

// next is the height above the tip.
func (m *model) next() coins.Height {
	if m.tip == nil {
		return m.start
	}
	return m.tip.id.Height + 1
}

func (m *model) connect(b *block) {
	m.tip = b
	for _, w := range m.watched {
		if !w.derived {
			w.live[b.id.Hash] = true
		}
	}
	m.moved()
}

func (m *model) disconnect() {
	if m.tip = m.tip.parent; m.tip.id.Height < m.start {
		m.tip = nil
	}
	m.moved()
}

// returned notes where the index stands after a failure: at a whole block,
// between the last durable one and the last applied.
func (m *model) returned(tip coins.BlockID, has bool) error {
	if !has {
		if m.durable != nil {
			return fmt.Errorf("%w: the index lost its durable block %s", ErrBroken, m.durable.id)
		}
		m.tip = nil
		return nil
	}
	at := m.tip
	for at != nil && at.id != tip {
		at = at.parent
	}
	if at == nil || (m.durable != nil && !m.durable.on(at)) {
		return fmt.Errorf("%w: the index stands at %s, which is not between its durable block and the last applied", ErrBroken, tip)
	}
	m.tip = at
	m.moved()
	return nil
}

func (w *watch) accepts(b *block) bool {
	return b.id.Height >= w.birth || (b.id.Height < w.since && w.live[b.id.Hash])
}

// modelCoin is an output of a watched script.
type modelCoin struct {
	at       coins.OutPoint
	script   string
	value    coins.Amount
	block    *block
	coinbase bool
}

// answer is what the model says of every script.
type answer struct {
	coins    map[coins.OutPoint]modelCoin
	events   map[string][]string // oldest first
	received map[string]uint64
}

// compute walks the whole chain.
func (m *model) compute() *answer {
	a := &answer{coins: map[coins.OutPoint]modelCoin{}, events: map[string][]string{}, received: map[string]uint64{}}
	if m.tip == nil {
		return a
	}
	for _, b := range m.tip.path()[1:] {
		for i, t := range b.txs {
			for n, in := range t.ins {
				if c, found := a.coins[in]; found {
					a.take(b, i, n, c)
				}
			}
			for n, out := range t.outs {
				at := t.outPoint(n)
				w := m.watched[out.script]
				if w == nil || !w.accepts(b) {
					continue
				}
				if c, found := a.coins[at]; found { // a coinbase of the same id
					a.take(b, i, n, c)
				}
				a.coins[at] = modelCoin{at, out.script, out.value, b, len(t.ins) == 0}
				a.received[out.script]++
				a.events[out.script] = append(a.events[out.script],
					fmt.Sprintf("%s/%d funded %d %s %d", b.id, i, n, at, out.value))
			}
		}
	}
	return a
}

func (a *answer) take(b *block, i, n int, c modelCoin) {
	delete(a.coins, c.at)
	a.events[c.script] = append(a.events[c.script], fmt.Sprintf("%s/%d spent %d %s %d", b.id, i, n, c.at, c.value))
}

// of returns a script's coins, as lines, and its balance in blocks.
func (a *answer) of(m *model, script string) (lines []string, b utxo.Balance) {
	b.Received = a.received[script]
	for _, c := range a.coins {
		if c.script != script {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %d %s", c.at, c.value, c.block.id))
		b.Confirmed = b.Confirmed.Add(c.value)
		b.Coins++
		if c.coinbase && m.tip.id.Height+1 < c.block.id.Height+m.params.Chain.MaturityOf(c.block.id.Height) {
			b.Immature = b.Immature.Add(c.value)
		}
	}
	slices.Sort(lines)
	return lines, b
}

// unconfirmed sums what a mempool brings to a script and takes from it.
func (a *answer) unconfirmed(pool []*tx, script string, b *utxo.Balance) {
	made := map[coins.OutPoint]output{}
	for _, t := range pool {
		for n, out := range t.outs {
			if out.script == script {
				b.Incoming = b.Incoming.Add(out.value)
			}
			made[t.outPoint(n)] = out
		}
	}
	for _, t := range pool {
		for _, in := range t.ins {
			if c, found := a.coins[in]; found && c.script == script {
				b.Outgoing = b.Outgoing.Add(c.value)
			} else if out := made[in]; out.script == script {
				b.Outgoing = b.Outgoing.Add(out.value)
			}
		}
	}
}

// compare holds the index to the model for every script that says it is
// complete, all of them where they must be, and to the mempool.
func (m *model) compare(ctx context.Context, x *utxo.Index, all bool, pool []*tx) error {
	want := m.compute()
	for _, script := range slices.Sorted(maps.Keys(m.watched)) {
		w, found, err := x.Watched(ctx, []byte(script))
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("%w: script %x is not watched any more", ErrBroken, script)
		case w.State != utxo.Live && all:
			return fmt.Errorf("%w: script %x is still scanned by job %d", ErrBroken, script, w.Job)
		case w.Archived != m.watched[script].archived:
			return fmt.Errorf("%w: script %x is archived: %v", ErrBroken, script, w.Archived)
		case w.State != utxo.Live:
			continue
		}
		if err := m.compareScript(ctx, x, script, want); err != nil {
			return err
		}
		if err := m.compareBalance(ctx, x, script, want, pool); err != nil {
			return err
		}
	}
	if n := x.WatchCount(); n != uint64(len(m.watched)) {
		return fmt.Errorf("%w: %d scripts are watched, the index counts %d", ErrBroken, len(m.watched), n)
	}
	return nil
}

func (m *model) compareScript(ctx context.Context, x *utxo.Index, script string, want *answer) error {
	lines, sum := want.of(m, script)
	balance, err := x.Balance(ctx, []byte(script))
	if err != nil {
		return err
	}
	if balance.Confirmed != sum.Confirmed || balance.Immature != sum.Immature || balance.Coins != sum.Coins || balance.Received != sum.Received {
		return fmt.Errorf("%w: script %x has balance %+v, want %+v", ErrBroken, script, balance, sum)
	}
	got, err := coinsOf(ctx, x, script)
	if err != nil {
		return err
	}
	if !slices.Equal(got, lines) {
		return fmt.Errorf("%w: script %x has coins\n%s\nwant\n%s", ErrBroken, script, listed(got), listed(lines))
	}
	events, err := eventsOf(ctx, x, script)
	if err != nil {
		return err
	}
	if !slices.Equal(events, want.events[script]) {
		return fmt.Errorf("%w: script %x has history\n%s\nwant\n%s", ErrBroken, script, listed(events), listed(want.events[script]))
	}
	return nil
}

func (m *model) compareBalance(ctx context.Context, x *utxo.Index, script string, want *answer, pool []*tx) error {
	_, sum := want.of(m, script)
	want.unconfirmed(pool, script, &sum)
	sum.Reserved = m.reserved[script]
	sum.Total = sum.Confirmed.Plus(sum.Incoming).Minus(sum.Outgoing)
	balance, err := x.Balance(ctx, []byte(script))
	if err == nil && balance != sum {
		err = fmt.Errorf("%w: script %x has balance %+v, want %+v", ErrBroken, script, balance, sum)
	}
	return err
}

func listed(lines []string) string {
	if len(lines) == 0 {
		return "  (none)"
	}
	return "  " + strings.Join(lines, "\n  ")
}

// coinsOf lists a script's confirmed coins by small pages, sorted.
func coinsOf(ctx context.Context, x *utxo.Index, script string) (list []string, err error) {
	q := utxo.CoinQuery{Script: []byte(script), Confirmed: true, Page: utxo.Page{Limit: 5}}
	for {
		page, next, err := x.Coins(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			list = append(list, fmt.Sprintf("%s %d %s", c.OutPoint, int64(c.Value), c.Block))
		}
		if q.Cursor = next; next == "" {
			slices.Sort(list)
			return list, nil
		}
	}
}

// eventsOf lists a script's confirmed history by small pages, oldest first.
func eventsOf(ctx context.Context, x *utxo.Index, script string) (list []string, err error) {
	q := utxo.HistoryQuery{Script: []byte(script), Page: utxo.Page{Limit: 7}}
	for {
		page, next, err := x.History(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			kind := cmp.Or(map[utxo.EventKind]string{utxo.Funded: "funded", utxo.Spent: "spent"}[e.Kind], "?")
			if !e.Unconfirmed {
				list = append(list, fmt.Sprintf("%s/%d %s %d %s %d", e.Block, e.Index, kind, e.N, e.OutPoint, int64(e.Value)))
			}
		}
		if q.Cursor = next; next == "" {
			slices.Reverse(list)
			return list, nil
		}
	}
}
