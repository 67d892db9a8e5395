package utxo_test

import (
	"testing"

	"coffer.example/coffer/utxo"
)

// follow connects blocks of which the next are known, so that they share a
// commit where they may; the last one is made durable.
func (d *derivingTest) follow(blocks ...[]int) {
	d.Helper()
	d.more = true
	for i, numbers := range blocks {
		d.more = i < len(blocks)-1
		d.block(numbers...)
	}
}

// TestOriginsInBatch derives scripts that were all imported by themselves, while
// blocks share a commit: the next block has to know that they are derived.
func TestOriginsInBatch(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	var specs []utxo.WatchSpec
	for index := range uint32(200) {
		specs = append(specs, utxo.WatchSpec{Script: script(s.number(0, index))})
	}
	_, err := d.x.Watch(t.Context(), specs, nil)
	d.ok(err)
	d.add(s, 0, nil)
	d.follow(nil, []int{s.number(0, 85)}, []int{s.number(0, 190)}, []int{s.number(0, 250)}, nil)
	if b := d.branch(1, 0); b != (utxo.Branch{Derived: 300, Used: 251}) {
		t.Errorf("%+v", b)
	}
	d.balance(s.number(0, 250), 10)
	d.check()
	d.rebuilt()
}

// TestSuccessorInBatch ends a job that owes a past in the commit of a block that
// used a script without deriving any.
func TestSuccessorInBatch(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	d.block()
	d.block(s.number(0, 85))
	d.block(s.number(0, 120))
	d.block()
	b, err := d.x.StartJob(t.Context(), d.add(s, 0, &utxo.JobSpec{From: testStart}).Job)
	d.ok(err)
	for !b.Done() {
		block := d.chain[b.Next()-testStart].load(d, testCoin(d))
		block.More = true
		_, _, err := b.Backfill(t.Context(), block)
		d.ok(err)
	}
	if got := d.branch(1, 0); got != (utxo.Branch{Derived: 200, Used: 121}) {
		t.Errorf("%+v", got)
	}
	d.check()
	d.rebuilt()
}

// TestDerivedBeforeSourceBegins resets an index of which scripts are older than a
// source, and lets the tip derive while the job that reads below the start has
// not come to the source's beginning.
func TestDerivedBeforeSourceBegins(t *testing.T) {
	const below = 4
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	var past []*testBlock
	for range below {
		d.salt++
		past = append(past, newBlock(last(past), testStart-below, d.salt, coinbaseTx(d.salt, pay(7, 10))))
	}
	d.below = last(past)
	d.block()
	_, err := d.x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(7)}}, &utxo.JobSpec{From: testStart - below})
	d.ok(err)
	d.add(s, 0, &utxo.JobSpec{From: testStart - 1})
	d.ok(d.x.Reset(t.Context()))
	d.ok(d.x.Connect(t.Context(), d.chain[0].load(d, testCoin(d))))
	jobs, err := d.x.Jobs(t.Context())
	d.ok(err)
	b, err := d.x.StartJob(t.Context(), jobs[len(jobs)-1].ID)
	d.ok(err)
	_, _, err = b.Backfill(t.Context(), past[0].load(d, testCoin(d)))
	d.ok(err)
	d.block(s.number(0, 90))
	d.check()
	for !b.Done() {
		at := int(b.Next()) - (testStart - below)
		_, _, err = b.Backfill(t.Context(), append(past, d.chain...)[at].load(d, testCoin(d)))
		d.ok(err)
	}
	d.check()
	d.balance(7, 10*below)
	d.balance(s.number(0, 90), 10)
}

func last(blocks []*testBlock) *testBlock {
	if len(blocks) == 0 {
		return nil
	}
	return blocks[len(blocks)-1]
}

// TestSourceBeginsLater fills an index anew with a source that begins above its
// tip: what came before was never to count. An earlier beginning counts again.
func TestSourceBeginsLater(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	_, err := d.x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(s.number(0, 85))}}, nil)
	d.ok(err)
	if result := d.add(s, 0, &utxo.JobSpec{From: testStart + 4}); result.Job != 0 || result.Added != 99 {
		t.Fatalf("%+v", result)
	}
	d.block(s.number(0, 1))
	d.add(s, 0, &utxo.JobSpec{From: testStart + 3})
	d.block(s.number(0, 2), s.number(0, 85)) // 85 was imported by itself, and derives others
	d.block(s.number(0, 130))
	d.balance(s.number(0, 1), 0)
	d.balance(s.number(0, 2), 0)
	d.balance(s.number(0, 130), 0)
	d.block(s.number(0, 1), s.number(0, 130))
	d.balance(s.number(0, 1), 10)
	d.balance(s.number(0, 130), 10)
	d.check()
	d.rebuilt()
}

// TestSourceBeginsBelowReorg lets a reorg lead below a source's beginning: the
// other branch's payments count, to what is derived in it too.
func TestSourceBeginsBelowReorg(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	d.block()
	d.block()
	d.block()
	d.add(s, 0, &utxo.JobSpec{From: testStart + 3})
	d.disconnect()
	d.disconnect()
	_, _, err := d.x.Issue(t.Context(), 1, 0)
	d.ok(err)
	d.ok(d.x.RaiseIssued(t.Context(), s.text(), 0, 90))
	d.block(s.number(0, 150))
	d.balance(s.number(0, 150), 10)
	d.check()
	d.rebuilt()
}

// TestSpendOfDerivedCoin spends a coin that a job has told of while its successor
// reads what is before: it is told at once.
func TestSpendOfDerivedCoin(t *testing.T) {
	d := newDeriving(t)
	s := testSource{1000, 1, 1 << 31}
	d.block(s.number(0, 150))
	d.block(s.number(0, 85))
	found := d.block(s.number(0, 150))
	b, err := d.x.StartJob(t.Context(), d.add(s, 0, &utxo.JobSpec{From: testStart}).Job)
	d.ok(err)
	for !b.Done() {
		_, _, err := b.Backfill(t.Context(), d.chain[b.Next()-testStart].load(d, testCoin(d)))
		d.ok(err)
	}
	at := d.x.LastSeq()
	coin := outPoint(found.msg.Transactions[0], 1)
	next := newBlock(last(d.chain), testStart, 99, coinbaseTx(99, pay(1<<30, 1)), spendTx(1, outPoints(coin), pay(1<<30, 9)))
	d.ok(d.x.Connect(t.Context(), next.load(d, testCoin(d))))
	d.chain = append(d.chain, next)
	changes, err := d.x.Changes(t.Context(), at, 10)
	if err != nil || len(changes) != 2 || changes[1].Kind != utxo.CoinSpent {
		t.Errorf("%+v: %v", changes, err)
	}
	d.check()
	at = d.x.LastSeq()
	d.finishJobs()
	changes, err = d.x.Changes(t.Context(), at, 10)
	if err != nil || len(changes) != 1 || changes[0].Kind != utxo.CoinCreated || changes[0].Coin.Block.Height != testStart {
		t.Errorf("the successor told %+v: %v", changes, err)
	}
	d.check()
	d.rebuilt()
}
