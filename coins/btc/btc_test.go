package btc_test

import (
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/coinstest"
	"coffer.example/coffer/internal/testnodes"
)

// options are the facts of Bitcoin's policy and consensus.
func options() coinstest.Options {
	return coinstest.Options{
		Dust: map[coins.ScriptType]coins.Amount{
			coins.PubKeyHash: 546, coins.ScriptHash: 540, coins.WitnessV0PK: 294,
			coins.WitnessV0SH: 330, coins.WitnessV1TR: 330, coins.Anchor: 240, coins.NullData: 0,
		},
		Maturity: map[coins.Height]coins.Height{0: 100, 1: 100, 900_000: 100, coins.MaxHeight: 100},
		Foreign: []string{
			"DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",           // Dogecoin main
			"LaMT348PWRnrqeeWArpwQPbuanpXDZGEUz",           // Litecoin main
			"rltc1qdke6vl49z0ftc46yzxzf78enz8xmqers0gtkmd", // Litecoin regtest
		},
	}
}

func TestConformance(t *testing.T) {
	for _, network := range []coins.Network{coins.Main, coins.Test, coins.Testnet4, coins.Signet, coins.Regtest} {
		t.Run(string(network), func(t *testing.T) {
			c, err := btc.New(network)
			if err != nil {
				t.Fatal(err)
			}
			coinstest.Run(t, c, options())
		})
	}
}

func TestConformanceWithNode(t *testing.T) {
	node := testnodes.StartTB(t.Context(), t, testnodes.Options{Coin: testnodes.BTC})
	if err := node.Fund(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	address, err := node.NewAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Send(t.Context(), address, "1.50000000"); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Mine(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c, err := btc.New(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Node = node
	coinstest.Run(t, c, o)
}
