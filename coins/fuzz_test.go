package coins_test

import (
	"bytes"
	"testing"

	btcwire "github.com/btcsuite/btcd/wire/v2"
	ltcwire "github.com/ltcsuite/ltcd/wire"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
)

// checkLayout holds what every accepted layout promises, so that whoever uses
// its offsets needs no checks: spans follow each other without a gap and all
// of them lie inside the bytes.
func checkLayout(tb testing.TB, raw []byte, l *coins.Layout) {
	tb.Helper()
	in, out, next := uint32(0), uint32(0), l.Txs[0].Start
	for i := range l.TxCount() {
		tx, after := l.Txs[i], l.Txs[i+1]
		if tx.Start != next || tx.FirstIn != in || tx.FirstOut != out {
			tb.Fatalf("transaction %d starts at %d with input %d and output %d, want %d, %d, %d", i, tx.Start, tx.FirstIn, tx.FirstOut, next, in, out)
		}
		if tx.Body < tx.Start+4 || tx.Witness <= tx.Body || tx.LockTime < tx.Witness || tx.End != tx.LockTime+4 || int(tx.End) > len(raw) {
			tb.Fatalf("transaction %d: %+v in %d bytes", i, tx, len(raw))
		}
		for ; in < after.FirstIn; in++ {
			if at := l.Ins[in]; at <= tx.Body || at+coins.OutPointSize >= tx.Witness {
				tb.Fatalf("input %d at %d lies outside %+v", in, at, tx)
			}
			_ = l.OutPoint(raw, int(in))
		}
		for ; out < after.FirstOut; out++ {
			if o := l.Outs[out]; o.Script < tx.Body+9 || o.Script+o.Len > tx.Witness {
				tb.Fatalf("output %d at %d, %d long, lies outside %+v", out, o.Script, o.Len, tx)
			}
			_, _ = l.Script(raw, int(out)), l.Value(raw, int(out))
		}
		next = tx.End
	}
	if int(in) != len(l.Ins) || int(out) != len(l.Outs) {
		tb.Fatalf("%d inputs and %d outputs belong to no transaction", len(l.Ins)-int(in), len(l.Outs)-int(out))
	}
}

// FuzzWalk walks any bytes as a block of every coin.
func FuzzWalk(f *testing.F) {
	for _, block := range smallBlocks(f) {
		f.Add(block.raw)
	}
	formats := []coins.Format{formatOf(f, btc.New), formatOf(f, ltc.New), formatOf(f, doge.New), {Segwit: true, MWEB: true, AuxPoW: true, MaxBlock: 1 << 20}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var l coins.Layout
		for _, format := range formats {
			if err := format.Walk(raw, &l); err != nil {
				if !known(err) {
					t.Fatal(err)
				}
				continue
			}
			if l.TxCount() < 1 {
				t.Fatal("a block without transactions")
			}
			checkLayout(t, raw, &l)
		}
	})
}

// FuzzWalkBtcd holds the walker against btcd: what btcd reads and writes back
// unchanged, the walker reads alike; what the walker takes, btcd reads.
func FuzzWalkBtcd(f *testing.F) {
	format := formatOf(f, btc.New)
	for _, block := range smallBlocks(f) {
		f.Add(block.raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := &coins.Block{Raw: raw}
		if len(raw) >= coins.HeaderSize {
			header := coins.RawHeader(raw[:coins.HeaderSize])
			b.ID.Hash = header.Hash()
		}
		walked := b.Load(format, b.ID, coins.VerifyHeader)
		var m btcwire.MsgBlock
		theirs := m.Deserialize(bytes.NewReader(raw))
		if walked == nil {
			txs, err := readBtcd(raw)
			if err != nil {
				t.Fatalf("btcd refuses what we walked: %v", err)
			}
			compare(t, b, txs)
			return
		}
		if theirs != nil || len(m.Transactions) == 0 {
			return
		}
		for _, tx := range m.Transactions {
			if len(tx.TxIn) == 0 || len(tx.TxOut) == 0 {
				return // no node takes such a transaction into a block
			}
		}
		var again bytes.Buffer
		if err := m.Serialize(&again); err == nil && bytes.Equal(again.Bytes(), raw) {
			t.Fatalf("btcd reads it and writes it back: %v", walked)
		}
	})
}

