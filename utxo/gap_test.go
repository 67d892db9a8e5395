package utxo_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// payingChain makes blocks above each other from the start on, each of which
// pays one to a script.
func payingChain(blocks, n int) (chain []*testBlock) {
	var tip *testBlock
	for i := range blocks {
		tip = newBlock(tip, testStart, uint32(i), coinbaseTx(uint32(i), pay(n, 1)))
		chain = append(chain, tip)
	}
	return chain
}

// connectAll connects blocks above the index's tip.
func connectAll(t *testing.T, x *utxo.Index, chain []*testBlock) {
	t.Helper()
	for _, b := range chain {
		if err := x.Connect(t.Context(), b.load(t, testCoin(t))); err != nil {
			t.Fatal(err)
		}
	}
}

// holds fails unless a script is complete and holds so much.
func holds(t *testing.T, x *utxo.Index, n int, want coins.Amount) {
	t.Helper()
	watch, found, err := x.Watched(t.Context(), script(n))
	if err != nil || !found || watch.State != utxo.Live {
		t.Fatalf("script %d: %+v, %v, %v", n, watch, found, err)
	}
	b, err := x.Balance(t.Context(), script(n))
	if err != nil || b.Confirmed != coins.TotalOf(want) {
		t.Fatalf("script %d holds %s, paid were %d: %v", n, b.Confirmed, want, err)
	}
	if err := x.Check(t.Context(), func(string, int) {}); err != nil {
		t.Fatal(err)
	}
}

// TestImportBehindTip imports with a range that ended at a tip which has been
// passed since the caller looked: no block may fall between the range and the
// blocks that the script is live in.
func TestImportBehindTip(t *testing.T) {
	chain := payingChain(8, 0)
	x := openOn(t, memkv.New(testRows))
	connectAll(t, x, chain[:6])
	if _, err := x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(0)}}, &utxo.JobSpec{From: testStart, To: testStart + 2}); err != nil {
		t.Fatal(err)
	}
	connectAll(t, x, chain[6:])
	if err := runJob(t.Context(), t, x, chain); err != nil {
		t.Fatal(err)
	}
	holds(t, x, 0, 8)
}

// between calls meanwhile in a goroutine of its own at the first commit.
type between struct {
	*memkv.Store
	once      sync.Once
	meanwhile func()
	done      chan struct{}
}

func (b *between) Update(ctx context.Context, write func(utxo.Writer) error) error {
	b.once.Do(func() {
		go func() {
			defer close(b.done)
			b.meanwhile()
		}()
	})
	return b.Store.Update(ctx, write)
}

// TestImportWhileConnecting imports so many scripts that it takes many commits,
// and blocks are connected between them.
func TestImportWhileConnecting(t *testing.T) {
	const last = 140_000
	chain := payingChain(8, last)
	rows := memkv.New(testRows)
	x := openOn(t, rows)
	connectAll(t, x, chain[:3])
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	store := &between{Store: rows.Reopen(), done: make(chan struct{})}
	x = openOn(t, store)
	store.meanwhile = func() {
		for _, b := range chain[3:] {
			if err := x.Connect(context.Background(), b.load(t, testCoin(t))); err != nil {
				t.Error(err)
			}
		}
	}
	var specs []utxo.WatchSpec
	for n := range last + 1 {
		specs = append(specs, utxo.WatchSpec{Script: script(n)})
	}
	result, err := x.Watch(t.Context(), specs, &utxo.JobSpec{From: testStart})
	if err != nil || result.Added != last+1 {
		t.Fatal(result, err)
	}
	<-store.done
	if err := runJob(t.Context(), t, x, chain); err != nil {
		t.Fatal(err)
	}
	holds(t, x, last, 8)
}

// TestTwiceInOneImport names a script twice: the earlier birth counts.
func TestTwiceInOneImport(t *testing.T) {
	chain := payingChain(5, 0)
	x := openOn(t, memkv.New(testRows))
	connectAll(t, x, chain)
	specs := []utxo.WatchSpec{{Script: script(0), Birth: testStart + 4}, {Script: script(0), Birth: testStart + 1, Label: "hot"}}
	result, err := x.Watch(t.Context(), specs, &utxo.JobSpec{From: testStart})
	if err != nil || result.Added != 1 || result.Known != 1 {
		t.Fatal(result, err)
	}
	if err := runJob(t.Context(), t, x, chain); err != nil {
		t.Fatal(err)
	}
	holds(t, x, 0, 4)
}

// failing is a store of which one commit fails.
type failing struct {
	*memkv.Store
	left int
}

func (f *failing) Update(ctx context.Context, write func(utxo.Writer) error) error {
	if f.left--; f.left == 0 {
		return errFault
	}
	return f.Store.Update(ctx, write)
}

// TestInterruptedImport fails an import behind its first commit: what was
// stored stays watched, and its job can be run.
func TestInterruptedImport(t *testing.T) {
	chain := payingChain(5, 0)
	store := &failing{Store: memkv.New(testRows)}
	x := openOn(t, store)
	connectAll(t, x, chain)
	var specs []utxo.WatchSpec
	for n := range 50_001 {
		specs = append(specs, utxo.WatchSpec{Script: script(n)})
	}
	store.left = 2
	result, err := x.Watch(t.Context(), specs, &utxo.JobSpec{From: testStart})
	if !errors.Is(err, errFault) || result.Added != 50_000 || result.Job != 1 {
		t.Fatal(result, err)
	}
	if err := runJob(t.Context(), t, x, chain); err != nil {
		t.Fatal(err)
	}
	holds(t, x, 0, 5)
}
