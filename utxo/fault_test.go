package utxo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
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
	return r.Reader.Scan(prefix, from, backwards, each)
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

// story is a chain with everything in it: payments, spends, a reorg, an import
// with a job, an unwatch.
type story struct{ main, side []*testBlock }

func newStory() story {
	first := coinbaseTx(1, pay(0, 100), pay(1, 50), pay(0, 7))
	spend := spendTx(1, outPoints(outPoint(first, 0)), pay(1, 60), pay(2, 40))
	chained := spendTx(2, outPoints(outPoint(spend, 0), outPoint(first, 1)), pay(0, 110))
	a := newBlock(nil, testStart, 1, first)
	b := newBlock(a, testStart, 2, coinbaseTx(2, pay(2, 5)), spend, chained)
	c := newBlock(b, testStart, 3, coinbaseTx(3, pay(1, 5)), spendTx(3, outPoints(outPoint(spend, 1)), pay(2, 39)))
	c2 := newBlock(b, testStart, 4, coinbaseTx(4, pay(0, 6)))
	d2 := newBlock(c2, testStart, 5, coinbaseTx(5, pay(2, 8)), spendTx(4, outPoints(outPoint(first, 2)), pay(0, 6)))
	return story{main: []*testBlock{a, b, c}, side: []*testBlock{c2, d2}}
}

// steps are the story's steps. Each can be tried again after it failed.
func (s story) steps(t *testing.T) []func(ctx context.Context, x *utxo.Index) error {
	coin := testCoin(t)
	connect := func(b *testBlock, more bool) func(context.Context, *utxo.Index) error {
		return func(ctx context.Context, x *utxo.Index) error {
			block := b.load(t, coin)
			block.More = more
			return x.Connect(ctx, block)
		}
	}
	watch := func(job *utxo.JobSpec, ns ...int) func(context.Context, *utxo.Index) error {
		return func(ctx context.Context, x *utxo.Index) error {
			var specs []utxo.WatchSpec
			for _, n := range ns {
				specs = append(specs, utxo.WatchSpec{Script: script(n)})
			}
			_, err := x.Watch(ctx, specs, job)
			return err
		}
	}
	change := outPoint(s.main[1].msg.Transactions[2], 0)
	reserve := func(ctx context.Context, x *utxo.Index) error {
		return reserveOnce(ctx, x, coins.OutPoint{TxID: coins.TxID(change.Hash), Vout: change.Index})
	}
	return []func(context.Context, *utxo.Index) error{
		func(ctx context.Context, x *utxo.Index) error {
			_, err := x.RegisterCursor(ctx, "model", x.LastSeq())
			return err
		},
		watch(nil, 0), connect(s.main[0], false), connect(s.main[1], false), reserve,
		watch(&utxo.JobSpec{From: testStart}, 1, 2),
		connect(s.main[2], false),
		func(ctx context.Context, x *utxo.Index) error { return x.Disconnect(ctx, s.main[2].id()) },
		connect(s.side[0], false),
		func(ctx context.Context, x *utxo.Index) error {
			return runJob(ctx, t, x, append(s.main[:2:2], s.side...))
		},
		func(ctx context.Context, x *utxo.Index) error {
			return x.AdvanceCursor(ctx, utxo.Cursor{Name: "model", Index: x.ID(), Seq: x.LastSeq()})
		},
		connect(s.side[1], false),
		func(ctx context.Context, x *utxo.Index) error {
			if err := x.DropCursor(ctx, "model"); !errors.Is(err, utxo.ErrNoCursor) {
				return err
			}
			return nil
		},
		func(ctx context.Context, x *utxo.Index) error {
			_, err := x.Unwatch(ctx, [][]byte{script(1)})
			return err
		},
		releaseAll, reserve, // what is left at the end, is
	}
}

// reserveOnce reserves a coin, which nothing but itself has reserved.
func reserveOnce(ctx context.Context, x *utxo.Index, at coins.OutPoint) error {
	spec := utxo.ReserveSpec{OutPoints: []coins.OutPoint{at}, Owner: "payer"}
	_, err := x.Reserve(ctx, spec)
	return err
}

// releaseAll releases one reservation; after a failure there must still be one.
func releaseAll(ctx context.Context, x *utxo.Index) error {
	list, _, err := x.Reservations(ctx, utxo.ReservationQuery{Owner: "payer"})
	if err != nil {
		return err
	}
	if len(list) != 1 || len(list[0].Coins) != 1 || list[0].Coins[0].Place != utxo.InBlock {
		return fmt.Errorf("reservations %+v", list)
	}
	_, err = x.Release(ctx, utxo.ReleaseSpec{Owner: "payer", Token: list[0].Token})
	return err
}

