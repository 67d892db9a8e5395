package utxo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// testSource derives test scripts: those of branch b are numbered from
// first + b × branchSize on.
type testSource struct{ first, branches, length uint32 }

const branchSize = 100_000

func (s testSource) text() string { return fmt.Sprintf("%d %d %d", s.first, s.branches, s.length) }

func (s testSource) Branches() uint32 { return s.branches }

func (s testSource) Len() uint32 { return s.length }

func (s testSource) number(branch, index uint32) int { return int(s.first + branch*branchSize + index) }

func (s testSource) Script(branch, index uint32) ([]byte, error) {
	if branch >= s.branches || index >= s.length {
		return nil, fmt.Errorf("branch %d, index %d", branch, index)
	}
	return script(s.number(branch, index)), nil
}

func deriveTest(text string) (utxo.Scripts, error) {
	var s testSource
	_, err := fmt.Sscan(text, &s.first, &s.branches, &s.length)
	return s, err
}

func openDeriving(tb testHelper, store utxo.Store) *utxo.Index {
	x, err := utxo.Open(context.Background(), store, testCoin(tb), utxo.Options{Start: testStart, MaxReorg: testReorg, Derive: deriveTest})
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
	return x
}

// deriving is an index with a chain that its tests extend.
type derivingTest struct {
	*testing.T
	x     *utxo.Index
	chain []*testBlock
	// below is the block under the first one, nil for none.
	below *testBlock
	salt  uint32
	// more is what blocks say of those that follow.
	more bool
}

func newDeriving(t *testing.T) *derivingTest {
	return &derivingTest{T: t, x: openDeriving(t, memkv.New(testRows))}
}

func (d *derivingTest) ok(err error) {
	if err != nil {
		d.Helper()
		d.Fatal(err)
	}
}

func (d *derivingTest) add(s testSource, gap uint32, job *utxo.JobSpec) utxo.SourceResult {
	d.Helper()
	result, err := d.x.AddSource(d.Context(), utxo.SourceSpec{Text: s.text(), Gap: gap}, job)
	d.ok(err)
	return result
}

// block connects a block that pays scripts by their numbers, 10 each.
func (d *derivingTest) block(numbers ...int) *testBlock {
	d.Helper()
	d.salt++
	outs := []*wire.TxOut{pay(1<<30, 1)}
	for _, n := range numbers {
		outs = append(outs, pay(n, 10))
	}
	prev := d.below
	if len(d.chain) > 0 {
		prev = last(d.chain)
	}
	b := newBlock(prev, testStart, d.salt, coinbaseTx(d.salt, outs...))
	block := b.load(d, testCoin(d))
	block.More = d.more
	d.ok(d.x.Connect(d.Context(), block))
	d.chain = append(d.chain, b)
	return b
}

func (d *derivingTest) disconnect() {
	d.Helper()
	last := len(d.chain) - 1
	d.ok(d.x.Disconnect(d.Context(), d.chain[last].id()))
	d.chain = d.chain[:last]
}

// finishJobs runs every job to its end, oldest first, and returns how many.
func (d *derivingTest) finishJobs() (ran int) {
	d.Helper()
	for {
		jobs, err := d.x.Jobs(d.Context())
		d.ok(err)
		i := slices.IndexFunc(jobs, func(j utxo.Job) bool { return j.State != utxo.JobDone })
		if i < 0 {
			return ran
		}
		ran++
		b, err := d.x.StartJob(d.Context(), jobs[i].ID)
		d.ok(err)
		for !b.Done() {
			_, _, err := b.Backfill(d.Context(), d.chain[b.Next()-testStart].load(d, testCoin(d)))
			d.ok(err)
		}
		b.Stop()
	}
}

func (d *derivingTest) branch(id utxo.SourceID, branch int) utxo.Branch {
	d.Helper()
	src, found, err := d.x.Source(d.Context(), id)
	d.ok(err)
	if !found {
		d.Fatalf("no source %d", id)
	}
	return src.Branches[branch]
}

func (d *derivingTest) balance(n int, want int64) {
	d.Helper()
	b, err := d.x.Balance(d.Context(), script(n))
	if err != nil {
		d.Errorf("script %d: %v", n, err)
		return
	}
	if got, _ := b.Confirmed.Amount(); int64(got) != want {
		d.Errorf("script %d: %d, want %d", n, got, want)
	}
}

func (d *derivingTest) check() {
	d.Helper()
	d.ok(d.x.Check(d.Context(), func(string, int) {}))
}

