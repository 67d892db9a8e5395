package utxo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// coinPages reads a list of coins by pages.
func (w *world) coinPages(q utxo.CoinQuery, limit int) (list []utxo.Coin) {
	for q.Cursor, q.Limit = "", limit; ; {
		page, next, err := w.x.Coins(context.Background(), q)
		w.must(err)
		list = append(list, page...)
		if len(page) > limit {
			w.tb.Fatalf("page of %d, limit %d", len(page), limit)
		}
		if q.Cursor = next; next == "" {
			return list
		}
	}
}

func (w *world) eventPages(q utxo.HistoryQuery, limit int) (list []utxo.Event) {
	for q.Cursor, q.Limit = "", limit; ; {
		page, next, err := w.x.History(context.Background(), q)
		w.must(err)
		list = append(list, page...)
		if len(page) > limit {
			w.tb.Fatalf("page of %d, limit %d", len(page), limit)
		}
		if q.Cursor = next; next == "" {
			return list
		}
	}
}

// checkFilters holds filtered lists, by small pages, to the whole list filtered
// here: one of several queries at a time.
func (w *world) checkFilters() {
	tip := w.m.next() - 1
	var s []byte
	for _, known := range [][]byte{script(0), script(1), script(2), script(3)} {
		if w.m.watched[string(known)] != nil && w.salt%3 > 0 {
			s = known
		}
	}
	all := w.coinPages(utxo.CoinQuery{Script: s}, utxo.MaxPage)
	confirmations := func(c utxo.Coin) coins.Height {
		if !c.Confirmed {
			return 0
		}
		return tip - c.Block.Height + 1
	}
	few := coins.Height(w.salt % 5)
	for _, c := range []struct {
		q    utxo.CoinQuery
		pass func(utxo.Coin) bool
	}{
		{utxo.CoinQuery{}, func(utxo.Coin) bool { return true }},
		{utxo.CoinQuery{Confirmed: true}, func(c utxo.Coin) bool { return c.Confirmed }},
		{utxo.CoinQuery{MinConfirmations: 2, MinValue: 100}, func(c utxo.Coin) bool { return confirmations(c) >= 2 && c.Value >= 100 }},
		{utxo.CoinQuery{MaxConfirmations: &few, MaxValue: 700}, func(c utxo.Coin) bool { return confirmations(c) <= few && c.Value <= 700 }},
		{utxo.CoinQuery{Coinbase: true}, func(c utxo.Coin) bool { return c.Coinbase }},
		{utxo.CoinQuery{Reserved: true}, func(c utxo.Coin) bool { return c.Reserved != nil }},
		{utxo.CoinQuery{Spendable: true}, func(c utxo.Coin) bool { return w.canReserve(c) }},
	} {
		var want []utxo.Coin
		for _, one := range all {
			if c.pass(one) {
				want = append(want, one)
			}
		}
		c.q.Script = s
		if got := w.coinPages(c.q, 2); !sameCoins(got, want) {
			w.tb.Fatalf("%+v:\n%v\nwant\n%v", c.q, got, want)
		}
	}
	w.checkHistories(s, tip)
}

func sameCoins(a, b []utxo.Coin) bool {
	return slices.EqualFunc(a, b, func(a, b utxo.Coin) bool { return a.OutPoint == b.OutPoint && a.Block == b.Block })
}

// canReserve says whether a coin could be reserved; coins of scripts that are
// scanned need the job, which the filter asks too.
func (w *world) canReserve(c utxo.Coin) bool {
	if c.SpentBy != (coins.TxID{}) || c.Reserved != nil {
		return false
	}
	r, err := w.x.Reserve(context.Background(), utxo.ReserveSpec{OutPoints: []coins.OutPoint{c.OutPoint}, Owner: "try"})
	if err == nil {
		_, err = w.x.Release(context.Background(), utxo.ReleaseSpec{Owner: "try", Token: r.Token})
		w.must(err)
		w.token = r.Token
		return true
	}
	return false
}

