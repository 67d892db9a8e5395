package utxo_test

import (
	"errors"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// TestResetFails lets a reset fail at every call of the store and goes on with the
// same index: it says that it is none, until a reset goes through.
func TestResetFails(t *testing.T) {
	ctx, coin := t.Context(), testCoin(t)
	first := coinbaseTx(1, pay(0, 100))
	a := newBlock(nil, testStart, 1, first)
	b := newBlock(a, testStart, 2, coinbaseTx(2, pay(0, 5)))
	for n := 1; ; n++ {
		store := &faulty{Store: memkv.New(testRows)}
		x := openOn(t, store)
		if _, err := x.Watch(ctx, []utxo.WatchSpec{{Script: script(0)}}, nil); err != nil {
			t.Fatal(err)
		}
		if err := x.Connect(ctx, a.load(t, coin)); err != nil {
			t.Fatal(err)
		}
		before := x.ID()
		store.left = n
		err := x.Reset(ctx)
		store.left = 0
		if !store.fired {
			if err != nil {
				t.Fatal(err)
			}
			if n < 10 {
				t.Fatalf("only %d calls", n)
			}
			return
		}
		if x.ID() == before {
			if _, err := x.Balance(ctx, script(0)); err != nil {
				t.Errorf("call %d: nothing was begun: %v", n, err)
			}
		} else if err != nil {
			stillNone(t, x, b.load(t, coin))
		}
		if err := x.Reset(ctx); err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		for _, block := range []*testBlock{a, b} {
			if err := x.Connect(ctx, block.load(t, coin)); err != nil {
				t.Fatalf("call %d: %v", n, err)
			}
		}
		if balance, err := x.Balance(ctx, script(0)); err != nil || balance.Confirmed.String() != "0.00000105" {
			t.Errorf("call %d: %v, %v", n, balance.Confirmed, err)
		}
		if err := x.Check(ctx, func(string, int) {}); err != nil {
			t.Errorf("call %d: %v", n, err)
		}
	}
}

// stillNone checks that everything that reads or writes says so.
func stillNone(t *testing.T, x *utxo.Index, next *coins.Block) {
	t.Helper()
	ctx := t.Context()
	_, _, tip := x.Tip(ctx)
	_, header := x.Header(ctx, testStart)
	_, balance := x.Balance(ctx, script(0))
	_, changes := x.Changes(ctx, 0, 1)
	_, watch := x.Watch(ctx, []utxo.WatchSpec{{Script: script(1)}}, nil)
	_, cursor := x.RegisterCursor(ctx, "a", 0)
	_, digest := x.Digest(ctx)
	for i, err := range []error{tip, header, balance, changes, watch, cursor, digest, x.Connect(ctx, next),
		x.Mempool(ctx, coins.MempoolChange{}), x.Check(ctx, func(string, int) {}), x.SetMark([]byte{1})} {
		if !errors.Is(err, utxo.ErrResetting) {
			t.Errorf("answer %d of half an index: %v", i, err)
		}
	}
}
