package coins

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"
	"strings"
)

// Total is a 128-bit signed sum of amounts in base units. Dogecoin's supply,
// and a hot address's lifetime turnover on any coin, does not fit int64. The
// zero value is zero. 2^63 additions of any amounts cannot overflow it.
type Total struct {
	hi int64
	lo uint64
}

// TotalSize is the length of a Total's stored form.
const TotalSize = 16

// TotalOf returns an amount as a total.
func TotalOf(a Amount) Total { return Total{hi: int64(a) >> 63, lo: uint64(a)} }

// Add returns t + a.
func (t Total) Add(a Amount) Total { return t.Plus(TotalOf(a)) }

// Sub returns t − a.
func (t Total) Sub(a Amount) Total { return t.Minus(TotalOf(a)) }

// Plus returns t + u.
func (t Total) Plus(u Total) Total {
	lo, carry := bits.Add64(t.lo, u.lo, 0)
	return Total{hi: t.hi + u.hi + int64(carry), lo: lo}
}

// Minus returns t − u.
func (t Total) Minus(u Total) Total {
	lo, borrow := bits.Sub64(t.lo, u.lo, 0)
	return Total{hi: t.hi - u.hi - int64(borrow), lo: lo}
}

// Cmp returns −1, 0 or 1 as t is less than, equal to or greater than u.
func (t Total) Cmp(u Total) int {
	switch difference := t.Minus(u); {
	case difference == Total{}:
		return 0
	case difference.hi < 0:
		return -1
	}
	return 1
}

// IsZero reports whether the sum is zero.
func (t Total) IsZero() bool { return t == Total{} }

// Amount returns the sum as an amount, and false where it does not fit.
func (t Total) Amount() (Amount, bool) {
	return Amount(t.lo), t.hi == int64(t.lo)>>63
}

// String writes whole coins with all eight places.
func (t Total) String() string {
	negative := t.hi < 0
	if negative {
		t = Total{}.Minus(t)
	}
	whole, fraction := new(big.Int).QuoRem(t.big(), big.NewInt(int64(Unit)), new(big.Int))
	text := fmt.Sprintf("%s.%08d", whole, fraction.Int64())
	if negative {
		return "-" + text
	}
	return text
}

// big returns a non-negative total as a big integer.
func (t Total) big() *big.Int {
	sum := new(big.Int).SetUint64(uint64(t.hi))
	return sum.Add(sum.Lsh(sum, 64), new(big.Int).SetUint64(t.lo))
}

// MarshalText writes the total as in [Total.String].
func (t Total) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what [Total.String] writes; it fails with [ErrAmount].
func (t *Total) UnmarshalText(text []byte) error {
	const longest = 40 // a sign, 126 bits and a point have no more characters
	whole, fraction, _ := strings.Cut(string(text), ".")
	if len(text) > longest || len(fraction) != Decimals || !digits(fraction) || !digits(strings.TrimPrefix(whole, "-")) {
		return fmt.Errorf("%q: %w", clip(string(text)), ErrAmount)
	}
	units, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok || units.BitLen() > 126 {
		return fmt.Errorf("%q: %w", clip(string(text)), ErrAmount)
	}
	magnitude := new(big.Int).Abs(units)
	hi := new(big.Int).Rsh(magnitude, 64)
	*t = Total{hi: hi.Int64(), lo: magnitude.Sub(magnitude, hi.Lsh(hi, 64)).Uint64()}
	if units.Sign() < 0 {
		*t = Total{}.Minus(*t)
	}
	return nil
}

// digits reports whether a text is one decimal digit or more and nothing else.
func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// AppendBinary appends the stored form: 16 bytes, big endian, two's complement.
func (t Total) AppendBinary(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(t.hi))
	return binary.BigEndian.AppendUint64(dst, t.lo)
}

// TotalFromBinary reads what [Total.AppendBinary] wrote; b has [TotalSize] bytes.
func TotalFromBinary(b []byte) Total {
	return Total{hi: int64(binary.BigEndian.Uint64(b)), lo: binary.BigEndian.Uint64(b[8:TotalSize])}
}
