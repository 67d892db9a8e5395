package coins_test

import (
	"math/big"
	"regexp"
	"strings"

	"coffer.example/coffer/coins"
)

// exactUnits reads a decimal of whole coins in base units, without a limit,
// and reports whether it has the form of one.
func exactUnits(text string) (*big.Int, bool) {
	form := regexp.MustCompile(`^-?[0-9]+(\.[0-9]{1,8})?$`)
	if !form.MatchString(text) || strings.HasSuffix(text, "\n") {
		return nil, false
	}
	whole, fraction, _ := strings.Cut(text, ".")
	fraction += strings.Repeat("0", coins.Decimals-len(fraction))
	return new(big.Int).SetString(whole+fraction, 10)
}