// TestGapGrows checks that branches grow by use, each by itself, and in the
// block that pays what it derives.
func TestGapGrows(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 2, 1 << 31}
	result := d.add(s, 0, nil)
	if result.ID != 1 || result.Added != 200 || result.Job != 0 {
		t.Fatalf("%+v", result)
	}
	d.block()
	d.block(s.number(0, 79))
	if b := d.branch(1, 0); b != (utxo.Branch{Derived: 100, Used: 80}) {
		t.Errorf("80 used: %+v", b)
	}
	// 80 extends to 200, 199 to 300: what pays them stands before, in the block.
	d.block(s.number(0, 299), s.number(0, 199), s.number(1, 5), s.number(0, 80))
	if b := d.branch(1, 0); b != (utxo.Branch{Derived: 400, Used: 300}) {
		t.Errorf("300 used: %+v", b)
	}
	if b := d.branch(1, 1); b != (utxo.Branch{Derived: 100, Used: 6}) {
		t.Errorf("the other branch: %+v", b)
	}
	for _, n := range []int{s.number(0, 299), s.number(0, 199), s.number(0, 80), s.number(0, 79), s.number(1, 5)} {
		d.balance(n, 10)
	}
	w, found, err := d.x.Watched(t.Context(), script(s.number(0, 299)))
	if err != nil || !found || !slices.Equal(w.Origins, []utxo.Origin{{Source: 1, Branch: 0, Index: 299}}) || w.Birth != testStart+2 {
		t.Errorf("%+v: %v", w, err)
	}
	d.check()
}

// TestDerivedReorg checks what a reorg does: coins go, the scripts stay, and the
// other branch's payments to them count.
func TestDerivedReorg(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	d.add(s, 0, nil)
	d.block()
	d.block()
	before := digest(t, d.x)
	d.block(s.number(0, 85), s.number(0, 150))
	d.disconnect()
	if digest(t, d.x) != before {
		t.Error("disconnecting does not lead back")
	}
	if b := d.branch(1, 0); b != (utxo.Branch{Derived: 200, Used: 151}) {
		t.Errorf("after the reorg: %+v", b)
	}
	d.disconnect()
	d.block(s.number(0, 160)) // below where it was derived
	d.balance(s.number(0, 160), 10)
	d.check()
	d.rebuilt()
}

// rebuilt holds the index to what a reset and the same chain make of it.
func (d *derivingTest) rebuilt() {
	d.Helper()
	d.finishJobs()
	want := digest(d.T, d.x)
	d.ok(d.x.Reset(d.Context()))
	for _, b := range d.chain {
		d.ok(d.x.Connect(d.Context(), b.load(d, testCoin(d))))
	}
	d.finishJobs()
	if digest(d.T, d.x) != want {
		d.Error("rebuilt to something else")
	}
	d.check()
}

// TestDerivedInPast checks that what a job derives is read from the job's start,
// by its successor, and that no script counts as complete before.
func TestDerivedInPast(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	d.block(s.number(0, 350)) // beyond what the first job and its successor derive
	d.block(s.number(0, 285), s.number(0, 90))
	d.block(s.number(0, 180), s.number(0, 199))
	d.block()
	job := d.add(s, 0, &utxo.JobSpec{From: testStart})
	if job.Job == 0 {
		t.Fatal("no job")
	}
	b, err := d.x.StartJob(t.Context(), job.Job)
	d.ok(err)
	for !b.Done() {
		if w, _, err := d.x.Watched(t.Context(), script(s.number(0, 5))); err != nil || w.State != utxo.Scanning {
			t.Fatalf("live while its past is read: %+v, %v", w, err)
		}
		_, _, err := b.Backfill(t.Context(), d.chain[b.Next()-testStart].load(d, testCoin(d)))
		d.ok(err)
	}
	w, found, err := d.x.Watched(t.Context(), script(s.number(0, 285)))
	if err != nil || !found || w.State != utxo.Scanning {
		t.Errorf("derived and not read yet: %+v, %v", w, err)
	}
	if src, _, err := d.x.Source(t.Context(), 1); err != nil || src.State != utxo.Scanning || src.Job == job.Job {
		t.Errorf("%+v: %v", src, err)
	}
	if _, _, err := d.x.Issue(t.Context(), 1, 0); !errors.Is(err, utxo.ErrScanning) {
		t.Errorf("issued while the past is read: %v", err)
	}
	d.check()
	// The first successor finds 285, which extends to 400, the second 350.
	if ran := d.finishJobs(); ran != 2 {
		t.Errorf("%d successors", ran)
	}
	d.balance(s.number(0, 350), 10)
	d.balance(s.number(0, 285), 10)
	d.balance(s.number(0, 199), 10)
	d.check()
	index, issued, err := d.x.Issue(t.Context(), 1, 0)
	if err != nil || index != 351 || string(issued) != string(script(s.number(0, 351))) {
		t.Errorf("issued %d: %v", index, err)
	}
	d.rebuilt()
}

