package utxo_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// TestInterruptedUnwatch fails an unwatch between its commits. The script is
// gone then, not there with a part of its coins: whether the index goes on, is
// opened anew, leaves the block by a reorg, or watches the script again.
func TestInterruptedUnwatch(t *testing.T) {
	const events = 5_001 // two commits
	many := slices.Repeat([]*wire.TxOut{pay(0, 1)}, events)
	chain := payingChain(1, 1)
	chain = append(chain, newBlock(chain[0], testStart, 1, coinbaseTx(9, append(many, pay(1, 5))...)))
	next := newBlock(chain[1], testStart, 2, coinbaseTx(10, pay(0, 1)), spendTx(1, outPoints(outPoint(chain[1].msg.Transactions[0], 3)), pay(1, 7)))
	want := openOn(t, memkv.New(testRows))
	if _, err := want.Watch(t.Context(), []utxo.WatchSpec{{Script: script(1)}}, nil); err != nil {
		t.Fatal(err)
	}
	connectAll(t, want, append(chain, next))
	for _, commit := range []int{1, 2} {
		for _, then := range []string{"connect", "reopen", "disconnect", "unwatch", "watch"} {
			if commit == 1 && then != "connect" {
				continue
			}
			store := &failing{Store: memkv.New(testRows)}
			x := openOn(t, store)
			if _, err := x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(0)}, {Script: script(1)}}, nil); err != nil {
				t.Fatal(err)
			}
			connectAll(t, x, chain)
			store.left = commit
			if _, err := x.Unwatch(t.Context(), [][]byte{script(0)}); !errors.Is(err, errFault) {
				t.Fatal(err)
			}
			balance, err := x.Balance(t.Context(), script(0))
			if commit == 1 {
				if err != nil || balance.Coins != events {
					t.Fatalf("nothing was stored, and the balance is %+v: %v", balance, err)
				}
				continue
			}
			if !errors.Is(err, utxo.ErrNotWatched) {
				t.Fatalf("commit %d: balance %+v: %v", commit, balance, err)
			}
			switch then {
			case "reopen":
				x = openOn(t, store.Reopen())
			case "disconnect":
				if err := x.Disconnect(t.Context(), chain[1].id()); err != nil {
					t.Fatal(err)
				}
				connectAll(t, x, chain[1:])
			case "unwatch":
				if removed, err := x.Unwatch(t.Context(), [][]byte{script(0)}); err != nil || removed != 0 {
					t.Fatal(removed, err)
				}
			case "watch":
				if result, err := x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(0)}}, nil); err != nil || result.Added != 1 {
					t.Fatal(result, err)
				}
				if balance, err := x.Balance(t.Context(), script(0)); err != nil || balance.Coins != 0 {
					t.Fatal(balance, err)
				}
				if _, err := x.Unwatch(t.Context(), [][]byte{script(0)}); err != nil {
					t.Fatal(err)
				}
			}
			connectAll(t, x, []*testBlock{next})
			if err := x.Check(t.Context(), func(string, int) {}); err != nil {
				t.Fatalf("commit %d, then %s: %v", commit, then, err)
			}
			if digest(t, x) != digest(t, want) {
				t.Fatalf("commit %d, then %s: the index differs from one that never watched the script", commit, then)
			}
		}
	}
}
