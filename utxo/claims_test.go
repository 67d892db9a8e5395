package utxo_test

import (
	"errors"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// TestSpendOfToldCoin has a script's earlier past read by a second job when the
// first has told of its part: what becomes of that part's coins is told at once,
// not when the second job ends, if ever.
func TestSpendOfToldCoin(t *testing.T) {
	ctx, coin := t.Context(), testCoin(t)
	x := openOn(t, memkv.New(testRows))
	early, late := coinbaseTx(1, pay(5, 10)), coinbaseTx(2, pay(5, 20))
	chain := []*testBlock{newBlock(nil, testStart, 1, early)}
	chain = append(chain, newBlock(chain[0], testStart, 2, coinbaseTx(9, pay(9, 1)), spendTx(1, outPoints(outPoint(early, 0)), pay(6, 9))))
	other := spendTx(7, outPoints(outPoint(early, 5)), pay(5, 30)) // of nobody who is watched
	chain = append(chain, newBlock(chain[1], testStart, 3, late, other))
	connect := func(b *testBlock) {
		t.Helper()
		if err := x.Connect(ctx, b.load(t, coin)); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range chain {
		connect(b)
	}
	watch := func(birth utxo.JobSpec) utxo.JobID {
		t.Helper()
		result, err := x.Watch(ctx, []utxo.WatchSpec{{Script: script(5)}}, &birth)
		if err != nil || result.Job == 0 {
			t.Fatal(result, err)
		}
		return result.Job
	}
	run := func(id utxo.JobID) {
		t.Helper()
		b, err := x.StartJob(ctx, id)
		for err == nil && !b.Done() {
			_, _, err = b.Backfill(ctx, chain[b.Next()-testStart].load(t, coin))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	told := func(after utxo.Seq, want ...string) {
		t.Helper()
		changes, err := x.Changes(ctx, after, 100)
		kinds := map[utxo.ChangeKind]string{utxo.CoinCreated: "created", utxo.CoinSpent: "spent"}
		var got []string
		for _, c := range changes {
			if c.Kind == utxo.CoinCreated || c.Kind == utxo.CoinSpent {
				got = append(got, kinds[c.Kind]+" "+c.Coin.Value.String())
			}
		}
		if err != nil || len(got) != len(want) {
			t.Fatalf("told %v, want %v (%v)", got, want, err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("told %v, want %v", got, want)
			}
		}
	}
	run(watch(utxo.JobSpec{From: testStart + 2}))
	second := watch(utxo.JobSpec{From: testStart})
	at := x.LastSeq()
	chain = append(chain, newBlock(chain[2], testStart, 4, coinbaseTx(4, pay(9, 1)), spendTx(2, outPoints(outPoint(other, 0)), pay(6, 29))))
	connect(chain[3])
	told(at, "spent 0.00000030")
	at = x.LastSeq()
	run(second)
	told(at, "created 0.00000010", "spent 0.00000010")
	if err := x.Check(ctx, func(string, int) {}); err != nil {
		t.Error(err)
	}
}

// TestTooManyClaims checks that a rescan is refused where too many jobs read a
// script, that News says so of an import beforehand, and that one which comes all
// the same has room.
func TestTooManyClaims(t *testing.T) {
	ctx, coin := t.Context(), testCoin(t)
	x := openOn(t, memkv.New(testRows))
	var tip *testBlock
	for i := range uint32(70) {
		tip = newBlock(tip, testStart, i, coinbaseTx(i, pay(9, 1)))
		if err := x.Connect(ctx, tip.load(t, coin)); err != nil {
			t.Fatal(err)
		}
	}
	specs := []utxo.WatchSpec{{Script: script(5)}}
	if _, err := x.Watch(ctx, specs, nil); err != nil {
		t.Fatal(err)
	}
	earlier := func(i int) *utxo.JobSpec { return &utxo.JobSpec{From: tip.height - 1 - coins.Height(i)} }
	for i := range 64 {
		if _, err := x.News(ctx, specs, earlier(i)); err != nil {
			t.Fatalf("job %d: %v", i, err)
		}
		if _, err := x.Watch(ctx, specs, earlier(i)); err != nil {
			t.Fatalf("job %d: %v", i, err)
		}
	}
	if _, err := x.News(ctx, specs, earlier(64)); !errors.Is(err, utxo.ErrJobBusy) {
		t.Errorf("news: %v", err)
	}
	if _, err := x.CreateJob(ctx, utxo.JobSpec{From: testStart, Scripts: [][]byte{script(5)}}); !errors.Is(err, utxo.ErrJobBusy) {
		t.Errorf("rescan: %v", err)
	}
	if _, err := x.Watch(ctx, specs, earlier(64)); err != nil {
		t.Errorf("what is in the watch log already: %v", err)
	}
	if err := x.Check(ctx, func(string, int) {}); err != nil {
		t.Error(err)
	}
}
