package utxo_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/utxo"
)

func badgerIndex(b *testing.B, folder string) *utxo.Index {
	b.Helper()
	store, err := badgerkv.Open(folder, badgerkv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	x, err := utxo.Open(b.Context(), store, testCoin(b), utxo.Options{Start: testStart, MaxReorg: 100})
	if err != nil {
		b.Fatal(err)
	}
	return x
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// benchBlock pays outs outputs, one in every matches to a watched script.
func benchBlock(prev *testBlock, outs, matches int) *testBlock {
	salt := uint32(0)
	if prev != nil {
		salt = uint32(prev.height)
	}
	txs := []*wire.MsgTx{coinbaseTx(salt, pay(1<<30, 50))}
	for i := 0; i < outs; i += 4 {
		tx := spendTx(salt, []wire.OutPoint{{Hash: [32]byte{1, byte(i), byte(i >> 8), byte(salt), byte(salt >> 8)}, Index: 3}})
		for j := i; j < i+4; j++ {
			n := 1<<30 + j
			if matches > 0 && j%matches == 0 {
				n = (j + int(salt)*outs) % 1000
			}
			tx.TxOut = append(tx.TxOut, pay(n, int64(j)))
		}
		txs = append(txs, tx)
	}
	return newBlock(prev, testStart, salt, txs...)
}

// BenchmarkConnect connects and disconnects a block of 10,000 outputs on
// Badger, durable each, by the share of them that match.
func BenchmarkConnect(b *testing.B) {
	for _, matches := range []int{0, 1000, 100, 10} {
		b.Run(fmt.Sprintf("one output in %d", matches), func(b *testing.B) {
			x := badgerIndex(b, b.TempDir())
			defer x.Close()
			var specs []utxo.WatchSpec
			for n := range 1000 {
				specs = append(specs, utxo.WatchSpec{Script: script(n)})
			}
			_, err := x.Watch(b.Context(), specs, nil)
			must(b, err)
			block := benchBlock(nil, 10_000, matches).load(b, testCoin(b))
			x.Prepare(block)
			b.ReportAllocs()
			var connect, disconnect time.Duration
			for b.Loop() {
				at := time.Now()
				must(b, x.Connect(b.Context(), block))
				connect += time.Since(at)
				at = time.Now()
				must(b, x.Disconnect(b.Context(), block.ID))
				disconnect += time.Since(at)
			}
			b.ReportMetric(float64(connect.Microseconds())/float64(b.N), "µs/connect")
			b.ReportMetric(float64(disconnect.Microseconds())/float64(b.N), "µs/disconnect")
		})
	}
}

// hotIndex has a script with 1,000,000 coins and events in 100 blocks, and
// 100 more blocks, each with a coinbase of 10,000 outputs where it is asked for.
func hotIndex(b *testing.B, coinbases bool) *utxo.Index {
	b.Helper()
	x := badgerIndex(b, b.TempDir())
	_, err := x.Watch(b.Context(), []utxo.WatchSpec{{Script: script(0)}, {Script: script(1)}}, nil)
	must(b, err)
	var tip *testBlock
	for salt := range uint32(200) {
		coinbase := coinbaseTx(salt, pay(1, 50))
		tx := spendTx(salt, []wire.OutPoint{{Hash: [32]byte{1, byte(salt)}}}, pay(9, 1))
		for range 10_000 {
			switch {
			case salt < 100:
				tx.TxOut = append(tx.TxOut, pay(0, 1))
			case coinbases:
				coinbase.TxOut = append(coinbase.TxOut, pay(1, 1))
			}
		}
		tip = newBlock(tip, testStart, salt, coinbase, tx)
		must(b, x.Connect(b.Context(), tip.load(b, testCoin(b))))
	}
	return x
}

// BenchmarkQueries asks about a script with 1,000,000 coins and events.
func BenchmarkQueries(b *testing.B) {
	x := hotIndex(b, false)
	defer x.Close()
	ctx, page := b.Context(), utxo.Page{Limit: 100}
	unspent := func(q utxo.CoinQuery) func() error {
		return func() error {
			q.Page = page
			_, _, err := x.Coins(ctx, q)
			return err
		}
	}
	history := func(q utxo.HistoryQuery) func() error {
		return func() error {
			q.Page = page
			_, _, err := x.History(ctx, q)
			return err
		}
	}
	past := func(script []byte, height coins.Height) func() error {
		return func() error { _, err := x.BalanceAt(ctx, script, testStart+height); return err }
	}
	young := coins.Height(150)
	for _, q := range []struct {
		name string
		ask  func() error
	}{
		{"balance", func() error { _, err := x.Balance(ctx, script(0)); return err }},
		{"total", func() error { _, err := x.TotalBalance(ctx); return err }},
		{"coins", unspent(utxo.CoinQuery{Script: script(0)})},
		{"coins spendable, of 50 blocks", unspent(utxo.CoinQuery{Script: script(0), Spendable: true, MaxConfirmations: &young, MinConfirmations: 100})},
		{"coins of all", unspent(utxo.CoinQuery{})},
		{"coins, none passes", unspent(utxo.CoinQuery{Script: script(0), MinValue: 2})},
		{"history", history(utxo.HistoryQuery{Script: script(0)})},
		{"history, oldest first", history(utxo.HistoryQuery{Script: script(0), Oldest: true})},
		{"history of all", history(utxo.HistoryQuery{To: testStart + 60})},
		{"balance at the tip", past(script(0), 199)},
		{"balance after a tenth", past(script(0), 10)},
		{"balance in the middle", past(script(0), 50)},
		{"total in the middle", past(nil, 50)},
		{"height at a time", func() error { _, err := x.HeightAt(ctx, time.Unix(1_700_000_000+100*600, 0)); return err }},
		{"changes", func() error { _, err := x.Changes(ctx, x.LastSeq()-100, 100); return err }},
	} {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(b, q.ask())
			}
		})
	}
}

