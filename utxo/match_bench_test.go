package utxo

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/bench/chaingen"
	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
)

// fullBlocks are mainnet-shaped blocks of 1.16 MB that pay to none of the scripts of list 9.
func fullBlocks(tb testing.TB, count int) (blocks [][]byte, size int64) {
	tb.Helper()
	generator, err := chaingen.New(chaingen.BitcoinRegtest(1))
	if err != nil {
		tb.Fatal(err)
	}
	for range chaingen.WarmUp {
		generator.Next()
	}
	for range count {
		raw := generator.Next().Raw
		blocks, size = append(blocks, raw), size+int64(len(raw))
	}
	return blocks, size
}

// BenchmarkMatch walks full blocks and looks up every output and every input: what a scan does with each block beside
// fetching and hashing it. btcd's decoder of the same bytes runs beside it.
func BenchmarkMatch(b *testing.B) {
	blocks, size := fullBlocks(b, 16)
	coin, err := btc.New(coins.Regtest)
	if err != nil {
		b.Fatal(err)
	}
	for _, scripts := range []int{1_000, 1_000_000, 10_000_000} {
		index := &Index{coin: coin, marker: newMarker()}
		index.w.pending, index.w.outpoints, index.w.fresh = newBatch(), newMarkSet(false, 0), newMarkSet(false, 0)
		index.scripts = newMarkSet(true, scripts)
		for i := range scripts {
			index.scripts.add(index.scriptMark(chaingen.WatchScript(9, i)), uint32(i))
		}
		for range 1000 + scripts/10 { // a tenth of them holds a coin
			index.w.outpoints.add(index.outPointMark(coins.OutPoint{Vout: uint32(index.w.outpoints.used)}), 0)
		}
		for _, verify := range []coins.Verify{coins.VerifyHeader, coins.VerifyMerkle} {
			name := fmt.Sprintf("walk+match/scripts=%d", scripts)
			if verify == coins.VerifyMerkle {
				name = fmt.Sprintf("walk+match+txids+merkle/scripts=%d", scripts)
			}
			b.Run(name, func(b *testing.B) {
				benchmarkMatch(b, index, blocks, verify)
				b.SetBytes(size)
				b.ReportMetric(float64(index.scripts.size())/float64(scripts), "B/script")
			})
		}
	}
	b.Run("btcd/deserialize", func(b *testing.B) { benchmarkBtcd(b, blocks, size, false) })
	b.Run("btcd/deserialize+hash", func(b *testing.B) { benchmarkBtcd(b, blocks, size, true) })
}

func benchmarkMatch(b *testing.B, index *Index, blocks [][]byte, verify coins.Verify) {
	var block coins.Block
	b.ReportAllocs()
	for b.Loop() {
		for _, raw := range blocks {
			block.Raw = raw
			header := coins.RawHeader(raw[:coins.HeaderSize])
			id := coins.BlockID{Height: 1, Hash: header.Hash()}
			if err := block.Load(index.coin.Params().Format, id, verify); err != nil {
				b.Fatal(err)
			}
			index.Prepare(&block)
			payments, err := index.payments(index.newStep(), &block, nil)
			if err != nil || len(payments) > 0 || len(index.spenders(&block, payments)) > 0 {
				b.Fatal("matched what nobody watches: ", len(payments), err)
			}
		}
	}
}

func benchmarkBtcd(b *testing.B, blocks [][]byte, size int64, hash bool) {
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, raw := range blocks {
			var m wire.MsgBlock
			if err := m.Deserialize(bytes.NewReader(raw)); err != nil {
				b.Fatal(err)
			}
			if !hash {
				continue
			}
			for _, tx := range m.Transactions {
				_ = tx.TxHash()
			}
		}
	}
}
