package core

import (
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// coin is immutable after New.
type coin struct {
	params coins.Params
	// ambiguous says that P2SHForeign versions are read.
	ambiguous bool
}

var _ coins.Coin = (*coin)(nil)

// Option changes how a coin reads addresses.
type Option func(*coin)

// AcceptAmbiguous makes the coin read addresses that another coin reads too
// ([coins.AddressParams.P2SHForeign]) instead of refusing them with
// [coins.ErrAmbiguous]. It is for people who have checked where they come from.
func AcceptAmbiguous() Option { return func(c *coin) { c.ambiguous = true } }

// New returns the coin that the parameters describe, or [ErrParams] with
// every fault in them.
func New(params coins.Params, options ...Option) (coins.Coin, error) {
	if err := validate(&params); err != nil {
		return nil, fmt.Errorf("%s %s: %w", params.Symbol, params.Network, err)
	}
	// The slices are ours: a caller that reuses its own changes nothing here.
	params.Address.P2PKH = slices.Clone(params.Address.P2PKH)
	params.Address.P2SH = slices.Clone(params.Address.P2SH)
	params.Address.P2SHForeign = slices.Clone(params.Address.P2SHForeign)
	params.Address.HDAliases = slices.Clone(params.Address.HDAliases)
	params.Chain.Maturity = slices.Clone(params.Chain.Maturity)
	c := &coin{params: params}
	for _, option := range options {
		option(c)
	}
	return c, nil
}

// Params returns the coin's data.
func (c *coin) Params() *coins.Params { return &c.params }

// Sizes of what spending an output adds to a transaction, in bytes, as Core's
// GetDustThreshold has them: outpoint, script length, script, sequence.
const (
	spendLegacy  = 32 + 4 + 1 + 107 + 4
	spendWitness = 32 + 4 + 1 + 107/4 + 4
)

// Dust returns what [coins.Coin] says. Outputs that nothing can spend have no
// dust limit.
func (c *coin) Dust(script []byte) coins.Amount {
	if coins.Unspendable(script) {
		return 0
	}
	policy := &c.params.Policy
	if policy.DustRate == 0 {
		return policy.HardDust
	}
	size := 8 + compactSizeLen(len(script)) + len(script) + spendLegacy
	if _, _, ok := witnessProgram(script); ok {
		size += spendWitness - spendLegacy
	}
	// A spendable script has at most 10,000 bytes and validate bounds the rate,
	// so the product is far below what fits.
	fee, _ := policy.DustRate.Fee(coins.VBytes(size))
	return fee
}

// compactSizeLen is the length of a script length's serialization.
func compactSizeLen(n int) int {
	if n < 0xfd {
		return 1
	}
	return 3
}
