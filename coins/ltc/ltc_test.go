package ltc_test

import (
	"context"
	"encoding/json"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/coinstest"
	"coffer.example/coffer/coins/ltc"
	"coffer.example/coffer/internal/testnodes"
)

// options are the facts of Litecoin's policy and consensus.
func options() coinstest.Options {
	return coinstest.Options{
		Dust: map[coins.ScriptType]coins.Amount{
			coins.PubKeyHash: 5460, coins.ScriptHash: 5400, coins.WitnessV0PK: 2940,
			coins.WitnessV0SH: 3300, coins.WitnessV1TR: 3300, coins.NullData: 0,
		},
		Maturity: map[coins.Height]coins.Height{0: 100, 1: 100, 2_700_000: 100, coins.MaxHeight: 100},
		Foreign: []string{
			"DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",         // Dogecoin main
			"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",         // Bitcoin main
			"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", // Bitcoin main
		},
	}
}

func TestConformance(t *testing.T) {
	for _, network := range []coins.Network{coins.Main, coins.Test, coins.Regtest} {
		t.Run(string(network), func(t *testing.T) {
			c, err := ltc.New(network)
			if err != nil {
				t.Fatal(err)
			}
			o := options()
			if network == coins.Regtest {
				o.Fixtures = []string{"../testdata/ltc-regtest-mweb.jsonl.gz"}
			}
			coinstest.Run(t, c, o)
		})
	}
}

// wallet calls a node that has a second wallet open, for MWEB, by its first.
type wallet struct{ node *testnodes.Node }

func (w wallet) Call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	return w.node.CallWallet(ctx, testnodes.Wallet, method, params...)
}

// TestConformanceWithNode has the node mine through the activation of MWEB, a
// peg-in and a peg-out.
func TestConformanceWithNode(t *testing.T) {
	node := testnodes.StartTB(t.Context(), t, testnodes.Options{Coin: testnodes.LTC, MWEB: true})
	if err := node.ActivateMWEB(t.Context()); err != nil {
		t.Fatal(err)
	}
	address, err := node.NewAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { _, err := node.PegIn(t.Context(), "2.00000000"); return err },
		func() error { _, err := node.Mine(t.Context(), 1); return err },
		func() error { _, err := node.PegOut(t.Context(), address, "0.50000000"); return err },
		func() error { _, err := node.Mine(t.Context(), 1); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	c, err := ltc.New(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Node = wallet{node}
	coinstest.Run(t, c, o)
}
