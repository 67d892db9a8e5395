package whole_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
	"coffer.example/coffer/utxo/whole"
)

var errFault = errors.New("injected fault")

// faulty is a store of which the n-th call fails: View, Update, Get, Scan,
// Set and Delete all count.
type faulty struct {
	*memkv.Store
	left  int
	fired bool
}

func (f *faulty) hit() error {
	if f.left--; f.left == 0 {
		f.fired = true
		return errFault
	}
	return nil
}

func (f *faulty) View(ctx context.Context, read func(utxo.Reader) error) error {
	if err := f.hit(); err != nil {
		return err
	}
	return f.Store.View(ctx, func(r utxo.Reader) error { return read(faultyReader{f, r}) })
}

func (f *faulty) Update(ctx context.Context, write func(utxo.Writer) error) error {
	if err := f.hit(); err != nil {
		return err
	}
	return f.Store.Update(ctx, func(w utxo.Writer) error {
		if err := write(faultyWriter{faultyReader{f, w}, w}); err != nil {
			return err
		}
		return f.hit() // the commit itself
	})
}

type faultyReader struct {
	f *faulty
	utxo.Reader
}

func (r faultyReader) Get(key, dst []byte) ([]byte, bool, error) {
	if err := r.f.hit(); err != nil {
		return nil, false, err
	}
	return r.Reader.Get(key, dst)
}

func (r faultyReader) Scan(prefix, from []byte, backwards bool, each func(key, value []byte) error) error {
	if err := r.f.hit(); err != nil {
		return err
	}
	return r.Reader.Scan(prefix, from, backwards, func(key, value []byte) error {
		if err := r.f.hit(); err != nil {
			return err
		}
		return each(key, value)
	})
}

type faultyWriter struct {
	faultyReader
	w utxo.Writer
}

func (w faultyWriter) Set(key, value []byte) error {
	if err := w.f.hit(); err != nil {
		return err
	}
	return w.w.Set(key, value)
}

func (w faultyWriter) Delete(key []byte) error {
	if err := w.f.hit(); err != nil {
		return err
	}
	return w.w.Delete(key)
}

// story is what the index is led through: chains, one after the other.
func story() (goals [][]*testBlock) {
	m := &maker{Rand: rand.New(rand.NewPCG(5, 5)), busy: true}
	chain := []*testBlock{genesis()}
	grow := func(n int) {
		for range n {
			chain = append(chain, m.block(chain))
		}
		goals = append(goals, slices.Clone(chain))
	}
	grow(6)
	grow(1)
	chain = chain[:5]
	grow(4)
	grow(1)
	chain = chain[:len(chain)-1]
	grow(2)
	return goals
}

// bring leads an index to a chain as the scanner would: every third block is
// said to be the last for now.
func bring(ctx context.Context, tb testHelper, x *whole.Index, goal []*testBlock) error {
	for {
		tip, begun, err := x.Tip(ctx)
		if err != nil {
			return err
		}
		next := 0
		if begun {
			next = int(tip.Height) + 1
		}
		switch {
		case begun && (next > len(goal) || goal[tip.Height].id() != tip):
			err = x.Disconnect(ctx, tip)
		case next == len(goal):
			return x.Mempool(ctx, coins.MempoolChange{})
		default:
			b := goal[next].load(tb, testCoin(tb))
			b.More = next%3 != 0
			err = x.Connect(ctx, b)
			scribble(b)
		}
		if err != nil {
			return err
		}
	}
}

// openOn opens an index of which a commit takes several transactions, so that
// one that fails has left something.
func openOn(tb testHelper, store utxo.Store) (*whole.Index, error) {
	return whole.Open(context.Background(), store, testCoin(tb), whole.Options{Fan: 2, Recent: 5, Stage: 300})
}

