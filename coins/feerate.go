package coins

import (
	"fmt"
	"math/bits"
)

// PerKVByte is a fee rate in base units per 1,000 virtual bytes (per 1,000
// bytes on coins without segwit). 1 sat/vB is 1,000.
type PerKVByte int64

// PerKWeight is a fee rate in base units per 1,000 weight units (BIP 141). 250
// is 1 sat/vB.
type PerKWeight int64

// Weight is a size in weight units (BIP 141): four per byte without witness,
// one per witness byte.
type Weight int64

// VBytes is a size in virtual bytes: a quarter of the weight, rounded up.
type VBytes int64

// VBytes returns the size in virtual bytes, rounded up.
func (w Weight) VBytes() VBytes { return VBytes((w + 3) / 4) }

// PerKWeight converts, rounding down, as nodes do.
func (r PerKVByte) PerKWeight() PerKWeight { return PerKWeight(r / 4) }

// PerKVByte converts; it is exact.
func (r PerKWeight) PerKVByte() PerKVByte { return PerKVByte(r * 4) }

// Fee returns the fee of a size, rounded up so that the rate is met. It fails
// with [ErrOverflow], also where rate or size is negative.
func (r PerKVByte) Fee(size VBytes) (Amount, error) {
	return ratedFee(int64(r), int64(size))
}

// Fee returns the fee of a weight, rounded up so that the rate is met. It
// fails with [ErrOverflow], also where rate or weight is negative.
func (r PerKWeight) Fee(weight Weight) (Amount, error) {
	return ratedFee(int64(r), int64(weight))
}

func ratedFee(rate, size int64) (Amount, error) {
	if rate < 0 || size < 0 {
		return 0, fmt.Errorf("fee of rate %d, size %d: %w", rate, size, ErrOverflow)
	}
	hi, lo := bits.Mul64(uint64(rate), uint64(size))
	lo, carry := bits.Add64(lo, 999, 0)
	hi += carry
	if hi >= 1000 {
		return 0, fmt.Errorf("fee of rate %d, size %d: %w", rate, size, ErrOverflow)
	}
	fee, _ := bits.Div64(hi, lo, 1000)
	if fee > 1<<63-1 {
		return 0, fmt.Errorf("fee of rate %d, size %d: %w", rate, size, ErrOverflow)
	}
	return Amount(fee), nil
}