// BenchmarkImmature asks for the balance of all with 1,000,000 immature coins.
func BenchmarkImmature(b *testing.B) {
	x := hotIndex(b, true)
	defer x.Close()
	b.ReportAllocs()
	for b.Loop() {
		_, err := x.TotalBalance(b.Context())
		must(b, err)
	}
}

// BenchmarkReserve reserves two coins and releases them, durable each, and asks
// for the balance of a script with 1,000 reservations.
func BenchmarkReserve(b *testing.B) {
	x := hotIndex(b, false)
	defer x.Close()
	ctx := b.Context()
	list, _, err := x.Coins(ctx, utxo.CoinQuery{Script: script(0), Page: utxo.Page{Limit: 2_002}})
	must(b, err)
	spec := func(n int) utxo.ReserveSpec {
		return utxo.ReserveSpec{OutPoints: []coins.OutPoint{list[2*n].OutPoint, list[2*n+1].OutPoint}, Owner: "payer"}
	}
	for n := range 1_000 {
		_, err := x.Reserve(ctx, spec(n))
		must(b, err)
	}
	b.Run("reserve and release", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r, err := x.Reserve(ctx, spec(1_000))
			must(b, err)
			_, err = x.Release(ctx, utxo.ReleaseSpec{Owner: "payer", Token: r.Token})
			must(b, err)
		}
	})
	b.Run("balance", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := x.Balance(ctx, script(0))
			must(b, err)
		}
	})
	b.Run("list", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, err := x.Reservations(ctx, utxo.ReservationQuery{Page: utxo.Page{Limit: 100}})
			must(b, err)
		}
	})
}

// BenchmarkOpen imports 1,000,000 scripts and opens the index with them.
func BenchmarkOpen(b *testing.B) {
	const count = 1_000_000
	folder := b.TempDir()
	x := badgerIndex(b, folder)
	specs := make([]utxo.WatchSpec, count)
	for n := range specs {
		specs[n] = utxo.WatchSpec{Script: script(n), Birth: coins.Height(n % 7)}
	}
	at := time.Now()
	_, err := x.Watch(b.Context(), specs, nil)
	must(b, err)
	imported := time.Since(at)
	must(b, x.Close())
	specs = nil
	var bytes float64
	for b.Loop() {
		x := badgerIndex(b, folder)
		stats, err := x.Stats(b.Context())
		must(b, err)
		bytes = float64(stats.SetBytes) / count
		b.StopTimer()
		must(b, x.Close())
		b.StartTimer()
	}
	runtime.KeepAlive(specs)
	b.ReportMetric(imported.Seconds(), "s/import")
	b.ReportMetric(bytes, "B/script")
}
