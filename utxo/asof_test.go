package utxo_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// checkPast compares balances of the past with what the model makes of the
// chain as it was after some block.
func (w *world) checkPast() {
	ctx := context.Background()
	if uint64(len(w.m.watched)) != w.x.WatchCount() {
		return // the model does not follow this story
	}
	next := w.m.next()
	if height := testStart + coins.Height(w.salt)%max(next-testStart, 1); height < next {
		want := w.m.computeTo(height)
		done := true
		total := int64(0)
		for s, watch := range w.m.watched {
			total += want.sum[s]
			if done = done && watch.done; !watch.done {
				continue // until then it says less than it will
			}
			past, err := w.x.BalanceAt(ctx, []byte(s), height)
			w.must(err)
			unspent := uint64(0)
			for _, c := range want.coins {
				if c.script == s {
					unspent++
				}
			}
			if got, _ := past.Confirmed.Amount(); int64(got) != want.sum[s] || past.Coins != unspent || past.Block != w.m.chain[height-testStart].id() {
				w.tb.Fatalf("script %x after block %d: %+v, want %d in %d coins", s, height, past, want.sum[s], unspent)
			}
		}
		past, err := w.x.BalanceAt(ctx, nil, height)
		w.must(err)
		if got, _ := past.Confirmed.Amount(); done && (int64(got) != total || past.Coins != uint64(len(want.coins))) {
			w.tb.Fatalf("all scripts after block %d: %+v, want %d in %d coins", height, past, total, len(want.coins))
		}
	}
	if _, err := w.x.BalanceAt(ctx, nil, next); !errors.Is(err, utxo.ErrRange) {
		w.tb.Fatalf("a balance above the tip: %v", err)
	}
	w.checkImmature()
}

// checkImmature holds the two ways of adding up immature coins to each other
// and to the model, whose coinbases are all immature.
func (w *world) checkImmature() {
	ctx := context.Background()
	want := w.m.compute()
	byScript, model := coins.Total{}, int64(0)
	for s, watch := range w.m.watched {
		balance, err := w.x.Balance(ctx, []byte(s))
		w.must(err)
		byScript = byScript.Plus(balance.Immature)
		for at, c := range want.coins {
			if c.script != s {
				continue
			}
			if !watch.done {
				model = -1
			} else if w.immature(at, &want) && model >= 0 {
				model += c.value
			}
		}
		if !watch.done {
			model = -1 << 40
		}
	}
	balance, err := w.x.TotalBalance(ctx)
	w.must(err)
	if got, _ := balance.Immature.Amount(); balance.Immature != byScript || model >= 0 && int64(got) != model {
		w.tb.Fatalf("%s immature of all, %s of each, want %d", balance.Immature, byScript, model)
	}
}

// TestHeightAt finds the last block not after a time, among headers of which
// the times go backwards as far as consensus allows.
func TestHeightAt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		defer func() { w.must(w.x.Close()) }()
		base := int64(1_700_000_000)
		var times []int64
		for n := range rapid.IntRange(1, 60).Draw(rt, "blocks") {
			earliest := base
			if n > 0 {
				last := slices.Sorted(slices.Values(times[max(0, n-11):]))
				earliest = last[len(last)/2] + 1
			}
			times = append(times, earliest+int64(rapid.IntRange(0, 7200).Draw(rt, "later")))
			b := newBlock(w.m.tip(), testStart, uint32(n), coinbaseTx(uint32(n), pay(0, 1)))
			b.msg.Header.Timestamp = time.Unix(times[n], 0)
			b = withHeader(b)
			w.must(w.x.Connect(context.Background(), b.load(w.tb, testCoin(w.tb))))
			w.m.connect(b)
		}
		for range 10 {
			at := base + int64(rapid.IntRange(-10, 60*7200).Draw(rt, "at"))
			if rapid.Bool().Draw(rt, "exactly") {
				at = rapid.SampledFrom(times).Draw(rt, "time")
			}
			want := -1
			for n, blockTime := range times {
				if blockTime <= at {
					want = n
				}
			}
			got, err := w.x.HeightAt(context.Background(), time.Unix(at, 0))
			if want < 0 != errors.Is(err, utxo.ErrRange) || want >= 0 && got != testStart+coins.Height(want) {
				rt.Fatalf("at %d: height %d, want %d: %v", at, got, testStart+want, err)
			}
		}
	})
}
