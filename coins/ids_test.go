package coins_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
)

const genesisTx = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"

func TestHashText(t *testing.T) {
	id, err := coins.ParseTxID(genesisTx)
	if err != nil || id.String() != genesisTx || id[0] != 0x3b || id[31] != 0x4a {
		t.Errorf("%x, %v", id[:], err)
	}
	upper, err := coins.ParseBlockHash(strings.ToUpper(genesisTx))
	if err != nil || coins.TxID(upper) != id {
		t.Errorf("%s, %v", upper, err)
	}
	for _, text := range []string{"", genesisTx[1:], genesisTx + "0", "g" + genesisTx[1:], " " + genesisTx[1:], "0x" + genesisTx[2:]} {
		if _, err := coins.ParseTxID(text); !errors.Is(err, coins.ErrHash) {
			t.Errorf("%q: %v, want %v", text, err, coins.ErrHash)
		}
		if _, err := coins.ParseBlockHash(text); !errors.Is(err, coins.ErrHash) {
			t.Errorf("%q: %v, want %v", text, err, coins.ErrHash)
		}
	}
}

func TestOutPointForms(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := coins.OutPoint{Vout: rapid.Uint32().Draw(rt, "vout")}
		copy(o.TxID[:], rapid.SliceOfN(rapid.Byte(), coins.HashSize, coins.HashSize).Draw(rt, "id"))
		if back, err := coins.ParseOutPoint(o.String()); err != nil || back != o {
			rt.Fatalf("%s read as %s, %v", o, back, err)
		}
		wire := o.AppendWire(nil)
		if len(wire) != coins.OutPointSize || coins.OutPointFromWire(wire) != o || !bytes.Equal(wire[:32], o.TxID[:]) {
			rt.Fatalf("%s on the wire: %x", o, wire)
		}
		if o.IsCoinbase() {
			rt.Fatalf("%s is a coinbase's", o)
		}
	})
	if !(coins.OutPoint{Vout: 1<<32 - 1}).IsCoinbase() {
		t.Error("the null outpoint is no coinbase's")
	}
	for _, text := range []string{"", genesisTx, genesisTx + ":", genesisTx + ":-1", genesisTx + ":+1", genesisTx + ":01",
		genesisTx + ":4294967296", genesisTx + ":1:2", genesisTx + ":1 ", ":1", genesisTx[2:] + ":1"} {
		if _, err := coins.ParseOutPoint(text); !errors.Is(err, coins.ErrOutPoint) {
			t.Errorf("%q: %v, want %v", text, err, coins.ErrOutPoint)
		}
	}
}

func TestUnspendable(t *testing.T) {
	for _, tc := range []struct {
		script []byte
		want   bool
	}{
		{nil, false}, {[]byte{0x6a}, true}, {[]byte{0x51, 0x6a}, false},
		{make([]byte, 10_000), false}, {make([]byte, 10_001), true},
	} {
		if got := coins.Unspendable(tc.script); got != tc.want {
			t.Errorf("%d bytes: %t, want %t", len(tc.script), got, tc.want)
		}
	}
}
