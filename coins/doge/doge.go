package doge

import (
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// New returns Dogecoin on a network, or [coins.ErrNetwork].
func New(network coins.Network) (coins.Coin, error) {
	params, err := Params(network)
	if err != nil {
		return nil, err
	}
	return core.New(params)
}

// Params returns the parameters of a network, or [coins.ErrNetwork].
func Params(network coins.Network) (coins.Params, error) {
	switch network {
	case coins.Main:
		return mainnet(), nil
	case coins.Test:
		return testnet(), nil
	case coins.Regtest:
		return regtest(), nil
	}
	return coins.Params{}, fmt.Errorf("%s %q: %w", symbol, network, coins.ErrNetwork)
}

// symbol is the coin's short name.
const symbol coins.Symbol = "doge"

// maxBlock is the longest raw block, with its merge-mining proof. Consensus
// allows 1,000,000 bytes and 4,000,000 weight units, proof included; the
// second bounds the bytes also where the parent's coinbase carries a witness,
// which the first leaves out.
const maxBlock = 4_000_000