func digestOf(t *testing.T, x *whole.Index) [32]byte {
	t.Helper()
	d, err := x.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestFaultSweep fails the n-th call of the store for every n, goes on, with or
// without opening anew, and ends with the same index; after each fault what is
// there is a whole number of blocks and answers as the model does.
func TestFaultSweep(t *testing.T) {
	goals := story()
	last := goals[len(goals)-1]
	calm := memkv.New(500_000)
	x, err := openOn(t, calm)
	if err != nil {
		t.Fatal(err)
	}
	for _, goal := range goals {
		if err := bring(t.Context(), t, x, goal); err != nil {
			t.Fatal(err)
		}
	}
	want := digestOf(t, x)
	step := 37 // a soak takes every one
	if seeds() > 1000 {
		step = 1
	}
	for _, reopen := range []bool{false, true} {
		fired := 0
		for n := 1; ; n += step {
			f := &faulty{Store: memkv.New(500_000), left: n}
			got := sweep(t, f, goals, reopen)
			if got != want {
				t.Fatalf("fault %d: digest %x, want %x", n, got, want)
			}
			if !f.fired {
				break
			}
			fired++
		}
		if fired < 40 {
			t.Fatalf("only %d faults fired", fired)
		}
		t.Logf("%d faults", fired)
	}
	if err := compute(last).compare(t.Context(), x); err != nil {
		t.Fatal(err)
	}
}

func sweep(t *testing.T, f *faulty, goals [][]*testBlock, reopen bool) [32]byte {
	x, err := openOn(t, f)
	if errors.Is(err, errFault) {
		x, err = openOn(t, f)
	}
	for i := 0; i < len(goals) && err == nil; i++ {
		if err = bring(t.Context(), t, x, goals[i]); !errors.Is(err, errFault) {
			continue
		}
		if reopen {
			f.Store = f.Store.Reopen()
			if x, err = openOn(t, f); err != nil {
				t.Fatal(err)
			}
		}
		if err = afterFault(t, x); err == nil {
			err = bring(t.Context(), t, x, goals[i])
		}
	}
	if err != nil {
		t.Fatalf("after fault %d: %v", f.left, err)
	}
	f.left = 0 // the story is over: no more faults
	if err := x.Check(t.Context(), func(string, int) {}); err != nil {
		t.Fatal(err)
	}
	return digestOf(t, x)
}

// afterFault proves what is there, before anything is done about the fault.
func afterFault(t *testing.T, x *whole.Index) error {
	stats, err := x.Stats(t.Context())
	if err != nil {
		return err
	}
	if stats.HasTip && stats.Funded < stats.Spent {
		return errors.New("more was spent than received")
	}
	return x.Check(t.Context(), func(string, int) {})
}

// TestRefused checks what an index refuses to open and to connect.
func TestRefused(t *testing.T) {
	ctx := t.Context()
	store := memkv.New(500_000)
	x, err := openOn(t, store)
	if err != nil {
		t.Fatal(err)
	}
	a := newBlock(genesis(), 1, coinbaseTx(1, wire.NewTxOut(5, testScript(0))))
	b := newBlock(a, 2, coinbaseTx(2, wire.NewTxOut(5, testScript(0))), spendTx(1, []wire.OutPoint{{Index: 3}}, wire.NewTxOut(5, testScript(0))))
	block := func(b *testBlock) *coins.Block { return b.load(t, testCoin(t)) }
	expect := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	expect("the second block first", x.Connect(ctx, block(a)), coins.ErrNotNext)
	expect("another genesis block", x.Connect(ctx, block(&testBlock{0, a.msg, a.raw})), utxo.ErrForeign)
	expect("the genesis block", x.Connect(ctx, block(genesis())), nil)
	expect("it again", x.Connect(ctx, block(genesis())), coins.ErrNotNext)
	expect("disconnecting it", x.Disconnect(ctx, genesis().id()), coins.ErrReorgDepth)
	expect("disconnecting another", x.Disconnect(ctx, a.id()), coins.ErrNotNext)
	expect("the first block", x.Connect(ctx, block(a)), nil)
	before := digestOf(t, x)
	expect("spending what is not there", x.Connect(ctx, block(b)), whole.ErrMissing)
	if digestOf(t, x) != before {
		t.Error("a refused block left something behind")
	}
	_, err = x.Header(ctx, 2)
	expect("header above the tip", err, coins.ErrNoHeader)
	_, _, err = x.Coins(ctx, testScript(0), utxo.Page{Cursor: "zz"})
	expect("cursor of coins", err, utxo.ErrCursor)
	_, _, err = x.History(ctx, testScript(0), utxo.Page{Cursor: "00"})
	expect("cursor of history", err, utxo.ErrCursor)
	expect("close", x.Close(), nil)
	expect("connect when closed", x.Connect(ctx, block(b)), utxo.ErrClosed)
	foreign, err := btc.New(coins.Testnet4)
	expect("testnet4", err, nil)
	_, err = whole.Open(ctx, store.Reopen(), foreign, whole.Options{})
	expect("open as another network", err, utxo.ErrForeign)
	newer := store.Reopen()
	expect("write", newer.Update(ctx, func(w utxo.Writer) error {
		return w.Set([]byte{'i'}, []byte{0, 0, 0, whole.FormatVersion + 1, 9})
	}), nil)
	_, err = openOn(t, newer)
	expect("open a newer format", err, utxo.ErrNewer)
}
