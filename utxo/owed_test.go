package utxo_test

import (
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// connects connects a block of the given transactions.
func (d *derivingTest) connects(txs ...*wire.MsgTx) {
	d.Helper()
	d.salt++
	var prev *testBlock
	if len(d.chain) > 0 {
		prev = d.chain[len(d.chain)-1]
	}
	b := newBlock(prev, testStart, d.salt, txs...)
	d.ok(d.x.Connect(d.Context(), b.load(d, testCoin(d))))
	d.chain = append(d.chain, b)
}

// read gives a job some blocks of a chain that begins at a height.
func (d *derivingTest) read(id utxo.JobID, chain []*testBlock, first coins.Height, blocks int) {
	d.Helper()
	b, err := d.x.StartJob(d.Context(), id)
	d.ok(err)
	defer b.Stop()
	for range blocks {
		if b.Done() {
			return
		}
		_, _, err := b.Backfill(d.Context(), chain[b.Next()-first].load(d, testCoin(d)))
		d.ok(err)
	}
}

// TestOwedTwins derives a script from what a job finds above two coinbases of
// the same id that pay it, and has a rescan of all find the first of them: the
// job has passed the block that spends it, and must not take it for the second.
func TestOwedTwins(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	twin := coinbaseTx(1<<30, pay(s.number(0, 150), 50))
	d.connects(twin)
	d.connects(coinbaseTx(1, pay(9, 1)), spendTx(1, outPoints(outPoint(twin, 0)), pay(9, 1)))
	d.connects(twin)
	d.connects(coinbaseTx(2, pay(s.number(0, 95), 10)))
	d.connects(coinbaseTx(3, pay(9, 1)), spendTx(2, outPoints(outPoint(twin, 0)), pay(9, 2)))
	job := d.add(s, 0, &utxo.JobSpec{From: testStart}).Job
	d.read(job, d.chain, testStart, 4)
	all, err := d.x.CreateJob(t.Context(), utxo.JobSpec{From: testStart, To: testStart, All: true})
	d.ok(err)
	d.read(all.ID, d.chain, testStart, 9)
	d.read(job, d.chain, testStart, 9)
	d.check()
	if d.finishJobs() == 0 {
		t.Error("the job has no successor")
	}
	d.check()
	d.balance(s.number(0, 150), 0)
	list, _, err := d.x.History(t.Context(), utxo.HistoryQuery{Script: script(s.number(0, 150)), Page: utxo.Page{Limit: 10}})
	d.ok(err)
	want := []coins.Height{4, 2, 1, 0}
	if len(list) != len(want) {
		t.Fatalf("history %+v", list)
	}
	for i, e := range list {
		if e.Block.Height != testStart+want[i] {
			t.Errorf("entry %d is in block %d", i, e.Block.Height)
		}
	}
}

// TestDerivedBelowStart has the job of a reset read two sources' pasts from
// different heights, and a block derive scripts of the later one before the job
// has come to it.
func TestDerivedBelowStart(t *testing.T) {
	const first = coins.Height(2)
	d := newDeriving(t)
	a, b := testSource{1000, 1, 1 << 31}, testSource{5000, 1, 1 << 31}
	var chain []*testBlock
	var tip *testBlock
	for i := range uint32(8) {
		tip = newBlock(tip, first, i, coinbaseTx(i, pay(a.number(0, 3), 1), pay(b.number(0, 4), 1)))
		chain = append(chain, tip)
	}
	b9 := newBlock(tip, first, 99, coinbaseTx(99, pay(b.number(0, 95), 1)))
	chain = append(chain, b9)
	connectAll(t, d.x, chain[testStart-first:8])
	d.read(d.add(a, 0, &utxo.JobSpec{From: first}).Job, chain, first, 99)
	d.read(d.add(b, 0, &utxo.JobSpec{From: first + 3}).Job, chain, first, 99)
	d.check()
	d.ok(d.x.Reset(t.Context()))
	connectAll(t, d.x, chain[testStart-first:8])
	jobs, err := d.x.Jobs(t.Context())
	d.ok(err)
	id := jobs[len(jobs)-1].ID
	d.read(id, chain, first, 2)
	connectAll(t, d.x, chain[8:])
	d.read(id, chain, first, 99)
	d.check()
	for i := range 9 { // successors, if there are any
		jobs, err := d.x.Jobs(t.Context())
		d.ok(err)
		if last := jobs[len(jobs)-1]; last.State != utxo.JobDone {
			d.read(last.ID, chain, first, 99)
		} else if i > 0 {
			break
		}
	}
	d.check()
	for _, id := range []utxo.SourceID{1, 2} {
		if src, _, err := d.x.Source(t.Context(), id); err != nil || src.State != utxo.Live {
			t.Errorf("%+v: %v", src, err)
		}
	}
	d.balance(a.number(0, 3), 8)
	d.balance(b.number(0, 4), 5)
	d.balance(b.number(0, 95), 1)
	d.balance(b.number(0, 199), 0)
}
