package ltc

import (
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// New returns Litecoin on a network, or [coins.ErrNetwork].
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
const symbol coins.Symbol = "ltc"

// maxBlock is the longest raw block, with its extension. The transparent part
// has at most 4,000,000 bytes, as Bitcoin's. The MWEB part has at most 200,000
// weight units of its own, none of which buys more than about 60 bytes, and
// 50,000 inputs of about 200 bytes, which weigh nothing: 22 MB. Nodes read no
// structure longer than 32 MiB, so no block can be longer than this.
const maxBlock = 32 << 20
