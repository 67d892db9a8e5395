package testnodes_test

import (
	"context"
	"encoding/json"
	"testing"

	"coffer.example/coffer/internal/testnodes"
)

type decodedTx struct {
	TxID string
	Vout []struct {
		Value        json.Number
		ScriptPubKey struct {
			Type      string
			Addresses []string
		}
	}
}

func tipTransactions(ctx context.Context, t *testing.T, n *testnodes.Node) []decodedTx {
	t.Helper()
	tip, err := n.Tip(ctx)
	must(t, err)
	raw, err := n.Call(ctx, "getblock", tip, 2)
	must(t, err)
	var block struct{ Tx []decodedTx }
	must(t, json.Unmarshal(raw, &block))
	return block.Tx
}

func TestMWEBPegInAndPegOut(t *testing.T) {
	ctx := testContext(t)
	n := testnodes.StartTB(ctx, t, testnodes.Options{Coin: testnodes.LTC, MWEB: true})
	must(t, n.ActivateMWEB(ctx))
	if h, err := n.Height(ctx); err != nil || h != 432 {
		t.Fatalf("height %d, %v; want 432", h, err)
	}
	txs := tipTransactions(ctx, t, n)
	if kind := txs[len(txs)-1].Vout[0].ScriptPubKey.Type; kind != "witness_mweb_hogaddr" {
		t.Fatalf("the last transaction of block 432 starts with %q, want a HogAddr", kind)
	}
	address, err := n.NewAddress(ctx)
	must(t, err)
	_, err = n.PegOut(ctx, address, "1.5")
	must(t, err)
	_, err = n.Mine(ctx, 1)
	must(t, err)
	txs = tipTransactions(ctx, t, n)
	outs := txs[len(txs)-1].Vout
	if len(outs) != 2 || outs[1].Value.String() != "1.50000000" && outs[1].Value.String() != "1.5" {
		t.Fatalf("HogEx pays %+v, want a peg-out of 1.5", outs)
	}
	if got := outs[1].ScriptPubKey.Addresses; len(got) != 1 || got[0] != address {
		t.Fatalf("peg-out to %v, want %s", got, address)
	}
	must(t, n.ActivateMWEB(ctx)) // again: nothing to do
	if h, err := n.Height(ctx); err != nil || h != 433 {
		t.Fatalf("height %d, %v; want 433", h, err)
	}
}
