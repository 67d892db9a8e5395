package coins_test

import (
	"bytes"
	"testing"

	btcwire "github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/core"
)

// BenchmarkWalk loads a real Bitcoin block as the scanner does, trusting the
// node for the transactions' bytes (header) and not trusting it (merkle), and
// has btcd read the same bytes without and with every transaction's id.
func BenchmarkWalk(b *testing.B) {
	format := formatOf(b, btc.New)
	block := bitcoinBlocks(b)[0]
	reused := coins.Block{Raw: block.raw}
	for name, verify := range map[string]coins.Verify{"header": coins.VerifyHeader, "merkle": coins.VerifyMerkle} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(block.raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := reused.Load(format, block.id(), verify); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for name, hash := range map[string]bool{"btcd deserialize": false, "btcd deserialize+hash": true} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(block.raw)))
			b.ReportAllocs()
			for b.Loop() {
				var m btcwire.MsgBlock
				if err := m.Deserialize(bytes.NewReader(block.raw)); err != nil {
					b.Fatal(err)
				}
				for i := 0; hash && i < len(m.Transactions); i++ {
					_ = m.Transactions[i].TxHash()
				}
			}
		})
	}
}

// BenchmarkAddress writes and reads an address of each form.
func BenchmarkAddress(b *testing.B) {
	params, err := btc.Params(coins.Main)
	if err != nil {
		b.Fatal(err)
	}
	c, err := core.New(params)
	if err != nil {
		b.Fatal(err)
	}
	for _, address := range []string{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"} {
		script, err := c.Script(address)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("read "+address[:4], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Script(address); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("write "+address[:4], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := c.Address(script); !ok {
					b.Fatal("no address")
				}
			}
		})
	}
}

// TestLoadAllocatesNothing holds what the scanner's speed rests on: a Block
// that has grown to its work allocates nothing more.
func TestLoadAllocatesNothing(t *testing.T) {
	format := formatOf(t, btc.New)
	block := bitcoinBlocks(t)[0]
	reused := coins.Block{Raw: block.raw}
	id := block.id()
	for _, verify := range []coins.Verify{coins.VerifyHeader, coins.VerifyMerkle} {
		allocated := testing.AllocsPerRun(5, func() {
			if err := reused.Load(format, id, verify); err != nil {
				t.Error(err)
			}
		})
		if allocated > 0 {
			t.Errorf("%.0f allocations a block", allocated)
		}
	}
}
