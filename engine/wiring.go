package engine

import (
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
)

// wire is one row of the table that plugs coins in.
type wire struct {
	symbol coins.Symbol
	open   func(coins.Network) (coins.Coin, error)
	// headerWork says that a header's double SHA-256 is its proof of work.
	headerWork bool
}

// wiring is the table: a new coin is one row here, and its folder.
func wiring() []wire {
	return []wire{
		{"btc", btc.New, true},
		{"ltc", ltc.New, false},
		{"doge", doge.New, false},
	}
}

func wireOf(symbol coins.Symbol) (wire, bool) {
	for _, w := range wiring() {
		if w.symbol == symbol {
			return w, true
		}
	}
	return wire{}, false
}

// Symbols returns the coins that this build knows.
func Symbols() []coins.Symbol {
	var symbols []coins.Symbol
	for _, w := range wiring() {
		symbols = append(symbols, w.symbol)
	}
	return symbols
}

// CoinFor returns a coin on a network; it fails with [ErrInput] for one that Coffer does not
// know, naming those that it does.
func CoinFor(symbol coins.Symbol, network coins.Network) (coins.Coin, error) {
	w, ok := wireOf(symbol)
	if !ok {
		return nil, fmt.Errorf("%q is not a coin that Coffer knows, which are %v: %w", symbol, Symbols(), ErrInput)
	}
	coin, err := w.open(network)
	if errors.Is(err, coins.ErrNetwork) {
		return nil, fmt.Errorf("%s has no network %q, it has %v: %w", symbol, network, networksOf(symbol), ErrInput)
	}
	return coin, err
}

// networksOf returns the names of the networks that a coin has, none for a coin that is not known.
func networksOf(symbol coins.Symbol) []string {
	w, ok := wireOf(symbol)
	if !ok {
		return nil
	}
	var names []string
	for _, network := range []coins.Network{coins.Main, coins.Test, coins.Testnet4, coins.Signet, coins.Regtest} {
		if _, err := w.open(network); err == nil {
			names = append(names, string(network))
		}
	}
	return names
}

// knownChains names every chain of every coin by its genesis hash, for errors about a node of the wrong one.
func knownChains() map[coins.BlockHash]string {
	known := map[coins.BlockHash]string{}
	for _, symbol := range Symbols() {
		for _, network := range networksOf(symbol) {
			if coin, err := CoinFor(symbol, coins.Network(network)); err == nil {
				known[coin.Params().Chain.Genesis] = coin.Params().Name + " " + network
			}
		}
	}
	return known
}