func (w *world) checkHistories(s []byte, tip coins.Height) {
	var all []utxo.Event
	if s != nil {
		all = w.eventPages(utxo.HistoryQuery{Script: s}, utxo.MaxPage)
	} else {
		for known := range w.m.watched {
			all = append(all, w.eventPages(utxo.HistoryQuery{Script: []byte(known)}, utxo.MaxPage)...)
		}
		if uint64(len(w.m.watched)) != w.x.WatchCount() {
			return
		}
	}
	from, to := coins.Height(testStart+w.salt%7), max(tip-1, 1)
	for _, q := range []utxo.HistoryQuery{{}, {Oldest: true}, {Kind: utxo.Spent}, {From: from, To: to}, {From: from, Oldest: true, Kind: utxo.Funded}, {To: to, Oldest: true}} {
		var want []string
		for _, e := range all {
			if (q.Kind == 0 || e.Kind == q.Kind) && (e.Unconfirmed || e.Block.Height >= q.From) && (q.To == 0 || !e.Unconfirmed && e.Block.Height <= q.To) {
				want = append(want, eventText(e))
			}
		}
		q.Script = s
		var got []string
		for _, e := range w.eventPages(q, 3) {
			got = append(got, eventText(e))
		}
		order := slices.Clone(got)
		if q.Oldest {
			slices.Reverse(order)
		}
		if s == nil { // the others' order is not that of all together
			if !slices.IsSortedFunc(order, func(a, b string) int { return -bytes.Compare([]byte(a[:9]), []byte(b[:9])) }) {
				w.tb.Fatalf("%+v is out of order: %v", q, got)
			}
			slices.Sort(order)
			slices.Sort(want)
		}
		if !slices.Equal(order, want) {
			w.tb.Fatalf("%+v:\n%v\nwant\n%v", q, got, want)
		}
	}
}

// eventText sorts as a history does, by its first nine characters.
func eventText(e utxo.Event) string {
	height := e.Block.Height
	if e.Unconfirmed {
		height = 9999
	}
	return fmt.Sprintf("%04d/%04d %x %d %d %s %s %d", height, e.Index, e.Script, e.Kind, e.N, e.TxID, e.OutPoint, int64(e.Value))
}

// TestCursors refuses cursors that are malformed or of another query.
func TestCursors(t *testing.T) {
	p := newTill(t)
	for n := range 4 {
		p.block(funding(uint32(n)))
	}
	ctx := t.Context()
	_, next, err := p.x.Coins(ctx, utxo.CoinQuery{Script: script(0), Page: utxo.Page{Limit: 2}})
	p.must(err)
	_, other, err := p.x.History(ctx, utxo.HistoryQuery{Script: script(0), Page: utxo.Page{Limit: 2}})
	p.must(err)
	if next == "" || other == "" {
		t.Fatal("no second page")
	}
	for name, q := range map[string]utxo.CoinQuery{
		"garbage":              {Script: script(0), Page: utxo.Page{Cursor: "zz!"}},
		"cut short":            {Script: script(0), Page: utxo.Page{Cursor: next[:len(next)-1]}},
		"of another script":    {Script: script(1), Page: utxo.Page{Cursor: next}},
		"of all":               {Page: utxo.Page{Cursor: next}},
		"of another filter":    {Script: script(0), MinValue: 1, Page: utxo.Page{Cursor: next}},
		"of the history":       {Script: script(0), Page: utxo.Page{Cursor: other}},
		"endless":              {Script: script(0), Page: utxo.Page{Cursor: string(bytes.Repeat([]byte("A"), 1<<20))}},
		"of another beginning": {Script: script(0), Page: utxo.Page{Cursor: "A" + next[1:]}},
	} {
		if _, _, err := p.x.Coins(ctx, q); !errors.Is(err, utxo.ErrCursor) {
			t.Errorf("a cursor %s: %v", name, err)
		}
	}
	p.block() // does not disturb it
	list, _, err := p.x.Coins(ctx, utxo.CoinQuery{Script: script(0), Page: utxo.Page{Limit: 2, Cursor: next}})
	if err != nil || len(list) != 2 {
		t.Errorf("%d coins on the second page: %v", len(list), err)
	}
	p.must(p.x.Reset(ctx))
	if _, _, err := p.x.Coins(ctx, utxo.CoinQuery{Script: script(0), Page: utxo.Page{Cursor: next}}); !errors.Is(err, utxo.ErrCursor) {
		t.Errorf("a cursor of the index before its rebuild: %v", err)
	}
}
