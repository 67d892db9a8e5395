package utxo_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// derivedWorld is an index with two sources that overlap, and what is known of
// it from the outside: the chain, and from when on each script has to count.
type derivedWorld struct {
	tb      testHelper
	store   *memkv.Store
	x       *utxo.Index
	chain   []*testBlock
	pool    []coins.MempoolTx
	running *utxo.Backfill
	salt    uint32
	undo    int
	steps   int
	sources []testSource
	// birth is the highest height that a script may count from.
	birth map[int]coins.Height
}

func (w *derivedWorld) must(err error) {
	if err != nil {
		w.tb.Helper()
		w.tb.Fatal(err)
	}
}

func (w *derivedWorld) next() coins.Height { return testStart + coins.Height(len(w.chain)) }

// watched returns what the index says of a script, nil where it does not watch it.
func (w *derivedWorld) watched(n int) *utxo.Watch {
	watch, found, err := w.x.Watched(context.Background(), script(n))
	w.must(err)
	if !found {
		return nil
	}
	return &watch
}

// note learns which scripts are derived now: they count from height on, but not
// before their source begins, or,
// where their source's past was being read, from its beginning.
func (w *derivedWorld) note(height coins.Height, before []utxo.Source) {
	for _, src := range w.all() {
		known := slices.IndexFunc(before, func(s utxo.Source) bool { return s.ID == src.ID })
		from := max(height, src.From)
		if src.State == utxo.Scanning || known >= 0 && before[known].State == utxo.Scanning {
			from = src.From
		}
		for branch := range src.Branches {
			for index := range src.Branches[branch].Derived {
				n := w.sources[src.ID-1].number(uint32(branch), index)
				if old, seen := w.birth[n]; !seen || known < 0 && from < old {
					w.birth[n] = from
				}
			}
		}
	}
}

func (w *derivedWorld) all() []utxo.Source {
	list, _, err := w.x.Sources(context.Background(), utxo.Page{})
	w.must(err)
	return list
}

// number draws a script at the edge of what is watched, or beyond.
func (w *derivedWorld) number(t *rapid.T) int {
	s := rapid.SampledFrom(w.sources).Draw(t, "source")
	edges := []uint32{5, 79, 80, 95, 99, 100, 110, 179, 180, 199, 250, 299}
	return s.number(rapid.Uint32Range(0, s.branches-1).Draw(t, "branch"), rapid.SampledFrom(edges).Draw(t, "index"))
}

func (w *derivedWorld) outs(t *rapid.T) []*wire.TxOut {
	outs := []*wire.TxOut{pay(1<<30, 1)}
	for range rapid.IntRange(0, 3).Draw(t, "outs") {
		outs = append(outs, pay(w.number(t), 10))
	}
	return outs
}

func (w *derivedWorld) connect(t *rapid.T) {
	w.salt++
	var prev *testBlock
	if len(w.chain) > 0 {
		prev = w.chain[len(w.chain)-1]
	}
	b := newBlock(prev, testStart, w.salt, coinbaseTx(w.salt, w.outs(t)...))
	block := b.load(w.tb, testCoin(w.tb))
	block.More = rapid.Bool().Draw(t, "more")
	before := w.all()
	w.must(w.x.Connect(context.Background(), block))
	scribble(block)
	w.chain = append(w.chain, b)
	w.undo = min(w.undo+1, testReorg)
	w.settle()
	if len(w.pool) == 0 {
		w.note(b.height, before)
	} else { // the mempool may have paid what the block derived, and derived more
		w.note(w.next(), before)
	}
}

// settle makes visible what was told with more to come.
func (w *derivedWorld) settle() {
	_, err := w.x.Digest(context.Background())
	w.must(err)
}

func (w *derivedWorld) disconnect(t *rapid.T) {
	if w.undo == 0 {
		discard(t, "nothing to disconnect")
	}
	last := len(w.chain) - 1
	w.must(w.x.Disconnect(context.Background(), w.chain[last].id()))
	w.chain, w.undo = w.chain[:last], w.undo-1
}

func (w *derivedWorld) add(t *rapid.T) {
	s := rapid.SampledFrom(w.sources).Draw(t, "source")
	var job *utxo.JobSpec
	if rapid.Bool().Draw(t, "job") {
		job = &utxo.JobSpec{From: testStart + coins.Height(rapid.IntRange(0, 2).Draw(t, "from"))}
	}
	before := w.all()
	result, err := w.x.AddSource(context.Background(), utxo.SourceSpec{Text: s.text()}, job)
	w.must(err)
	if result.Job != 0 {
		before = slices.DeleteFunc(before, func(src utxo.Source) bool { return src.ID == result.ID }) // its past counts anew
	}
	w.sources = w.order(w.sources)
	w.note(w.next(), before)
}

