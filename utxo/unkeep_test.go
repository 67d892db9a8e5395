package utxo_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
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
			want := 4
			if commit == 1 {
				want += events + 2
			} else {
				k.left(string(script(0)))
			}
			k.reads(job, 9)
			k.tells(want)
		}
	}
}

// TestUntoldSpend has an unconfirmed transaction spend a coin that a job keeps:
// the log tells of that behind the coin, and of neither where a reorg takes the
// coin before.
func TestUntoldSpend(t *testing.T) {
	seen := func(k keptWorld) (kinds []utxo.ChangeKind) {
		list, err := k.x.Changes(t.Context(), 0, utxo.MaxChanges)
		k.must(err)
		for _, c := range list {
			if c.Kind != utxo.BlockConnected && c.Kind != utxo.BlockDisconnected {
				kinds = append(kinds, c.Kind)
			}
		}
		return kinds
	}
	chain := payingChain(5, 0)
	last := chain[4].msg.Transactions[0]
	tx := spendTx(1, outPoints(outPoint(last, 0)), pay(9, 1))
	there := coins.MempoolChange{Added: []coins.MempoolTx{{ID: coins.TxID(tx.TxHash()), Raw: rawTx(t, tx)}}, Complete: true}
	other := newBlock(chain[3], testStart, 77, coinbaseTx(77, pay(9, 1)))
	rival := spendTx(2, outPoints(outPoint(last, 0)), pay(8, 1))
	for _, c := range []struct {
		name string
		then func(k keptWorld, job utxo.JobID)
		want []utxo.ChangeKind
	}{
		{"the job ends", func(k keptWorld, job utxo.JobID) { k.reads(job, 9) }, []utxo.ChangeKind{utxo.CoinCreated, utxo.TxSeen}},
		{"it goes", func(k keptWorld, job utxo.JobID) {
			k.must(k.x.Mempool(t.Context(), coins.MempoolChange{Complete: true}))
			k.reads(job, 9)
		}, []utxo.ChangeKind{utxo.CoinCreated}},
		{"the job ends and it goes", func(k keptWorld, job utxo.JobID) {
			k.reads(job, 9)
			k.must(k.x.Mempool(t.Context(), coins.MempoolChange{Complete: true}))
		}, []utxo.ChangeKind{utxo.CoinCreated, utxo.TxSeen, utxo.TxGone}},
		{"a reorg takes the coin", func(k keptWorld, job utxo.JobID) {
			k.must(k.x.Disconnect(t.Context(), chain[4].id()))
			connectAll(t, k.x, []*testBlock{other})
			k.must(k.x.Mempool(t.Context(), coins.MempoolChange{Complete: true}))
			k.chain = append(slices.Clone(chain[:4]), other)
			k.reads(job, 9)
		}, nil},
		{"a reorg takes the coin and brings it back", func(k keptWorld, job utxo.JobID) {
			k.must(k.x.Disconnect(t.Context(), chain[4].id()))
			connectAll(t, k.x, chain[4:])
			k.reads(job, 9)
		}, []utxo.ChangeKind{utxo.CoinCreated, utxo.TxSeen}},
		{"a block spends it otherwise", func(k keptWorld, job utxo.JobID) {
			b := newBlock(chain[4], testStart, 78, coinbaseTx(78, pay(9, 1)), rival)
			connectAll(t, k.x, []*testBlock{b})
			k.chain = append(slices.Clone(chain), b)
			k.reads(job, 9)
		}, []utxo.ChangeKind{utxo.CoinCreated, utxo.CoinSpent}},
		{"the index is opened again", func(k keptWorld, job utxo.JobID) {
			k.must(k.x.Close())
			k.store = k.store.Reopen()
			k.open()
			k.reads(job, 9)
			k.must(k.x.Close())
			k.store = k.store.Reopen()
			k.open()
		}, []utxo.ChangeKind{utxo.CoinCreated, utxo.TxSeen}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKept(t, chain)
			// Born with the last block.
			result, err := k.x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(0)}}, &utxo.JobSpec{From: chain[4].height})
			k.must(err)
			late, err := k.x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(1)}}, &utxo.JobSpec{From: testStart})
			k.must(err)
			// The rescan of all finds the coin, and the script's own job is to tell of it.
			all, err := k.x.CreateJob(t.Context(), utxo.JobSpec{From: testStart, All: true})
			k.must(err)
			k.reads(all.ID, 9)
			k.must(k.x.Mempool(t.Context(), there))
			if got := seen(k); len(got) > 0 {
				t.Fatalf("the log tells of %v", got)
			}
			c.then(k, result.Job)
			if got := seen(k); !slices.Equal(got, c.want) {
				t.Errorf("the log tells of %v, want %v", got, c.want)
			}
			if job, _, err := k.x.Job(t.Context(), late.Job); err != nil || job.State != utxo.JobQueued {
				t.Error(job, err)
			}
			k.must(k.x.Check(t.Context(), func(string, int) {}))
			k.must(k.x.Close())
		})
	}
}
