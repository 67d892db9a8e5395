package whole_test

import (
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/utxo"
	"coffer.example/coffer/utxo/whole"
)

// hotChain pays one script two thousand outputs a block and spends most of
// them in the next: a million events in 260 blocks.
func hotChain(b *testing.B, x *whole.Index, blocks int) {
	b.Helper()
	const outs = 2000
	prev := genesis()
	last := []wire.OutPoint{}
	for n := range blocks {
		if n == 0 {
			if err := x.Connect(b.Context(), prev.load(b, testCoin(b))); err != nil {
				b.Fatal(err)
			}
		}
		payments := make([]*wire.TxOut, outs)
		for i := range payments {
			payments[i] = wire.NewTxOut(1000, testScript(0))
		}
		coinbase := coinbaseTx(uint32(n), wire.NewTxOut(1, testScript(9)), wire.NewTxOut(1, testScript(0)))
		tx := spendTx(uint32(n), append(last, outPoint(coinbase, 0)), payments...)
		last = nil
		for i := range outs - 10 {
			last = append(last, outPoint(tx, uint32(i)))
		}
		block := newBlock(prev, uint32(n), coinbase, tx)
		loaded := block.load(b, testCoin(b))
		loaded.More = n < blocks-50 // the last ones one by one, as at the tip
		if err := x.Connect(b.Context(), loaded); err != nil {
			b.Fatal(err)
		}
		prev = block
	}
}

// BenchmarkQuery asks for what a script with a million events holds.
func BenchmarkQuery(b *testing.B) {
	store, err := badgerkv.Open(b.TempDir(), badgerkv.Options{MemTable: whole.MemTable, Rows: whole.MaxRows})
	if err != nil {
		b.Fatal(err)
	}
	x, err := whole.Open(b.Context(), store, testCoin(b), whole.Options{Pending: 200_000})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := x.Close(); err != nil {
			b.Error(err)
		}
	}()
	hotChain(b, x, 260)
	stats, err := x.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d events in %d runs", stats.Funded+stats.Spent, stats.Runs)
	script := testScript(0)
	for _, q := range []struct {
		name string
		ask  func() error
	}{
		{"balance", func() error { _, _, err := x.Balance(b.Context(), script); return err }},
		{"utxos", func() error { _, _, err := x.Coins(b.Context(), script, utxo.Page{}); return err }},
		{"history", func() error { _, _, err := x.History(b.Context(), script, utxo.Page{}); return err }},
		{"unknown", func() error { _, _, err := x.Balance(b.Context(), testScript(18)); return err }},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if err := q.ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