// order puts the sources in the order of their numbers.
func (w *derivedWorld) order(sources []testSource) (list []testSource) {
	for _, src := range w.all() {
		i := slices.IndexFunc(sources, func(s testSource) bool { return s.text() == src.Text })
		list = append(list, sources[i])
	}
	for _, s := range sources {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func (w *derivedWorld) issue(t *rapid.T) {
	list := w.all()
	if len(list) == 0 {
		discard(t, "no source")
	}
	src := rapid.SampledFrom(list).Draw(t, "source")
	before := src.Branches[0]
	index, _, err := w.x.Issue(context.Background(), src.ID, 0)
	if src.State == utxo.Scanning {
		if !errors.Is(err, utxo.ErrScanning) {
			w.tb.Fatalf("issued while scanning: %v", err)
		}
		return
	}
	w.must(err)
	if index != max(before.Used, before.Issued) {
		w.tb.Fatalf("issued %d of %+v", index, before)
	}
	w.note(w.next(), list)
}

func (w *derivedWorld) mempool(t *rapid.T) {
	w.salt++
	msg := spendTx(w.salt, outPoints(wire.OutPoint{Index: w.salt}), w.outs(t)...)
	tx := coins.MempoolTx{ID: coins.TxID(msg.TxHash()), Raw: rawTx(w.tb, msg)}
	before := w.all()
	w.must(w.x.Mempool(context.Background(), coins.MempoolChange{Added: []coins.MempoolTx{tx}}))
	w.pool = append(w.pool, tx)
	w.note(w.next(), before)
}

// read gives a job that is not done some blocks.
func (w *derivedWorld) read(t *rapid.T) {
	if w.running == nil {
		jobs, err := w.x.Jobs(context.Background())
		w.must(err)
		jobs = slices.DeleteFunc(jobs, func(j utxo.Job) bool { return j.State == utxo.JobDone })
		if len(jobs) == 0 {
			discard(t, "no job")
		}
		w.running, err = w.x.StartJob(context.Background(), rapid.SampledFrom(jobs).Draw(t, "job").ID)
		w.must(err)
	}
	w.blocks(rapid.IntRange(1, 4).Draw(t, "blocks"))
}

func (w *derivedWorld) blocks(most int) {
	before := w.all()
	for range most {
		if w.running.Done() || w.running.Next() >= w.next() {
			break
		}
		b := w.chain[w.running.Next()-testStart].load(w.tb, testCoin(w.tb))
		b.More = b.ID.Height < w.next()-1
		_, _, err := w.running.Backfill(context.Background(), b)
		w.must(err)
	}
	w.settle()
	w.note(w.next(), before)
	if w.running.Done() {
		w.running = nil
	}
}

func (w *derivedWorld) finish() {
	if w.running != nil {
		w.running.Stop()
		w.running = nil
	}
	for {
		jobs, err := w.x.Jobs(context.Background())
		w.must(err)
		i := slices.IndexFunc(jobs, func(j utxo.Job) bool { return j.State != utxo.JobDone })
		if i < 0 {
			return
		}
		w.running, err = w.x.StartJob(context.Background(), jobs[i].ID)
		w.must(err)
		w.blocks(1000)
		w.running = nil
	}
}

func (w *derivedWorld) reopen(*rapid.T) {
	w.settle()
	if w.running != nil {
		w.running.Stop()
		w.running = nil
	}
	w.store = w.store.Reopen()
	w.x = openDeriving(w.tb, w.store)
	// What the index stored of the mempool it knows; the node tells the rest again.
	before := w.all()
	w.must(w.x.Mempool(context.Background(), coins.MempoolChange{Added: w.pool, Complete: true}))
	w.note(w.next(), before)
}

// sometimes checks after every eighth step: it takes longer than the steps.
func (w *derivedWorld) sometimes(t *rapid.T) {
	if w.steps++; w.steps%8 == 0 {
		w.check(t)
	}
}

// check compares every script that is live with what the chain has for it.
func (w *derivedWorld) check(*rapid.T) {
	w.must(w.x.Check(context.Background(), func(string, int) {}))
	received := map[int]int64{}
	births := map[int]*utxo.Watch{}
	for n, latest := range w.birth {
		watch := w.watched(n)
		if watch == nil {
			w.tb.Fatalf("script %d is not watched any more", n)
		}
		if watch.Birth > latest {
			w.tb.Fatalf("script %d counts from %d, not %d", n, watch.Birth, latest)
		}
		births[n], received[n] = watch, 0
	}
	byScript := map[string]int{}
	for n := range births {
		byScript[string(script(n))] = n
	}
	for _, b := range w.chain {
		for _, out := range b.msg.Transactions[0].TxOut {
			if n, found := byScript[string(out.PkScript)]; found && b.height >= births[n].Birth {
				received[n] += out.Value
			}
		}
	}
	for n, want := range received {
		if births[n].State != utxo.Live {
			continue
		}
		balance, err := w.x.Balance(context.Background(), script(n))
		w.must(err)
		if got, _ := balance.Confirmed.Amount(); int64(got) != want {
			w.tb.Fatalf("script %d (%+v): %d, want %d", n, births[n], got, want)
		}
	}
}

// TestDerivedAgainstModel drives sources through blocks, reorgs, jobs, the
// mempool, imports and restarts in any order.
func TestDerivedAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &derivedWorld{tb: rt, store: memkv.New(testRows), birth: map[int]coins.Height{}, sources: []testSource{{1000, 2, 1 << 31}, {1050, 1, 1 << 31}}}
		w.x = openDeriving(rt, w.store)
		for range 3 {
			w.connect(rt)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"connect": w.connect, "connect again": w.connect, "disconnect": w.disconnect, "add": w.add, "issue": w.issue,
			"mempool": w.mempool, "read": w.read, "read more": w.read, "reopen": w.reopen, "": w.sometimes,
		})
		w.finish()
		w.check(rt)
		want, err := w.x.Digest(context.Background())
		w.must(err)
		w.must(w.x.Reset(context.Background()))
		for _, b := range w.chain {
			w.must(w.x.Connect(context.Background(), b.load(rt, testCoin(rt))))
		}
		w.finish()
		got, err := w.x.Digest(context.Background())
		w.must(err)
		if got != want {
			rt.Fatalf("rebuilt to %x, not %x", got, want)
		}
		w.check(rt)
		w.must(w.x.Close())
	})
}

