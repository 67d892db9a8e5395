package coins_test

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"
	btcwire "github.com/btcsuite/btcd/wire/v2"
	ltcwire "github.com/ltcsuite/ltcd/wire"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
)

// plainTx is a transaction as a library read it.
type plainTx struct {
	id   coins.TxID
	ins  []coins.OutPoint
	outs []plainOut
}

type plainOut struct {
	value  coins.Amount
	script []byte
}

// readBtcd reads a block, or the part of one behind its header, with btcd.
func readBtcd(raw []byte) ([]plainTx, error) {
	var m btcwire.MsgBlock
	if err := m.Deserialize(bytes.NewReader(raw)); err != nil {
		return nil, err
	}
	txs := make([]plainTx, len(m.Transactions))
	for i, tx := range m.Transactions {
		txs[i].id = coins.TxID(tx.TxHash())
		for _, in := range tx.TxIn {
			txs[i].ins = append(txs[i].ins, coins.OutPoint{TxID: coins.TxID(in.PreviousOutPoint.Hash), Vout: in.PreviousOutPoint.Index})
		}
		for _, out := range tx.TxOut {
			txs[i].outs = append(txs[i].outs, plainOut{coins.Amount(out.Value), out.PkScript})
		}
	}
	return txs, nil
}

func readLtcd(raw []byte) ([]plainTx, error) {
	var m ltcwire.MsgBlock
	if err := m.Deserialize(bytes.NewReader(raw)); err != nil {
		return nil, err
	}
	txs := make([]plainTx, len(m.Transactions))
	for i, tx := range m.Transactions {
		txs[i].id = coins.TxID(tx.TxHash())
		for _, in := range tx.TxIn {
			txs[i].ins = append(txs[i].ins, coins.OutPoint{TxID: coins.TxID(in.PreviousOutPoint.Hash), Vout: in.PreviousOutPoint.Index})
		}
		for _, out := range tx.TxOut {
			txs[i].outs = append(txs[i].outs, plainOut{coins.Amount(out.Value), out.PkScript})
		}
	}
	return txs, nil
}

// compare holds a walked block against what a library read.
func compare(tb testing.TB, b *coins.Block, want []plainTx) {
	tb.Helper()
	l := &b.Layout
	if l.TxCount() != len(want) {
		tb.Fatalf("%d transactions, want %d", l.TxCount(), len(want))
	}
	in, out := 0, 0
	for i, tx := range want {
		if id := b.TxID(i); id != tx.id {
			tb.Fatalf("transaction %d is %s, want %s", i, id, tx.id)
		}
		for _, spent := range tx.ins {
			if got := l.OutPoint(b.Raw, in); got != spent || l.TxOfIn(in) != i {
				tb.Fatalf("input %d of transaction %d spends %s, want %s of %d", in, l.TxOfIn(in), got, spent, i)
			}
			in++
		}
		for _, o := range tx.outs {
			if !bytes.Equal(l.Script(b.Raw, out), o.script) || l.Value(b.Raw, out) != o.value || l.TxOfOut(out) != i || l.Coinbase(out) != (i == 0) {
				tb.Fatalf("output %d: %s to %x, want %s to %x", out, l.Value(b.Raw, out), l.Script(b.Raw, out), o.value, o.script)
			}
			out++
		}
	}
	if in != len(l.Ins) || out != len(l.Outs) {
		tb.Fatalf("%d inputs and %d outputs, want %d and %d", len(l.Ins), len(l.Outs), in, out)
	}
}

func TestWalkAgainstBtcd(t *testing.T) {
	format := formatOf(t, btc.New)
	for _, source := range []func(testing.TB) []rawBlock{
		bitcoinBlocks,
		func(tb testing.TB) []rawBlock { return fixtures(tb, "btc-*.blk") },
	} {
		t.Run("", func(t *testing.T) {
			for _, block := range source(t) {
				want, err := readBtcd(block.raw)
				if err != nil {
					t.Fatal(err)
				}
				b, err := load(block.raw, format, block.id())
				if err != nil {
					t.Fatalf("%s: %v", block.name, err)
				}
				compare(t, b, want)
			}
		})
	}
}

func TestWalkAgainstLtcd(t *testing.T) {
	format := formatOf(t, ltc.New)
	hogExes := 0
	blocks := append(litecoinBlocks(t), recorded(t, ltcChain)...)
	for _, block := range blocks {
		want, err := readLtcd(block.raw)
		if err != nil {
			t.Fatalf("%s: %v", block.name, err)
		}
		b, err := load(block.raw, format, block.id())
		if err != nil {
			t.Fatalf("%s: %v", block.name, err)
		}
		compare(t, b, want)
		if b.Layout.HogEx {
			hogExes++
		}
	}
	if hogExes < 8 {
		t.Errorf("%d of %d blocks have a HogEx, want 8 at least", hogExes, len(blocks))
	}
}

// TestWalkStripped drops the MWEB data, as the peer protocol does: the HogEx is
// known by its place and everything else stays.
func TestWalkStripped(t *testing.T) {
	format := formatOf(t, ltc.New)
	for _, block := range recorded(t, ltcChain) {
		full, err := load(block.raw, format, block.id())
		if err != nil {
			t.Fatal(err)
		}
		want, err := readLtcd(block.raw)
		if err != nil {
			t.Fatal(err)
		}
		raw := stripMWEB(full)
		if full.Layout.HogEx == bytes.Equal(raw, block.raw) {
			t.Fatalf("%s: HogEx %t, and stripping it changed nothing or something else", block.name, full.Layout.HogEx)
		}
		stripped, err := load(raw, format, block.id())
		if err != nil {
			t.Fatalf("%s without MWEB data: %v", block.name, err)
		}
		if stripped.Layout.HogEx != full.Layout.HogEx {
			t.Errorf("%s: HogEx %t without MWEB data", block.name, stripped.Layout.HogEx)
		}
		compare(t, stripped, want)
	}
}