// runJob runs the first job from its cursor to its end, where it has not ended.
func runJob(ctx context.Context, t *testing.T, x *utxo.Index, chain []*testBlock) error {
	job, found, err := x.Job(ctx, 1)
	if err != nil || !found || job.State == utxo.JobDone {
		return err
	}
	backfill, err := x.StartJob(ctx, job.ID)
	if err != nil {
		return err
	}
	defer backfill.Stop()
	for !backfill.Done() {
		b := chain[backfill.Next()-testStart].load(t, testCoin(t))
		if _, _, err := backfill.Backfill(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// TestFaultSweep fails the n-th call of the store for every n, tries the step
// again, with or without opening anew, and ends with the same index.
func TestFaultSweep(t *testing.T) {
	steps := newStory().steps(t)
	tell := func(store utxo.Store, retry func(*utxo.Index) *utxo.Index) [32]byte {
		x := openOn(t, store)
		for _, step := range steps {
			for tries := 0; ; tries++ {
				err := step(t.Context(), x)
				if err == nil {
					break
				}
				if !errors.Is(err, errFault) || tries > 1 {
					t.Fatal(err)
				}
				x = retry(x)
			}
		}
		if f, ok := store.(*faulty); ok {
			f.left = 0 // the story is over: no more faults
		}
		if err := x.Check(t.Context(), func(string, int) {}); err != nil {
			t.Fatal(err)
		}
		return digest(t, x)
	}
	want := tell(memkv.New(testRows), nil)
	for _, reopen := range []bool{false, true} {
		fired := 0
		for n := 20; ; n++ {
			f := &faulty{Store: memkv.New(testRows), left: n}
			got := tell(f, func(x *utxo.Index) *utxo.Index {
				if err := x.Check(t.Context(), func(string, int) {}); err != nil {
					t.Fatalf("after fault %d: %v", n, err)
				}
				if !reopen {
					return x
				}
				f.Store = f.Store.Reopen()
				return openOn(t, f)
			})
			if got != want {
				t.Fatalf("fault %d: digest %x, want %x", n, got, want)
			}
			if !f.fired {
				break
			}
			fired++
		}
		if fired < 100 {
			t.Fatalf("only %d faults fired", fired)
		}
	}
}

func openOn(t *testing.T, store utxo.Store) *utxo.Index {
	t.Helper()
	x, err := utxo.Open(t.Context(), store, testCoin(t), utxo.Options{Start: testStart, MaxReorg: testReorg})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestRefused checks what an index refuses to open, to connect and to watch.
func TestRefused(t *testing.T) {
	ctx := t.Context()
	s := newStory()
	store := memkv.New(testRows)
	x := openOn(t, store)
	block := func(b *testBlock) *coins.Block { return b.load(t, testCoin(t)) }
	if err := x.Connect(ctx, block(s.main[1])); !errors.Is(err, coins.ErrNotNext) {
		t.Errorf("the second block first: %v", err)
	}
	if err := x.Connect(ctx, block(s.main[0])); err != nil {
		t.Fatal(err)
	}
	if err := x.Connect(ctx, block(s.main[0])); !errors.Is(err, coins.ErrNotNext) {
		t.Errorf("the same block again: %v", err)
	}
	if err := x.Connect(ctx, block(newBlock(newBlock(nil, testStart, 9, coinbaseTx(1, pay(0, 1))), 0, 1, coinbaseTx(2, pay(0, 1))))); !errors.Is(err, coins.ErrNotNext) {
		t.Errorf("a block of another branch: %v", err)
	}
	if err := x.Disconnect(ctx, s.main[1].id()); !errors.Is(err, coins.ErrNotNext) {
		t.Errorf("disconnected what is not the tip: %v", err)
	}
	if _, err := x.Watch(ctx, []utxo.WatchSpec{{Script: []byte{0x6a, 1}}}, nil); !errors.Is(err, utxo.ErrScript) {
		t.Errorf("watched an OP_RETURN: %v", err)
	}
	if _, err := x.CreateJob(ctx, utxo.JobSpec{From: testStart + 9}); !errors.Is(err, utxo.ErrRange) {
		t.Errorf("a job above the tip: %v", err)
	}
	if _, err := x.Balance(ctx, script(0)); !errors.Is(err, utxo.ErrNotWatched) {
		t.Errorf("balance of what is not watched: %v", err)
	}
	if _, err := x.Header(ctx, testStart+1); !errors.Is(err, coins.ErrNoHeader) {
		t.Errorf("header above the tip: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := x.Connect(ctx, block(s.main[1])); !errors.Is(err, utxo.ErrClosed) {
		t.Errorf("connected to a closed index: %v", err)
	}
	if _, err := utxo.Open(ctx, store.Reopen(), foreignCoin(t), utxo.Options{}); !errors.Is(err, utxo.ErrForeign) {
		t.Errorf("opened as another coin: %v", err)
	}
	newer := store.Reopen()
	err := newer.Update(ctx, func(w utxo.Writer) error { return w.Set([]byte{'i'}, []byte{0, 0, 0, utxo.FormatVersion + 1, 9}) })
	if _, openErr := utxo.Open(ctx, newer, testCoin(t), utxo.Options{}); err != nil || !errors.Is(openErr, utxo.ErrNewer) {
		t.Errorf("opened a newer format: %v, %v", err, openErr)
	}
	if _, err := utxo.Open(ctx, memkv.New(1000), testCoin(t), utxo.Options{}); !errors.Is(err, utxo.ErrTooManyRows) {
		t.Errorf("opened on a store that cannot take a block: %v", err)
	}
}
