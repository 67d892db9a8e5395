package utxo_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// keptWorld is a world of which the jobs are run by hand over a chain.
type keptWorld struct {
	*world
	t     *testing.T
	chain []*testBlock
}

func newKept(t *testing.T, chain []*testBlock) keptWorld {
	k := keptWorld{newWorld(t), t, chain}
	connectAll(t, k.x, chain)
	return k
}

// imports watches scripts and their whole past, and returns the job.
func (k keptWorld) imports(scripts ...int) utxo.JobID {
	k.t.Helper()
	var specs []utxo.WatchSpec
	for _, n := range scripts {
		specs = append(specs, utxo.WatchSpec{Script: script(n)})
		k.back(script(n))
	}
	result, err := k.x.Watch(k.t.Context(), specs, &utxo.JobSpec{From: testStart})
	if err != nil || result.Job == 0 {
		k.t.Fatal(result, err)
	}
	return result.Job
}

// reads gives a job at most so many blocks.
func (k keptWorld) reads(job utxo.JobID, blocks int) {
	k.t.Helper()
	b, err := k.x.StartJob(k.t.Context(), job)
	k.must(err)
	defer b.Stop()
	for range blocks {
		if b.Done() {
			return
		}
		_, _, err := b.Backfill(k.t.Context(), k.chain[b.Next()-testStart].load(k.t, testCoin(k.t)))
		k.must(err)
	}
}

func (k keptWorld) unwatches(n int) {
	k.t.Helper()
	if removed, err := k.x.Unwatch(k.t.Context(), [][]byte{script(n)}); err != nil || removed != 1 {
		k.t.Fatal(removed, err)
	}
	k.left(string(script(n)))
}

// tells fails unless the log tells of exactly the coins that are there, and of
// so many.
func (k keptWorld) tells(want int) {
	k.t.Helper()
	k.must(k.x.Check(k.t.Context(), func(string, int) {}))
	hostile{k.world}.toldAll()
	if len(k.fold) != want {
		k.t.Fatalf("the log tells of %d coins, want %d", len(k.fold), want)
	}
}

// TestUnwatchedWhileScanning unwatches a script of which a job keeps changes:
// the log never tells of them, and of the others in their order without a gap;
// nor does it when the script is imported again while the job still reads.
func TestUnwatchedWhileScanning(t *testing.T) {
	var chain []*testBlock
	var tip *testBlock
	for i := range uint32(8) {
		txs := []*wire.MsgTx{coinbaseTx(i, pay(0, 1), pay(1, 2), pay(int(i%2), 3))}
		if i > 2 {
			txs = append(txs, spendTx(i, outPoints(outPoint(chain[i-2].msg.Transactions[0], 0), outPoint(chain[i-2].msg.Transactions[0], 1)), pay(2, 1)))
		}
		tip = newBlock(tip, testStart, i, txs...)
		chain = append(chain, tip)
	}
	for read := range 8 {
		for _, again := range []bool{false, true} {
			k := newKept(t, chain)
			job := k.imports(0, 1, 2)
			k.reads(job, read)
			k.unwatches(0)
			k.must(k.x.Check(t.Context(), func(string, int) {}))
			second := utxo.JobID(0)
			if again {
				second = k.imports(0)
				k.reads(second, 1)
			}
			// The tip's changes are dropped and kept anew below the cursor too.
			k.must(k.x.Disconnect(t.Context(), chain[7].id()))
			k.must(k.x.Check(t.Context(), func(string, int) {}))
			connectAll(t, k.x, chain[7:])
			k.reads(job, 9)
			if again {
				k.unwatches(1)
				k.reads(second, 9)
				k.tells(7 + 5) // eight and four, five spent; and five of script 2
			} else {
				k.tells(7 + 5)
			}
			k.must(k.x.Close())
		}
	}
}

// TestUnwatchedInParts interrupts the unwatch of a script of which a job keeps
// more than one commit takes: what is left of it goes before the job ends.
func TestUnwatchedInParts(t *testing.T) {
	const events = 5_001 // two commits
	many := slices.Repeat([]*wire.TxOut{pay(0, 1)}, events)
	first := newBlock(nil, testStart, 1, coinbaseTx(1, pay(1, 1), pay(0, 1)))
	second := newBlock(first, testStart, 2, coinbaseTx(2, append(many, pay(1, 5))...))
	third := newBlock(second, testStart, 3, coinbaseTx(3, pay(1, 1), pay(0, 1)))
	chain := []*testBlock{first, second, third, newBlock(third, testStart, 4, coinbaseTx(4, pay(1, 1)))}
	for _, commit := range []int{1, 2} {
		for _, reopen := range []bool{false, true} {
			store := &failing{Store: memkv.New(testRows)}
			k := keptWorld{newWorld(t), t, chain}
			k.must(k.x.Close())
			k.x = openOn(t, store)
			connectAll(t, k.x, chain)
			job := k.imports(0, 1)
			k.reads(job, 3)
			store.left = commit
			if _, err := k.x.Unwatch(t.Context(), [][]byte{script(0)}); !errors.Is(err, errFault) {
				t.Fatal(err)
			}
			if reopen {
				k.x = openOn(t, store.Reopen())
			}
			if commit == 1 { // nothing was stored: it is still watched
				k.reads(job, 9)
				holds(t, k.x, 0, events+2)
				k.must(k.x.Check(t.Context(), func(string, int) {}))
				continue
			}
			k.left(string(script(0)))
			k.reads(job, 9)
			k.tells(4)
		}
	}
}
