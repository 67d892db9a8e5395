package descriptor

import (
	"fmt"
	"strings"
)

const (
	// inputSet are the characters of a descriptor in groups of 32, digits those
	// of its checksum (BIP 380).
	inputSet = "0123456789()[],'/*abcdefgh@:$%{}" + "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~" + "ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	digits   = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

	checksumSize = 8
)

// polymod takes one symbol into the checksum.
func polymod(sum uint64, symbol int) uint64 {
	top := sum >> 35
	sum = (sum&0x7ffffffff)<<5 ^ uint64(symbol)
	for i, generator := range [...]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
		if top>>i&1 != 0 {
			sum ^= generator
		}
	}
	return sum
}

// checksum returns the checksum of a descriptor without one.
func checksum(text string) (string, error) {
	sum, group, inGroup := uint64(1), 0, 0
	for i := range len(text) {
		at := strings.IndexByte(inputSet, text[i])
		if at < 0 {
			return "", fmt.Errorf("character %d is not one that descriptors have: %w", i+1, ErrDescriptor)
		}
		sum = polymod(sum, at&31)
		group, inGroup = group*3+at>>5, inGroup+1
		if inGroup == 3 {
			sum, group, inGroup = polymod(sum, group), 0, 0
		}
	}
	if inGroup > 0 {
		sum = polymod(sum, group)
	}
	for range checksumSize {
		sum = polymod(sum, 0)
	}
	sum ^= 1
	var out [checksumSize]byte
	for i := range out {
		out[i] = digits[sum>>(5*(checksumSize-1-i))&31]
	}
	return string(out[:]), nil
}

// cutChecksum takes the checksum off a text, having verified it where there is
// one.
func cutChecksum(text string) (string, error) {
	body, given, found := strings.Cut(text, "#")
	if !found {
		_, err := checksum(text)
		return text, err
	}
	if len(given) != checksumSize {
		return "", fmt.Errorf("the checksum after # has %d characters, not %d: %w", len(given), checksumSize, ErrChecksum)
	}
	want, err := checksum(body)
	if err != nil {
		return "", err
	}
	if given != want {
		return "", fmt.Errorf("the text does not match its checksum %s: %w", quoteChecksum(given), ErrChecksum)
	}
	return body, nil
}

// quoteChecksum shows a checksum that was given, unless it is none.
func quoteChecksum(given string) string {
	if strings.Trim(given, digits) != "" {
		return "(which has characters that no checksum has)"
	}
	return given
}
