package coins

import (
	"bytes"
	"os"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
)

var btcFormat = func() Format { return Format{Segwit: true, MaxBlock: 8 << 20} }

func realBlock(tb testing.TB) []byte {
	raw, err := os.ReadFile("../../shared/fixtures/real/btc-413567.blk")
	if err != nil {
		tb.Skip("no fixture block: ", err)
	}
	return raw
}

func TestWalkReal(t *testing.T) {
	raw := realBlock(t)
	var b Block
	b.Raw = raw
	h := RawHeader(raw[:80])
	if err := b.Load(btcFormat(), BlockID{413567, h.Hash()}, VerifyMerkle); err != nil {
		t.Fatal(err)
	}
	var m wire.MsgBlock
	if err := m.Deserialize(bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, tx := range m.Transactions {
		if TxID(tx.TxHash()) != b.TxID(i) {
			t.Fatal("txid", i)
		}
		for _, o := range tx.TxOut {
			if !bytes.Equal(o.PkScript, b.Layout.Script(raw, n)) || Amount(o.Value) != b.Layout.Value(raw, n) || b.Layout.TxOfOut(n) != i {
				t.Fatal(n)
			}
			n++
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	raw := realBlock(b)
	var bl Block
	bl.Raw = raw
	h := RawHeader(raw[:80])
	for _, v := range []Verify{VerifyHeader, VerifyMerkle} {
		b.Run([]string{"merkle", "header"}[v], func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := bl.Load(btcFormat(), BlockID{413567, h.Hash()}, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("btcd", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			var m wire.MsgBlock
			m.Deserialize(bytes.NewReader(raw))
		}
	})
}