// FuzzWalkTx does the same for single transactions, Litecoin's among them.
func FuzzWalkTx(f *testing.F) {
	for _, block := range smallBlocks(f) {
		b, err := load(block.raw, block.format, block.id())
		if err != nil {
			f.Fatal(err)
		}
		for i := range b.Layout.TxCount() {
			f.Add(block.raw[b.Layout.Txs[i].Start:b.Layout.Txs[i].End])
		}
	}
	bitcoin, litecoin := formatOf(f, btc.New), formatOf(f, ltc.New)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var l coins.Layout
		if litecoin.WalkTx(raw, &l) == nil {
			checkLayout(t, raw, &l)
			// ltcd finds the end of MWEB data by reading it, the walker takes all
			// but the lock time for it: they differ only where something follows.
			var m ltcwire.MsgTx
			rest := bytes.NewReader(raw)
			if m.Deserialize(rest) == nil && rest.Len() == 0 && !l.MWEBOnly && l.TxID(raw) != coins.TxID(m.TxHash()) {
				t.Fatalf("%s, ltcd says %s", l.TxID(raw), m.TxHash())
			}
		}
		if err := bitcoin.WalkTx(raw, &l); err != nil {
			if !known(err) {
				t.Fatal(err)
			}
			return
		}
		checkLayout(t, raw, &l)
		var m btcwire.MsgTx
		if m.Deserialize(bytes.NewReader(raw)) == nil && l.TxID(raw) != coins.TxID(m.TxHash()) {
			t.Fatalf("%s, btcd says %s", l.TxID(raw), m.TxHash())
		}
	})
}

// FuzzProof parses any bytes as a merge-mining proof.
func FuzzProof(f *testing.F) {
	for _, b := range proofs(f) {
		f.Add(b.raw[coins.HeaderSize:], b.raw[:4])
	}
	f.Fuzz(func(t *testing.T, raw, hash []byte) {
		proof, err := coins.ParseProof(raw)
		if err != nil {
			if !known(err) {
				t.Fatal(err)
			}
			return
		}
		size := len(proof.Coinbase) + coins.HashSize + len(proof.Branch) + len(proof.ChainBranch) + 2*(1+4) + coins.HeaderSize
		if proof.Size != size || proof.Size > len(raw) {
			t.Fatalf("proof of %d bytes, its parts have %d, given were %d", proof.Size, size, len(raw))
		}
		var block coins.BlockHash
		copy(block[:], hash)
		if err := proof.Check(block); err != nil && !known(err) {
			t.Fatal(err)
		}
	})
}

// FuzzParseAmount holds that a text is refused or is the amount it says.
func FuzzParseAmount(f *testing.F) {
	for _, text := range []string{"0", "1.5", "-0.00000001", "92233720368.54775807", "1e8", "00.1", "1.", ".1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		amount, err := coins.ParseAmount(text)
		exact, sane := exactUnits(text)
		if (err == nil) != (sane && exact.IsInt64()) {
			t.Fatalf("%q: %d, %v", text, amount, err)
		}
		if err != nil {
			return
		}
		if exact.Int64() != int64(amount) {
			t.Fatalf("%q: %d, want %s", text, amount, exact)
		}
		if again, err := coins.ParseAmount(amount.String()); err != nil || again != amount {
			t.Fatalf("%q: %s reads back as %d, %v", text, amount, again, err)
		}
	})
}

// FuzzParseOutPoint holds that what is read is written back the same, but for
// letter case.
func FuzzParseOutPoint(f *testing.F) {
	f.Add(genesisTx + ":0")
	f.Add(genesisTx + ":4294967295")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := coins.ParseOutPoint(text)
		if err == nil && !bytes.EqualFold([]byte(o.String()), []byte(text)) {
			t.Fatalf("%q read as %s", text, o)
		}
	})
}