// stripMWEB writes a block as Bitcoin's format has it: the HogEx without marker
// and flag, and no extension.
func stripMWEB(b *coins.Block) []byte {
	l := &b.Layout
	last := l.Txs[l.TxCount()-1]
	raw := bytes.Clone(b.Raw[:last.End])
	if !l.HogEx {
		return raw
	}
	plain := append(bytes.Clone(raw[last.Start:last.Start+4]), raw[last.Body:last.Witness]...)
	return append(append(raw[:last.Start], plain...), b.Raw[last.LockTime:last.End]...)
}

// TestWalkDogecoin holds real blocks, merge-mined and not, against btcd, which
// reads what stands behind header and proof.
func TestWalkDogecoin(t *testing.T) {
	format := formatOf(t, doge.New)
	proofs := 0
	for _, block := range append(fixtures(t, "doge-*.blk"), recorded(t, dogeChain)...) {
		b, err := load(block.raw, format, block.id())
		if err != nil {
			t.Fatalf("%s: %v", block.name, err)
		}
		plain := block.raw
		if b.Header.HasProof() {
			proofs++
			proof, err := coins.ParseProof(block.raw[coins.HeaderSize:])
			if err != nil {
				t.Fatal(err)
			}
			plain = append(bytes.Clone(b.Header[:]), block.raw[coins.HeaderSize+proof.Size:]...)
		}
		want, err := readBtcd(plain)
		if err != nil {
			t.Fatalf("%s: %v", block.name, err)
		}
		compare(t, b, want)
	}
	if proofs < 8 {
		t.Errorf("%d merge-mined blocks, want 8 at least", proofs)
	}
}

// TestWalkTx walks every transaction of real blocks on its own.
func TestWalkTx(t *testing.T) {
	format := formatOf(t, btc.New)
	for _, block := range bitcoinBlocks(t) {
		b, err := load(block.raw, format, block.id())
		if err != nil {
			t.Fatal(err)
		}
		var alone coins.Layout
		for i := range b.Layout.TxCount() {
			span := b.Layout.Txs[i]
			raw := block.raw[span.Start:span.End]
			if err := format.WalkTx(raw, &alone); err != nil {
				t.Fatalf("transaction %d: %v", i, err)
			}
			if id := alone.TxID(raw); id != b.TxID(i) || alone.TxCount() != 1 {
				t.Fatalf("transaction %d is %s on its own, %s in its block", i, id, b.TxID(i))
			}
		}
	}
}

// TestWalkMempoolMWEB walks transactions with MWEB data, as a node's mempool
// has them.
func TestWalkMempoolMWEB(t *testing.T) {
	format := formatOf(t, ltc.New)
	only := 0
	for _, tx := range moduleBlocks(t, "github.com/ltcsuite/ltcd", "wire/testdata/tx*.dat") {
		var want ltcwire.MsgTx
		if err := want.Deserialize(bytes.NewReader(tx.raw)); err != nil {
			t.Fatalf("%s: %v", tx.name, err)
		}
		var l coins.Layout
		if err := format.WalkTx(tx.raw, &l); err != nil {
			t.Fatalf("%s: %v", tx.name, err)
		}
		if len(l.Ins) != len(want.TxIn) || len(l.Outs) != len(want.TxOut) {
			t.Errorf("%s: %d inputs, %d outputs; want %d, %d", tx.name, len(l.Ins), len(l.Outs), len(want.TxIn), len(want.TxOut))
		}
		if l.MWEBOnly != (len(want.TxIn)+len(want.TxOut) == 0) {
			t.Errorf("%s: MWEB only: %t", tx.name, l.MWEBOnly)
		}
		if l.MWEBOnly {
			only++
			continue // such a transaction is known by its kernels, not by these bytes
		}
		if id := l.TxID(tx.raw); id != coins.TxID(want.TxHash()) {
			t.Errorf("%s is %s, want %s", tx.name, id, want.TxHash())
		}
	}
	if only == 0 {
		t.Error("no transaction without transparent parts among them")
	}
}

// TestTypesAgainstBtcd classifies every output of real blocks.
func TestTypesAgainstBtcd(t *testing.T) {
	c, err := btc.New(coins.Main)
	if err != nil {
		t.Fatal(err)
	}
	names := map[txscript.ScriptClass]coins.ScriptType{
		txscript.PubKeyTy: coins.PubKey, txscript.PubKeyHashTy: coins.PubKeyHash, txscript.ScriptHashTy: coins.ScriptHash,
		txscript.MultiSigTy: coins.Multisig, txscript.NullDataTy: coins.NullData, txscript.NonStandardTy: coins.NonStandard,
		txscript.WitnessV0PubKeyHashTy: coins.WitnessV0PK, txscript.WitnessV0ScriptHashTy: coins.WitnessV0SH,
	}
	seen := make(map[coins.ScriptType]int)
	for _, block := range append(bitcoinBlocks(t), fixtures(t, "btc-*.blk")...) {
		b, err := load(block.raw, c.Params().Format, block.id())
		if err != nil {
			t.Fatal(err)
		}
		for n := range b.Layout.Outs {
			script := b.Layout.Script(block.raw, n)
			got, want := c.Type(script), names[txscript.GetScriptClass(script)]
			if got != want {
				t.Errorf("%s: output %d, %x, is %s, btcd says %s", block.name, n, script, got, want)
			}
			seen[got]++
		}
	}
	if len(seen) < 5 {
		t.Errorf("only these types occurred: %v", seen)
	}
}
