package coins_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
)

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]coins.Amount{
		"0": 0, "-0": 0, "1": coins.Unit, "0.5": 50_000_000, "-0.00000001": -1, "00012.10": 1_210_000_000,
		"0.00010000": 10_000, "92233720368.54775807": math.MaxInt64, "-92233720368.54775808": math.MinInt64,
		"9000000.00000000": 900_000_000_000_000,
	} {
		got, err := coins.ParseAmount(text)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "-", "+1", ".", "1.", ".5", "-.5", "1e8", "1,5", "1_000", " 1", "1 ", "0x10", "--1", "1.2.3", "1.-2",
		"0.000000001", "0.000000000", "92233720368.54775808", "-92233720368.54775809", "184467440737.09551616",
		"99999999999999999999999", "NaN", "１",
	} {
		if got, err := coins.ParseAmount(text); !errors.Is(err, coins.ErrAmount) {
			t.Errorf("%q: %d, %v; want %v", text, got, err, coins.ErrAmount)
		}
	}
}

func TestAmountText(t *testing.T) {
	for amount, want := range map[coins.Amount]string{
		0: "0.00000000", 1: "0.00000001", -1: "-0.00000001", coins.Unit: "1.00000000",
		math.MaxInt64: "92233720368.54775807", math.MinInt64: "-92233720368.54775808",
		// Beyond what a float holds: btcutil prints this one wrong.
		9_007_199_254_740_993: "90071992.54740993",
	} {
		if got := amount.String(); got != want {
			t.Errorf("%d: %s, want %s", int64(amount), got, want)
		}
	}
	data, err := json.Marshal(struct{ A coins.Amount }{10_000})
	if err != nil || string(data) != `{"A":"0.00010000"}` {
		t.Errorf("%s, %v", data, err)
	}
	var back struct{ A coins.Amount }
	if err := json.Unmarshal([]byte(`{"A":0.5}`), &back); err == nil {
		t.Errorf("a JSON number was read as %s: amounts are strings", back.A)
	}
}

// drawAmount favours the ends of the range.
func drawAmount(rt *rapid.T, name string) coins.Amount {
	return coins.Amount(rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1})).Draw(rt, name))
}

func TestAmountAgainstBig(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := drawAmount(rt, "a"), drawAmount(rt, "b")
		parsed, err := coins.ParseAmount(a.String())
		if err != nil || parsed != a {
			rt.Fatalf("%s read back as %d, %v", a, parsed, err)
		}
		exactA, exactB := big.NewInt(int64(a)), big.NewInt(int64(b))
		sum, err := a.Add(b)
		compareExact(rt, new(big.Int).Add(exactA, exactB), sum, err)
		difference, err := a.Sub(b)
		compareExact(rt, new(big.Int).Sub(exactA, exactB), difference, err)
	})
}

func compareExact(rt *rapid.T, want *big.Int, got coins.Amount, err error) {
	if fits := want.IsInt64(); fits != (err == nil) || (fits && want.Int64() != int64(got)) {
		rt.Fatalf("%d, %v; want %s", got, err, want)
	}
	if err != nil && !errors.Is(err, coins.ErrOverflow) {
		rt.Fatalf("%v, want %v", err, coins.ErrOverflow)
	}
}

func TestTotalAgainstBig(t *testing.T) {
	unit := big.NewInt(int64(coins.Unit))
	rapid.Check(t, func(rt *rapid.T) {
		total, exact := coins.Total{}, new(big.Int)
		for range rapid.IntRange(0, 40).Draw(rt, "steps") {
			a := drawAmount(rt, "amount")
			if rapid.Bool().Draw(rt, "add") {
				total, exact = total.Add(a), exact.Add(exact, big.NewInt(int64(a)))
			} else {
				total, exact = total.Sub(a), exact.Sub(exact, big.NewInt(int64(a)))
			}
			if rapid.IntRange(0, 9).Draw(rt, "double") == 0 {
				total, exact = total.Plus(total), exact.Add(exact, exact)
			}
		}
		whole, fraction := new(big.Int).QuoRem(new(big.Int).Abs(exact), unit, new(big.Int))
		want := whole.String() + "." + zeroPad(fraction)
		if exact.Sign() < 0 {
			want = "-" + want
		}
		if total.String() != want {
			rt.Fatalf("%s, want %s", total, want)
		}
		if amount, ok := total.Amount(); ok != exact.IsInt64() || (ok && int64(amount) != exact.Int64()) {
			rt.Fatalf("%s as an amount: %d, %t", total, amount, ok)
		}
		if total.IsZero() != (exact.Sign() == 0) || total.Cmp(coins.Total{}) != exact.Sign() {
			rt.Fatalf("%s compares wrongly with zero", total)
		}
		checkTotalForms(rt, total)
	})
}

