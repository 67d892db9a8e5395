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

// BenchmarkQueries asks about a script with 1,000,000 coins and events.
func BenchmarkQueries(b *testing.B) {
	x := badgerIndex(b, b.TempDir())
	defer x.Close()
	_, err := x.Watch(b.Context(), []utxo.WatchSpec{{Script: script(0)}}, nil)
	must(b, err)
	var tip *testBlock
	for range 100 {
		salt := uint32(0)
		if tip != nil {
			salt = uint32(tip.height)
		}
		tx := spendTx(salt, []wire.OutPoint{{Hash: [32]byte{1, byte(salt)}}})
		for range 10_000 {
			tx.TxOut = append(tx.TxOut, pay(0, 1))
		}
		tip = newBlock(tip, testStart, salt, coinbaseTx(salt, pay(0, 50)), tx)
		must(b, x.Connect(b.Context(), tip.load(b, testCoin(b))))
	}
	page := utxo.Page{Limit: 100}
	for _, q := range []struct {
		name string
		ask  func() error
	}{
		{"balance", func() error { _, err := x.Balance(b.Context(), script(0)); return err }},
		{"total", func() error { _, err := x.TotalBalance(b.Context()); return err }},
		{"coins", func() error {
			_, _, err := x.Coins(b.Context(), utxo.CoinQuery{Script: script(0), Page: page})
			return err
		}},
		{"history", func() error {
			_, _, err := x.History(b.Context(), utxo.HistoryQuery{Script: script(0), Page: page})
			return err
		}},
		{"changes", func() error { _, err := x.Changes(b.Context(), x.LastSeq()/2, 100); return err }},
	} {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(b, q.ask())
			}
		})
	}
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