// TestDerivedFaultSweep fails the n-th call of the store for every n while
// sources grow by blocks, a job, the mempool and by what is given out.
func TestDerivedFaultSweep(t *testing.T) {
	s := testSource{1000, 1, 1 << 31}
	first := newBlock(nil, testStart, 1, coinbaseTx(1, pay(s.number(0, 150), 5), pay(s.number(0, 95), 5)))
	second := newBlock(first, testStart, 2, coinbaseTx(2, pay(s.number(0, 320), 1), pay(s.number(0, 299), 5), pay(s.number(0, 195), 5)))
	msg := spendTx(3, outPoints(wire.OutPoint{Index: 9}), pay(s.number(0, 399), 7))
	tx := coins.MempoolTx{ID: coins.TxID(msg.TxHash()), Raw: rawTx(t, msg)}
	steps := []func(ctx context.Context, x *utxo.Index) error{
		func(ctx context.Context, x *utxo.Index) error { return x.Connect(ctx, first.load(t, testCoin(t))) },
		func(ctx context.Context, x *utxo.Index) error {
			_, err := x.AddSource(ctx, utxo.SourceSpec{Text: s.text()}, &utxo.JobSpec{From: testStart})
			return err
		},
		func(ctx context.Context, x *utxo.Index) error {
			return x.Mempool(ctx, coins.MempoolChange{Added: []coins.MempoolTx{tx}, Complete: true})
		},
		func(ctx context.Context, x *utxo.Index) error { return x.Connect(ctx, second.load(t, testCoin(t))) },
		func(ctx context.Context, x *utxo.Index) error { return runJobs(ctx, t, x, []*testBlock{first, second}) },
		func(ctx context.Context, x *utxo.Index) error {
			_, _, err := x.Issue(ctx, 1, 0)
			return err
		},
	}
	tell := func(store utxo.Store, retry func(*utxo.Index) *utxo.Index) [32]byte {
		x := openDeriving(t, store)
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
			f.left = 0
		}
		if err := x.Check(t.Context(), func(string, int) {}); err != nil {
			t.Fatal(err)
		}
		if src, _, err := x.Source(t.Context(), 1); err != nil || src.State != utxo.Live || src.Branches[0].Used < 321 || src.Branches[0].Issued == 0 {
			t.Fatalf("%+v: %v", src, err)
		}
		return digest(t, x)
	}
	want := tell(memkv.New(testRows), nil)
	for _, reopen := range []bool{false, true} {
		for n := 20; ; n += 17 {
			f := &faulty{Store: memkv.New(testRows), left: n}
			got := tell(f, func(x *utxo.Index) *utxo.Index {
				if err := x.Check(t.Context(), func(string, int) {}); err != nil {
					t.Fatalf("after fault %d: %v", n, err)
				}
				if !reopen {
					return x
				}
				f.Store = f.Store.Reopen()
				return openDeriving(t, f)
			})
			if got != want {
				t.Fatalf("fault %d: digest %x, want %x", n, got, want)
			}
			if !f.fired {
				break
			}
		}
	}
}

// runJobs runs every job to its end.
func runJobs(ctx context.Context, t *testing.T, x *utxo.Index, chain []*testBlock) error {
	for {
		jobs, err := x.Jobs(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(jobs, func(j utxo.Job) bool { return j.State != utxo.JobDone })
		if i < 0 {
			return nil
		}
		b, err := x.StartJob(ctx, jobs[i].ID)
		if err != nil {
			return err
		}
		for !b.Done() {
			if _, _, err := b.Backfill(ctx, chain[b.Next()-testStart].load(t, testCoin(t))); err != nil {
				b.Stop()
				return err
			}
		}
		b.Stop()
	}
}
