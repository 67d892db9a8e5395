package coins

import (
	"fmt"
	"math"
	"strconv"
)

// Decimals is the number of decimal places of a whole coin, for every coin
// that descends from Bitcoin.
const Decimals = 8

// Unit is one whole coin in base units.
const Unit Amount = 100_000_000

// Amount is money in base units (satoshi, litoshi, koinu): 1e-8 of a coin.
// It may be negative, for differences.
type Amount int64

// Add returns a + b, or [ErrOverflow].
func (a Amount) Add(b Amount) (Amount, error) {
	sum := a + b
	if (b > 0 && sum < a) || (b < 0 && sum > a) {
		return 0, fmt.Errorf("%d + %d: %w", int64(a), int64(b), ErrOverflow)
	}
	return sum, nil
}

// Sub returns a − b, or [ErrOverflow].
func (a Amount) Sub(b Amount) (Amount, error) {
	difference := a - b
	if (b > 0 && difference > a) || (b < 0 && difference < a) {
		return 0, fmt.Errorf("%d - %d: %w", int64(a), int64(b), ErrOverflow)
	}
	return difference, nil
}

// String writes whole coins with all eight places: "0.00010000".
func (a Amount) String() string {
	return string(a.appendText(make([]byte, 0, 24)))
}

// appendText appends what [Amount.String] returns, at most 21 bytes.
func (a Amount) appendText(dst []byte) []byte {
	magnitude := uint64(a)
	if a < 0 {
		dst = append(dst, '-')
		magnitude = -magnitude
	}
	return appendCoins(dst, magnitude/uint64(Unit), magnitude%uint64(Unit))
}

// appendCoins writes whole "." fraction, the fraction with all its places.
func appendCoins(dst []byte, whole, fraction uint64) []byte {
	dst = strconv.AppendUint(dst, whole, 10)
	dst = append(dst, '.')
	for place := uint64(Unit) / 10; place > 0; place /= 10 {
		dst = append(dst, '0'+byte(fraction/place%10))
	}
	return dst
}

// MarshalText writes the amount as in [Amount.String], so that JSON carries it
// as a decimal string.
func (a Amount) MarshalText() ([]byte, error) { return a.appendText(nil), nil }

// UnmarshalText reads what [ParseAmount] reads.
func (a *Amount) UnmarshalText(text []byte) error {
	parsed, err := ParseAmount(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// ParseAmount reads whole coins: an optional minus sign, digits, and an
// optional point with one to eight digits ("12", "0.5", "-0.00000001"). No
// exponent, no grouping, no plus sign. Fails with [ErrAmount].
func ParseAmount(text string) (Amount, error) {
	magnitude, negative, ok := parseCoins(text)
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	if !ok || magnitude > limit {
		return 0, fmt.Errorf("%q: %w", clip(text), ErrAmount)
	}
	if negative {
		return Amount(-magnitude), nil
	}
	return Amount(magnitude), nil
}

// parseCoins reads the digits of a decimal as base units.
func parseCoins(text string) (magnitude uint64, negative, ok bool) {
	if text != "" && text[0] == '-' {
		negative, text = true, text[1:]
	}
	digits, places, point := 0, 0, false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '.' && !point && digits > 0:
			point = true
		case c >= '0' && c <= '9' && places < Decimals:
			if magnitude > (math.MaxUint64-9)/10 {
				return 0, false, false
			}
			magnitude = magnitude*10 + uint64(c-'0')
			digits++
			if point {
				places++
			}
		default:
			return 0, false, false
		}
	}
	if digits == 0 || (point && places == 0) {
		return 0, false, false
	}
	for ; places < Decimals; places++ {
		if magnitude > math.MaxUint64/10 {
			return 0, false, false
		}
		magnitude *= 10
	}
	return magnitude, negative, true
}

// clip shortens hostile input for an error message.
func clip(text string) string {
	const most = 100
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
