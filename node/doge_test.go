package node_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// TestDogecoinRecorded runs the client against a Dogecoin node's own words.
func TestDogecoinRecorded(t *testing.T) {
	f := newFake(t)
	for _, viaREST := range []bool{false, true} {
		n := f.open(t, func(o *node.Options) { o.REST = viaREST })
		tip := f.chain[138].id()
		if got, err := n.Tip(t.Context()); err != nil || got != tip {
			t.Fatalf("tip %s, %v", got, err)
		}
		info := n.Status().Info
		if info.Subversion != "/Shibetoshi:1.14.99/" || info.Version != 1149900 || info.Chain != "regtest" ||
			info.InitialDownload || info.Pruned || info.RelayFee != 100_000 || len(info.Warnings) != 1 {
			t.Errorf("info %+v", info)
		}
		headers, err := n.Headers(t.Context(), 120, 100)
		if err != nil || len(headers) != 19 {
			t.Fatalf("%d headers, %v", len(headers), err)
		}
		for i := range headers {
			if got := headers[i].Hash(); got != f.chain[120+i].Hash {
				t.Errorf("header %d is %s", 120+i, got)
			}
		}
		for i := range f.chain {
			raw, err := n.Block(t.Context(), f.chain[i].id(), nil)
			if err != nil || !bytes.Equal(raw, f.chain[i].raw(t)) {
				t.Fatalf("block %d: %v", i, err)
			}
		}
	}
}

func TestDogecoinMempool(t *testing.T) {
	n := newFake(t).open(t, nil)
	var id coins.TxID
	for _, r := range recordings(t) {
		if r.Method == "getmempoolentry" {
			id, _ = coins.ParseTxID(r.Params[0].(string)) // checked below
		}
	}
	unknown := coins.TxID(bytes.Repeat([]byte{0x11}, 32))
	var got []coins.TxID
	err := n.MempoolTxs(t.Context(), []coins.TxID{unknown, id}, func(id coins.TxID, raw []byte) error {
		var layout coins.Layout
		if err := params(t, "doge").Format.WalkTx(raw, &layout); err != nil || layout.TxID(raw) != id {
			t.Errorf("%s: %v", id, err)
		}
		got = append(got, id)
		return nil
	})
	if err != nil || len(got) != 1 || got[0] != id {
		t.Errorf("got %v, %v", got, err)
	}
	raw, err := n.TxRaw(t.Context(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, anyFee := range []bool{false, true} {
		if sent, err := n.SendRaw(t.Context(), raw, anyFee); err != nil || sent != id {
			t.Errorf("sent %s, %v", sent, err)
		}
	}
}

// TestDogecoinRefusals holds the typed errors to what the node answered.
func TestDogecoinRefusals(t *testing.T) {
	n := newFake(t).open(t, nil)
	codes := map[string]int{}
	for _, r := range recordings(t) {
		if r.Method != "sendrawtransaction" || r.Status == 200 {
			continue
		}
		raw, err := hex.DecodeString(r.Params[0].(string))
		if err != nil {
			continue // recorded with text that is no hexadecimal
		}
		var refused *node.RPCError
		if _, err := n.SendRaw(t.Context(), raw, false); !errors.As(err, &refused) || refused.Message == "" {
			t.Errorf("%v is no RPCError", err)
		} else {
			codes[refused.Message] = refused.Code
		}
	}
	for message, code := range map[string]int{"TX decode failed": -22, "258: txn-mempool-conflict": -26, "Missing inputs": -25} {
		if codes[message] != code {
			t.Errorf("%q has code %d, want %d", message, codes[message], code)
		}
	}
	if _, err := n.Block(t.Context(), coins.BlockID{}, nil); !errors.Is(err, node.ErrNotFound) {
		t.Errorf("unknown block: %v", err)
	}
	if _, err := n.BlockAt(t.Context(), 99999); !errors.Is(err, node.ErrNotFound) {
		t.Errorf("beyond the tip: %v", err)
	}
	invalid, err := coins.ParseBlockHash(strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := n.Invalid(t.Context(), invalid); err != nil || !got {
		t.Errorf("invalid: %t, %v", got, err)
	}
}
