package engine_test

import (
	"errors"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

// wholeAtTip waits until the index of every script stands at the node's tip.
func (w *world) wholeAtTip() {
	w.t.Helper()
	w.until("index of every script at the tip", func() (bool, error) {
		status, err := w.engine.Coin(w.t.Context(), w.symbol)
		all := status.Whole
		return err == nil && all != nil && all.Tip != nil && *all.Tip == w.chain.Tip() && all.State == engine.StateFollowing, err
	})
}

// TestWhole asks for an address that nobody watches, through blocks, a reorg, a restart and a rebuild.
func TestWhole(t *testing.T) {
	for _, symbol := range []coins.Symbol{"btc", "ltc", "doge"} {
		t.Run(string(symbol), func(t *testing.T) {
			w := newWorld(t, symbol, 0, "    index: all\n    start: genesis\n")
			address, script := w.address(7)
			if err := w.chain.Fund(3); err != nil {
				t.Fatal(err)
			}
			w.mine(1, simnode.Pay(script, 3*coins.Unit), simnode.Pay(script, 4*coins.Unit))
			stop := w.run()
			w.wholeAtTip()
			w.expectAll(address, 7*coins.Unit, 2)

			w.mine(1, simnode.Pay(script, coins.Unit))
			w.wholeAtTip()
			w.expectAll(address, 8*coins.Unit, 3)
			if _, err := w.chain.Reorg(1, 2); err != nil {
				t.Fatal(err)
			}
			w.wholeAtTip()
			history, err := w.engine.History(t.Context(), symbol, engine.HistoryQuery{Address: address})
			if err != nil || history.Source != engine.SourceAll || *history.Tip != w.chain.Tip() {
				t.Fatalf("%+v, %v", history, err)
			}

			if _, err := w.engine.RebuildWhole(t.Context(), symbol); err != nil {
				t.Fatal(err)
			}
			w.wholeAtTip()
			again, err := w.engine.History(t.Context(), symbol, engine.HistoryQuery{Address: address})
			if err != nil || len(again.Events) != len(history.Events) {
				t.Fatalf("rebuilt: %+v, %v", again, err)
			}
			w.sound()
			stop()
			if err := w.engine.Close(); err != nil {
				t.Fatal(err)
			}

			w.mine(1, simnode.Pay(script, coins.Unit))
			w.open()
			if err := w.engine.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			status, err := w.engine.Coin(t.Context(), symbol)
			if err != nil || status.Whole.Tip == nil || *status.Whole.Tip != w.chain.Tip() || status.Whole.State != engine.StateIdle {
				t.Errorf("%+v, %v", status.Whole, err)
			}
			w.watchedAnswersItself(address)
		})
	}
}

func (w *world) expectAll(address string, total coins.Amount, events int) {
	w.t.Helper()
	balance := w.balance(address)
	if got, ok := balance.Confirmed.Amount(); !ok || got != total || balance.Source != engine.SourceAll || *balance.Tip != w.chain.Tip() {
		w.t.Fatalf("%+v, want %s", balance, total)
	}
	list, err := w.engine.Coins(w.t.Context(), w.symbol, engine.CoinQuery{Address: address})
	if err != nil || len(list.Coins) != events || list.Source != engine.SourceAll {
		w.t.Fatalf("%+v, %v", list, err)
	}
	history, err := w.engine.History(w.t.Context(), w.symbol, engine.HistoryQuery{Address: address, Page: engine.Page{Limit: 1}})
	for err == nil && history.Next != "" {
		events--
		history, err = w.engine.History(w.t.Context(), w.symbol, engine.HistoryQuery{Address: address, Page: engine.Page{Limit: 1, After: history.Next}})
	}
	if err != nil || events != len(history.Events) {
		w.t.Fatalf("%d events left, %+v, %v", events, history, err)
	}
}

// watchedAnswersItself imports an address and expects the watched index's answer, which must be the same.
func (w *world) watchedAnswersItself(address string) {
	w.t.Helper()
	before := w.balance(address)
	result, err := w.engine.ImportAddresses(w.t.Context(), w.symbol, engine.ImportRequest{Addresses: []string{address}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.engine.RunJob(w.t.Context(), w.symbol, result.Job.ID); err != nil {
		w.t.Fatal(err)
	}
	after := w.balance(address)
	if before.Source != engine.SourceAll || after.Source != "" || before.Confirmed != after.Confirmed || before.Received != after.Received {
		w.t.Errorf("all: %+v, watched: %+v", before, after)
	}
}

// TestNotWhole asks where only watched addresses are indexed.
func TestNotWhole(t *testing.T) {
	w := newWorld(t, "btc", 1, "    start: genesis\n")
	address, _ := w.address(7)
	if _, err := w.engine.Balance(t.Context(), "btc", address); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("balance: %v", err)
	}
	if _, err := w.engine.RebuildWhole(t.Context(), "btc"); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("rebuild: %v", err)
	}
	if status, err := w.engine.Coin(t.Context(), "btc"); err != nil || status.Whole != nil {
		t.Errorf("%+v, %v", status, err)
	}
}

// Rebuilds that are asked for at once come one after the other, each before the chain is followed on, while others ask for
// what is being dropped.
func TestRebuildsAtOnce(t *testing.T) {
	const each = 15
	w := newWorld(t, "btc", 0, "    index: all\n    start: genesis\n")
	address, script := w.address(7)
	if err := w.chain.Fund(3); err != nil {
		t.Fatal(err)
	}
	w.mine(1, simnode.Pay(script, 3*coins.Unit))
	w.run()
	w.wholeAtTip()
	done := make(chan error, 3*each)
	for range each {
		go func() {
			_, err := w.engine.RebuildIndex(t.Context(), "btc")
			done <- err
		}()
		go func() {
			_, err := w.engine.RebuildWhole(t.Context(), "btc")
			done <- err
		}()
		go func() {
			_, _ = w.engine.Balance(t.Context(), "btc", address) // may find it closed
			done <- nil
		}()
	}
	limit := time.After(2 * time.Minute)
	for range 3 * each {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-limit:
			t.Fatal("a rebuild waits for ever")
		}
	}
	w.wholeAtTip()
	w.expectAll(address, 3*coins.Unit, 1)
	w.sound()
}
