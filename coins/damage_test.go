package coins_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"coffer.example/coffer/coins"
)

// TestTruncation cuts blocks at every byte. Behind the last transaction stands
// only MWEB data, which is stepped over: a cut there is no loss.
func TestTruncation(t *testing.T) {
	for _, block := range smallBlocks(t) {
		whole, err := load(block.raw, block.format, block.id())
		if err != nil {
			t.Fatalf("%s: %v", block.name, err)
		}
		end := int(whole.Layout.Txs[whole.Layout.TxCount()-1].End)
		for cut := range block.raw {
			_, err := load(block.raw[:cut:cut], block.format, block.id())
			if cut < end && !errors.Is(err, coins.ErrTruncated) && !errors.Is(err, coins.ErrMalformed) {
				t.Fatalf("%s cut at %d of %d: %v", block.name, cut, len(block.raw), err)
			}
			if cut >= end && err != nil && !known(err) {
				t.Fatalf("%s cut at %d, in its MWEB data: %v", block.name, cut, err)
			}
		}
	}
}

func TestTrailing(t *testing.T) {
	for _, block := range smallBlocks(t) {
		whole, err := load(block.raw, block.format, block.id())
		if err != nil {
			t.Fatal(err)
		}
		if whole.Layout.HogEx {
			continue // its MWEB data ends where the block does
		}
		for _, tail := range [][]byte{{0}, {1}, {1, 2, 3}, make([]byte, 100)} {
			_, err := load(append(bytes.Clone(block.raw), tail...), block.format, block.id())
			if !errors.Is(err, coins.ErrTrailing) {
				t.Errorf("%s with %x behind: %v, want %v", block.name, tail, err, coins.ErrTrailing)
			}
		}
	}
}

// TestMutation changes blocks at random. Nothing may panic, and what still
// loads under the same hash has the same transactions.
func TestMutation(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	rounds := 2_000
	if testing.Short() {
		rounds = 200
	}
	survived := 0
	for _, block := range smallBlocks(t) {
		whole, err := load(block.raw, block.format, block.id())
		if err != nil {
			t.Fatal(err)
		}
		for range rounds {
			mutant, err := load(mutate(random, block.raw), block.format, block.id())
			if err != nil {
				if !known(err) {
					t.Fatalf("%s: %v", block.name, err)
				}
				continue
			}
			survived++
			sameCoins(t, whole, mutant)
		}
	}
	t.Logf("%d mutants loaded: changed witnesses, MWEB data and parents' headers", survived)
}

func mutate(random *rand.Rand, raw []byte) []byte {
	mutant := bytes.Clone(raw)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(mutant))
		switch random.IntN(5) {
		case 0:
			mutant[at] ^= 1 << random.IntN(8)
		case 1:
			mutant[at] = []byte{0, 1, 0xfc, 0xfd, 0xfe, 0xff}[random.IntN(6)]
		case 2:
			mutant = append(mutant[:at], mutant[at+1:]...)
		case 3:
			mutant = append(mutant[:at], append([]byte{byte(random.Uint32())}, mutant[at:]...)...)
		default:
			end := min(len(mutant), at+random.IntN(100))
			mutant = append(mutant, mutant[at:end]...)
		}
	}
	return mutant
}

// sameCoins holds that two blocks spend and create the same.
func sameCoins(tb testing.TB, a, b *coins.Block) {
	tb.Helper()
	if a.Layout.TxCount() != b.Layout.TxCount() || len(a.Layout.Ins) != len(b.Layout.Ins) || len(a.Layout.Outs) != len(b.Layout.Outs) {
		tb.Fatal("a block with other transactions has the same merkle root")
	}
	for i := range a.Layout.TxCount() {
		if a.TxID(i) != b.TxID(i) {
			tb.Fatalf("transaction %d differs", i)
		}
	}
	for n := range a.Layout.Ins {
		if a.Layout.OutPoint(a.Raw, n) != b.Layout.OutPoint(b.Raw, n) {
			tb.Fatalf("input %d differs", n)
		}
	}
	for n := range a.Layout.Outs {
		if a.Layout.Value(a.Raw, n) != b.Layout.Value(b.Raw, n) || !bytes.Equal(a.Layout.Script(a.Raw, n), b.Layout.Script(b.Raw, n)) {
			tb.Fatalf("output %d differs", n)
		}
	}
}

// TestLoadReuses loads blocks of all kinds one after the other into the same
// Block, good and broken: nothing of one shows in the next.
func TestLoadReuses(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var reused coins.Block
	for _, block := range smallBlocks(t) {
		reused.Raw = mutate(random, block.raw)
		_ = reused.Load(block.format, block.id(), coins.VerifyMerkle) // whatever it says
		reused.Raw = block.raw
		for _, verify := range []coins.Verify{coins.VerifyMerkle, coins.VerifyHeader} {
			if err := reused.Load(block.format, block.id(), verify); err != nil {
				t.Fatalf("%s: %v", block.name, err)
			}
			fresh, err := load(block.raw, block.format, block.id())
			if err != nil {
				t.Fatal(err)
			}
			sameCoins(t, fresh, &reused)
			if fresh.Layout.HogEx != reused.Layout.HogEx {
				t.Errorf("%s: HogEx %t in a used block", block.name, reused.Layout.HogEx)
			}
		}
	}
}

// TestHostileCounts gives counts that no block of that length can hold: they
// must cost nothing.
func TestHostileCounts(t *testing.T) {
	block := smallBlocks(t)[0]
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	plain := []int{coins.HeaderSize, coins.HeaderSize + 1 + 4, coins.HeaderSize + 1 + 4 + 1 + 36}
	for _, at := range plain {
		raw := append(bytes.Clone(block.raw[:at]), huge...)
		raw = append(raw, block.raw[at+1:]...)
		allocated := testing.AllocsPerRun(10, func() {
			var l coins.Layout
			if err := block.format.Walk(raw, &l); !known(err) {
				t.Errorf("count at %d: %v", at, err)
			}
		})
		if allocated > 20 {
			t.Errorf("count at %d: %.0f allocations", at, allocated)
		}
	}
	format := block.format
	format.MaxBlock = len(block.raw) - 1
	if _, err := load(block.raw, format, block.id()); !errors.Is(err, coins.ErrMalformed) {
		t.Errorf("a byte over the limit: %v, want %v", err, coins.ErrMalformed)
	}
}

// TestCompactSizeForms refuses lengths in a longer form than needed.
func TestCompactSizeForms(t *testing.T) {
	block := smallBlocks(t)[0]
	for _, form := range [][]byte{{0xfd, 1, 0}, {0xfe, 1, 0, 0, 0}, {0xff, 1, 0, 0, 0, 0, 0, 0, 0}} {
		raw := append(bytes.Clone(block.raw[:coins.HeaderSize]), form...)
		raw = append(raw, block.raw[coins.HeaderSize+1:]...)
		if _, err := load(raw, block.format, block.id()); !errors.Is(err, coins.ErrMalformed) {
			t.Errorf("count as %x: %v, want %v", form, err, coins.ErrMalformed)
		}
	}
}
