package simnode

import (
	"math/rand/v2"
	"testing"

	"coffer.example/coffer/coins"
)

// active returns a chain on which much has happened, and the log of it.
func active(tb testing.TB, coin coins.Coin, seed uint64, steps int) (*Chain, []string) {
	c := newChain(tb, Config{Coin: coin, Seed: seed, MWEBFrom: 110})
	must(tb, c.Fund(10))
	rng := rand.New(rand.NewPCG(seed, 77))
	var watched [][]byte
	for range 5 {
		watched = append(watched, AnyScript(rng, coin.Params().Format))
	}
	a := NewActivity(c, seed, watched...)
	var log []string
	for i := range steps {
		what, err := a.Step()
		if err != nil {
			tb.Fatalf("step %d: %s: %v", i, what, err)
		}
		log = append(log, what)
	}
	return c, log
}

func TestActivity(t *testing.T) {
	eachCoin(t, func(t *testing.T, coin coins.Coin) {
		for seed := range uint64(4) {
			c, log := active(t, coin, seed, 150)
			checkChain(t, c)
			checkPool(t, c)
			again, logAgain := active(t, coin, seed, 150)
			for i := range log {
				if log[i] != logAgain[i] {
					t.Fatalf("seed %d step %d: %s, then %s", seed, i, log[i], logAgain[i])
				}
			}
			if c.Tip() != again.Tip() {
				t.Fatalf("seed %d: tips %s and %s", seed, c.Tip(), again.Tip())
			}
		}
		a, _ := active(t, coin, 1, 40)
		b, _ := active(t, coin, 2, 40)
		if a.Tip() == b.Tip() {
			t.Fatal("two seeds made the same chain")
		}
	})
}

// checkPool applies the mempool to the coin set, parents first.
func checkPool(tb testing.TB, c *Chain) {
	tb.Helper()
	v := c.newView(c.Tip().Height + 1)
	for _, entry := range c.pool.order {
		fee, err := v.apply(entry.tx)
		must(tb, err)
		if fee != entry.fee || entry.id != entry.tx.ID() || c.pool.byID[entry.id] != entry {
			tb.Fatalf("mempool entry %s: fee %s, kept as %s", entry.id, fee, entry.fee)
		}
	}
	if len(c.pool.byID) != len(c.pool.order) {
		tb.Fatalf("%d entries by id, %d in order", len(c.pool.byID), len(c.pool.order))
	}
}

func BenchmarkMineSmall(b *testing.B) {
	for name, coin := range testCoins(b) {
		b.Run(name, func(b *testing.B) {
			c := ready(b, coin, 1)
			script := RandomScript(rand.New(rand.NewPCG(1, 1)), P2PKH)
			for b.Loop() {
				got(c.Mine(1, Pay(script, 10_000)))(b)
			}
		})
	}
}

func BenchmarkMineFull(b *testing.B) {
	c := ready(b, testCoins(b)["doge"], 1)
	b.SetBytes(990_000)
	for b.Loop() {
		got(c.Mine(1, Fill(990_000)))(b)
	}
}