// TestDerivedWhileScanning checks that what the tip derives while the past is
// being read gets its past read too.
func TestDerivedWhileScanning(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	d.block(s.number(0, 130))
	d.block()
	d.block()
	job := d.add(s, 0, &utxo.JobSpec{From: testStart})
	b, err := d.x.StartJob(t.Context(), job.Job)
	d.ok(err)
	for range 2 {
		_, _, err := b.Backfill(t.Context(), d.chain[b.Next()-testStart].load(d, testCoin(d)))
		d.ok(err)
	}
	d.block(s.number(0, 95))
	b.Stop()
	d.check()
	d.finishJobs()
	d.balance(s.number(0, 130), 10)
	d.balance(s.number(0, 95), 10)
	d.rebuilt()
}

// TestDerivedUnconfirmed checks that unconfirmed payments extend, in whatever
// order they come, and that a block's new scripts are looked for in the mempool.
func TestDerivedUnconfirmed(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	d.add(s, 0, nil)
	d.block()
	tx := func(salt uint32, numbers ...int) coins.MempoolTx {
		var outs []*wire.TxOut
		for _, n := range numbers {
			outs = append(outs, pay(n, 7))
		}
		msg := spendTx(salt, outPoints(wire.OutPoint{Index: salt}), outs...)
		return coins.MempoolTx{ID: coins.TxID(msg.TxHash()), Raw: rawTx(t, msg)}
	}
	incoming := func(n int, want int64) {
		t.Helper()
		b, err := d.x.Balance(t.Context(), script(n))
		if got, _ := b.Incoming.Amount(); err != nil || int64(got) != want {
			t.Errorf("script %d: incoming %d, want %d (%v)", n, got, want, err)
		}
	}
	d.ok(d.x.Mempool(t.Context(), coins.MempoolChange{Added: []coins.MempoolTx{tx(1, s.number(0, 399)), tx(2, s.number(0, 190)), tx(3, s.number(0, 280))}}))
	if _, err := d.x.Balance(t.Context(), script(s.number(0, 190))); !errors.Is(err, utxo.ErrNotWatched) {
		t.Errorf("beyond the gap: %v", err)
	}
	// The block pays 99, so that 190 is watched, its payment extends to 300, 280's to 400, and so on.
	d.block(s.number(0, 99))
	incoming(s.number(0, 190), 7)
	incoming(s.number(0, 280), 7)
	incoming(s.number(0, 399), 7)
	if b := d.branch(1, 0); b != (utxo.Branch{Derived: 500, Used: 400}) {
		t.Errorf("%+v", b)
	}
	d.check()
	// In one transaction, backwards.
	d.ok(d.x.Mempool(t.Context(), coins.MempoolChange{Added: []coins.MempoolTx{tx(4, s.number(0, 750), s.number(0, 685), s.number(0, 599), s.number(0, 490))}}))
	incoming(s.number(0, 750), 7)
	if b := d.branch(1, 0); b != (utxo.Branch{Derived: 800, Used: 751}) {
		t.Errorf("%+v", b)
	}
	d.check()
}

// TestSourcesOverlap has scripts that two sources and an import by itself name.
func TestSourcesOverlap(t *testing.T) {
	d := newDeriving(t)
	one, two := testSource{1000, 1, 1 << 31}, testSource{1050, 1, 1 << 31}
	d.block(1120)
	d.block()
	_, err := d.x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(1099), Label: "by itself"}, {Script: script(1120)}}, nil)
	d.ok(err)
	d.add(one, 0, nil)
	d.add(two, 0, &utxo.JobSpec{From: testStart})
	w, _, err := d.x.Watched(t.Context(), script(1099))
	if err != nil || len(w.Origins) != 2 || w.Label != "by itself" {
		t.Errorf("%+v: %v", w, err)
	}
	d.block(1099, 1160) // index 99 of one, 49 of two; index 160 of one is derived now
	d.check()
	if a, b := d.branch(1, 0), d.branch(2, 0); a.Derived != 200 || a.Used != 161 || b.Derived != 100 || b.Used != 50 {
		t.Errorf("%+v, %+v", a, b)
	}
	d.finishJobs()
	d.balance(1120, 10)
	d.balance(1160, 10)
	d.block(1050 + 85) // extends two beyond what one has received
	if b := d.branch(2, 0); b.Derived != 200 || b.Used != 111 {
		t.Errorf("%+v", b)
	}
	if _, err := d.x.Unwatch(t.Context(), [][]byte{script(1099)}); !errors.Is(err, utxo.ErrDerived) {
		t.Errorf("unwatched what is derived: %v", err)
	}
	d.rebuilt()
}

