package utxo_test

import (
	"errors"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// TestBelowStart reads the past below the index's start by a job, and again
// after a reset: the index ends equal, under another id.
func TestBelowStart(t *testing.T) {
	ctx := t.Context()
	s := newStory()
	chain := append(s.main[:2:2], s.side...)
	x, err := utxo.Open(ctx, memkv.New(testRows), testCoin(t), utxo.Options{Start: testStart + 3})
	if err != nil {
		t.Fatal(err)
	}
	connect := func() {
		if err := x.Connect(ctx, chain[3].load(t, testCoin(t))); err != nil {
			t.Fatal(err)
		}
	}
	connect()
	specs := []utxo.WatchSpec{{Script: script(0)}, {Script: script(2), Birth: testStart}}
	result, err := x.Watch(ctx, specs, &utxo.JobSpec{From: testStart})
	if err != nil || result.Job != 1 || result.Added != 2 {
		t.Fatal(result, err)
	}
	backfill, err := x.StartJob(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range chain[:3] {
		if _, _, err := backfill.Backfill(ctx, b.load(t, testCoin(t))); err != nil {
			t.Fatal(err)
		}
	}
	if watch, _, err := x.Watched(ctx, script(0)); err != nil || watch.State != utxo.Scanning {
		t.Fatalf("before the last block: %+v, %v", watch, err)
	}
	if next, done, err := backfill.Backfill(ctx, chain[3].load(t, testCoin(t))); err != nil || !done || next != testStart+4 {
		t.Fatal(next, done, err)
	}
	compareStory(t, x, chain)
	before, id := digest(t, x), x.ID()
	if err := x.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	if err := x.Check(ctx, func(string, int) {}); err != nil || x.ID() == id || x.LastSeq() != 0 {
		t.Fatalf("after the reset: id %x, change %d: %v", x.ID(), x.LastSeq(), err)
	}
	connect()
	jobs, err := x.Jobs(ctx)
	if err != nil || len(jobs) != 1 || jobs[0].State != utxo.JobQueued || jobs[0].From != testStart-0 && jobs[0].From != 0 {
		t.Fatalf("jobs %+v: %v", jobs, err)
	}
	backfill, err = x.StartJob(ctx, jobs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range chain {
		if _, _, err := backfill.Backfill(ctx, b.load(t, testCoin(t))); err != nil {
			t.Fatal(err)
		}
	}
	compareStory(t, x, chain)
	if digest(t, x) != before || !backfill.Done() {
		t.Fatal("the index differs after a reset")
	}
}

// compareStory holds the index to the model for scripts 0 and 2.
func compareStory(t *testing.T, x *utxo.Index, chain []*testBlock) {
	t.Helper()
	m := newModel(testStart)
	for _, n := range []int{0, 2} {
		m.watched[string(script(n))] = &modelWatch{done: true, live: map[coins.BlockHash]bool{}}
	}
	for _, b := range chain {
		m.connect(b)
	}
	if err := errors.Join(m.compare(t.Context(), x), x.Check(t.Context(), func(string, int) {})); err != nil {
		t.Fatal(err)
	}
}

// TestStaleBlocks gives a job blocks of another branch: nothing changes.
func TestStaleBlocks(t *testing.T) {
	ctx := t.Context()
	s := newStory()
	x := openOn(t, memkv.New(testRows))
	for _, b := range s.main {
		if err := x.Connect(ctx, b.load(t, testCoin(t))); err != nil {
			t.Fatal(err)
		}
	}
	job, err := x.Watch(ctx, []utxo.WatchSpec{{Script: script(0)}}, &utxo.JobSpec{From: testStart + 2})
	if err != nil {
		t.Fatal(err)
	}
	backfill, err := x.StartJob(ctx, job.Job)
	if err != nil {
		t.Fatal(err)
	}
	before := digest(t, x)
	next, done, err := backfill.Backfill(ctx, s.side[0].load(t, testCoin(t)))
	if err != nil || done || next != testStart+2 || digest(t, x) != before {
		t.Fatalf("a block of another branch: next %d, done %v, %v", next, done, err)
	}
	if _, err := x.StartJob(ctx, job.Job); !errors.Is(err, utxo.ErrJobBusy) {
		t.Errorf("started twice: %v", err)
	}
	if ended, err := x.EndJob(ctx, job.Job, utxo.JobCancelled, "enough"); err != nil || ended.State != utxo.JobCancelled {
		t.Errorf("cancelled: %+v, %v", ended, err)
	}
	if _, done, err := backfill.Backfill(ctx, s.main[2].load(t, testCoin(t))); err != nil || !done || digest(t, x) != before {
		t.Errorf("backfill of a cancelled job: done %v, %v", done, err)
	}
	if _, err := x.StartJob(ctx, job.Job); !errors.Is(err, utxo.ErrJobState) {
		t.Errorf("started after it was cancelled: %v", err)
	}
	if resumed, err := x.ResumeJob(ctx, job.Job); err != nil || resumed.State != utxo.JobQueued || resumed.Error != "" || !resumed.Finished.IsZero() {
		t.Errorf("resumed: %+v, %v", resumed, err)
	}
	if err := runJob(ctx, t, x, s.main); err != nil {
		t.Fatal(err)
	}
	if watch, _, err := x.Watched(ctx, script(0)); err != nil || watch.State != utxo.Live || watch.Birth != testStart+2 {
		t.Errorf("after the job: %+v, %v", watch, err)
	}
}

// TestMaturity checks the immature class at the edge of its window.
func TestMaturity(t *testing.T) {
	ctx := t.Context()
	x := openOn(t, memkv.New(testRows))
	if _, err := x.Watch(ctx, []utxo.WatchSpec{{Script: script(0)}}, nil); err != nil {
		t.Fatal(err)
	}
	var tip *testBlock
	wait := testCoin(t).Params().Chain.Maturity[0].Blocks
	for i := range wait + 2 {
		n := 1
		if i == 0 {
			n = 0
		}
		tip = newBlock(tip, testStart, uint32(i), coinbaseTx(uint32(i), pay(n, 50)))
		if err := x.Connect(ctx, tip.load(t, testCoin(t))); err != nil {
			t.Fatal(err)
		}
		b, err := x.Balance(ctx, script(0))
		if err != nil {
			t.Fatal(err)
		}
		all, err := x.TotalBalance(ctx)
		if err != nil || all != b {
			t.Fatalf("total %+v, balance %+v: %v", all, b, err)
		}
		// Mined at i = 0, it can be spent in block i = wait: after block wait − 1.
		if immature := i < wait-1; b.Immature.IsZero() == immature || b.Confirmed != coins.TotalOf(50) {
			t.Fatalf("after %d more blocks: %+v", i, b)
		}
	}
}
