package doge_test

import (
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/coinstest"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/internal/testnodes"
)

// options are the facts of Dogecoin's policy and of a network's consensus.
func options(network coins.Network) coinstest.Options {
	o := coinstest.Options{
		Dust: map[coins.ScriptType]coins.Amount{
			coins.PubKeyHash: 100_000, coins.ScriptHash: 100_000, coins.PubKey: 100_000, coins.NullData: 0,
		},
		Maturity: map[coins.Height]coins.Height{0: 30, 144_999: 30, 145_000: 240, 371_337: 240, coins.MaxHeight: 240},
		Foreign: []string{
			"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",         // Bitcoin main
			"LaMT348PWRnrqeeWArpwQPbuanpXDZGEUz",         // Litecoin main
			"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", // Bitcoin main
		},
	}
	if network == coins.Regtest {
		o.Maturity = map[coins.Height]coins.Height{0: 60, 145_000: 60}
		o.Fixtures = []string{"../testdata/doge-regtest.jsonl.gz"}
	}
	return o
}

func TestConformance(t *testing.T) {
	for _, network := range []coins.Network{coins.Main, coins.Test, coins.Regtest} {
		t.Run(string(network), func(t *testing.T) {
			c, err := doge.New(network)
			if err != nil {
				t.Fatal(err)
			}
			coinstest.Run(t, c, options(network))
		})
	}
}

func TestConformanceWithNode(t *testing.T) {
	node := testnodes.StartTB(t.Context(), t, testnodes.Options{Coin: testnodes.DOGE})
	if err := node.Fund(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	c, err := doge.New(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	o := options(coins.Regtest)
	o.Node = node
	coinstest.Run(t, c, o)
}