func zeroPad(fraction *big.Int) string {
	digits := fraction.String()
	for len(digits) < coins.Decimals {
		digits = "0" + digits
	}
	return digits
}

func checkTotalForms(rt *rapid.T, total coins.Total) {
	if stored := total.AppendBinary(nil); len(stored) != coins.TotalSize || coins.TotalFromBinary(stored) != total {
		rt.Fatalf("%s stored as %x", total, stored)
	}
	text, err := total.MarshalText()
	var back coins.Total
	if err := errors.Join(err, back.UnmarshalText(text)); err != nil || back != total {
		rt.Fatalf("%s read back as %s, %v", text, back, err)
	}
}

func TestTotalGolden(t *testing.T) {
	for text, want := range map[string]string{
		"0.00000000":              "00000000000000000000000000000000",
		"0.00000001":              "00000000000000000000000000000001",
		"-0.00000001":             "ffffffffffffffffffffffffffffffff",
		"184467440737.09551616":   "00000000000000010000000000000000",
		"-184467440737.09551616":  "ffffffffffffffff0000000000000000",
		"1000000000000.00000000":  "00000000000000056bc75e2d63100000",
		"-1000000000000.00000001": "fffffffffffffffa9438a1d29cefffff",
	} {
		var total coins.Total
		if err := total.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(total.AppendBinary(nil)); got != want {
			t.Errorf("%s stored as %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "1", "1.5", "1.000000000", "+1.00000000", "1.0000000x", "0x1.00000000", "1_0.00000000",
		"99999999999999999999999999999999999999.00000000", "-.00000001", ".00000001", "1.-0000001", "--1.00000000"} {
		var total coins.Total
		if err := total.UnmarshalText([]byte(text)); !errors.Is(err, coins.ErrAmount) {
			t.Errorf("%q read as %s, %v; want %v", text, total, err, coins.ErrAmount)
		}
	}
}

func TestFeesAgainstBig(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.OneOf(rapid.Int64Range(-5, 5_000_000), rapid.Int64()).Draw(rt, "rate")
		size := rapid.OneOf(rapid.Int64Range(-5, 4_000_000), rapid.Int64()).Draw(rt, "size")
		exact := new(big.Int).Mul(big.NewInt(rate), big.NewInt(size))
		exact.Add(exact, big.NewInt(999)).Div(exact, big.NewInt(1000))
		fits := rate >= 0 && size >= 0 && exact.IsInt64()
		byBytes, err := coins.PerKVByte(rate).Fee(coins.VBytes(size))
		byWeight, err2 := coins.PerKWeight(rate).Fee(coins.Weight(size))
		if byBytes != byWeight || (err == nil) != fits || (err2 == nil) != fits || (fits && int64(byBytes) != exact.Int64()) {
			rt.Fatalf("%d × %d: %d, %d, %v; want %s", rate, size, byBytes, byWeight, err, exact)
		}
		if err != nil && !errors.Is(err, coins.ErrOverflow) {
			rt.Fatal(err)
		}
	})
}

func TestRateConversions(t *testing.T) {
	for weight, want := range map[coins.Weight]coins.VBytes{0: 0, 1: 1, 4: 1, 5: 2, 561: 141, 4_000_000: 1_000_000} {
		if got := weight.VBytes(); got != want {
			t.Errorf("%d weight units are %d vB, want %d", weight, got, want)
		}
	}
	if got := coins.PerKVByte(1_003).PerKWeight(); got != 250 {
		t.Errorf("1003 per kvB is %d per kWU, want 250", got)
	}
	if got := coins.PerKWeight(250).PerKVByte(); got != 1_000 {
		t.Errorf("250 per kWU is %d per kvB, want 1000", got)
	}
}
