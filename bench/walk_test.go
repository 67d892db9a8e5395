package bench

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/bench/chaingen"
	"coffer.example/coffer/coins"
)

// format is Bitcoin's.
func format() coins.Format { return coins.Format{Segwit: true, MaxBlock: 4_000_000} }

// fullBlocks makes count mainnet-shaped blocks.
func fullBlocks(tb testing.TB, count int) [][]byte {
	tb.Helper()
	generator, err := chaingen.New(chaingen.BitcoinRegtest(1, chaingen.WatchList{Seed: 1, Count: 1_000_000, Permille: 1}))
	if err != nil {
		tb.Fatal(err)
	}
	for range chaingen.WarmUp {
		generator.Next()
	}
	blocks := make([][]byte, count)
	for i := range blocks {
		blocks[i] = generator.Next().Raw
	}
	return blocks
}

func sizeOf(blocks [][]byte) (total int64) {
	for _, raw := range blocks {
		total += int64(len(raw))
	}
	return total
}

// BenchmarkWalk finds every transaction, input and output: beside btcd's decoder of the same bytes.
func BenchmarkWalk(b *testing.B) {
	blocks := fullBlocks(b, 16)
	measure := func(name string, one func(raw []byte) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(sizeOf(blocks))
			b.ReportAllocs()
			for b.Loop() {
				for _, raw := range blocks {
					if err := one(raw); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
	var block coins.Block
	load := func(verify coins.Verify) func([]byte) error {
		return func(raw []byte) error {
			block.Raw = raw
			header := coins.RawHeader(raw[:coins.HeaderSize])
			return block.Load(format(), coins.BlockID{Hash: header.Hash()}, verify)
		}
	}
	measure("coffer/walk", load(coins.VerifyHeader))
	measure("coffer/walk+txids+merkle", load(coins.VerifyMerkle))
	measure("btcd/deserialize", func(raw []byte) error {
		var m wire.MsgBlock
		return m.Deserialize(bytes.NewReader(raw))
	})
	measure("btcd/deserialize+hash", func(raw []byte) error {
		var m wire.MsgBlock
		if err := m.Deserialize(bytes.NewReader(raw)); err != nil {
			return err
		}
		for _, tx := range m.Transactions {
			_ = tx.TxHash()
		}
		return nil
	})
}
