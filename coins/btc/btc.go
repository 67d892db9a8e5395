package btc

import (
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// New returns Bitcoin on a network, or [coins.ErrNetwork].
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
	case coins.Testnet4:
		return testnet4(), nil
	case coins.Signet:
		return signet(), nil
	case coins.Regtest:
		return regtest(), nil
	}
	return coins.Params{}, fmt.Errorf("%s %q: %w", symbol, network, coins.ErrNetwork)
}

// symbol is the coin's short name.
const symbol coins.Symbol = "btc"

// maxBlock is the longest raw block. Consensus allows 4,000,000 weight units,
// and each byte weighs at least one, so no valid block is longer (Core's
// MAX_BLOCK_SERIALIZED_SIZE).
const maxBlock = 4_000_000