// TestSourceAgain checks what a second import of a source changes.
func TestSourceAgain(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 2, 1 << 31}
	d.block(s.number(1, 30))
	d.block()
	first := d.add(s, 0, nil)
	again := d.add(s, 150, &utxo.JobSpec{From: testStart})
	if again.ID != first.ID || !again.Known || again.Job == 0 || again.Added != 2*50 {
		t.Errorf("%+v, then %+v", first, again)
	}
	d.check()
	d.finishJobs()
	d.balance(s.number(1, 30), 10)
	if third := d.add(s, 10, &utxo.JobSpec{From: testStart + 1}); third.Job != 0 || third.Added != 0 {
		t.Errorf("nothing new: %+v", third)
	}
	list, next, err := d.x.Sources(t.Context(), utxo.Page{})
	if err != nil || next != "" || len(list) != 1 || list[0].Gap != 150 || list[0].From != testStart || list[0].State != utxo.Live {
		t.Errorf("%+v: %v", list, err)
	}
	d.rebuilt()
}

// TestIssue checks that no script is given out twice, or when it was paid.
func TestIssue(t *testing.T) {
	d := newDeriving(t)
	s, short := testSource{1000, 2, 1 << 31}, testSource{500_000, 1, 2}
	d.add(s, 0, nil)
	d.add(short, 0, nil)
	d.block(s.number(0, 2))
	given := map[string]bool{}
	for want := range uint32(200) {
		index, script, err := d.x.Issue(t.Context(), 1, 0)
		d.ok(err)
		if index != want+3 || given[string(script)] {
			t.Fatalf("issued %d, want %d", index, want+3)
		}
		given[string(script)] = true
		if _, found, err := d.x.Watched(t.Context(), script); err != nil || !found {
			t.Fatalf("index %d is given out and not watched: %v", index, err)
		}
	}
	if b := d.branch(1, 0); b != (utxo.Branch{Derived: 300, Used: 3, Issued: 203}) {
		t.Errorf("%+v", b)
	}
	for range 2 {
		_, _, err := d.x.Issue(t.Context(), 2, 0)
		d.ok(err)
	}
	for _, tc := range []struct {
		source utxo.SourceID
		branch uint32
		want   error
	}{{2, 0, utxo.ErrExhausted}, {1, 2, utxo.ErrNoSource}, {3, 0, utxo.ErrNoSource}} {
		if _, _, err := d.x.Issue(t.Context(), tc.source, tc.branch); !errors.Is(err, tc.want) {
			t.Errorf("source %d, branch %d: %v, want %v", tc.source, tc.branch, err, tc.want)
		}
	}
	d.check()
}

// TestSourceRefused checks what is no source, and an index without a deriver.
func TestSourceRefused(t *testing.T) {
	store := memkv.New(testRows)
	x := openOn(t, store)
	if _, err := x.AddSource(t.Context(), utxo.SourceSpec{Text: "1 1 1"}, nil); !errors.Is(err, utxo.ErrNoDeriver) {
		t.Errorf("without a deriver: %v", err)
	}
	store = store.Reopen()
	x = openDeriving(t, store)
	for _, spec := range []utxo.SourceSpec{{Text: "1 1 1", Gap: utxo.MaxGap + 1}, {Text: "1 300 1"}, {Text: "1 3 99999999", Gap: utxo.MaxGap}} {
		if _, err := x.AddSource(t.Context(), spec, nil); !errors.Is(err, utxo.ErrSource) {
			t.Errorf("%+v: %v", spec, err)
		}
	}
	if _, err := x.AddSource(t.Context(), utxo.SourceSpec{Text: "nonsense"}, nil); err == nil {
		t.Error("added nonsense")
	}
	if _, err := x.AddSource(t.Context(), utxo.SourceSpec{Text: "1 1 1"}, nil); err != nil {
		t.Error(err)
	}
	if _, err := utxo.Open(t.Context(), store.Reopen(), testCoin(t), utxo.Options{}); !errors.Is(err, utxo.ErrNoDeriver) {
		t.Errorf("opened without a deriver: %v", err)
	}
}
