package utxo_test

import (
	"slices"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// untold is what becomes of a spend of a coin that a job keeps, and what the log
// then tells of.
type untold struct {
	name string
	then func(k keptWorld, job utxo.JobID)
	want []utxo.ChangeKind
}

// untolds are the ends it can come to. The last block of the chain makes the coin.
func untolds(t *testing.T, chain []*testBlock) []untold {
	last := chain[len(chain)-1].msg.Transactions[0]
	other := newBlock(chain[3], testStart, 77, coinbaseTx(77, pay(9, 1)))
	rival := spendTx(2, outPoints(outPoint(last, 0)), pay(8, 1))
	return []untold{
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
	}
}

// seen returns what the log tells of coins and transactions.
func (k keptWorld) seen() (kinds []utxo.ChangeKind) {
	list, err := k.x.Changes(k.t.Context(), 0, utxo.MaxChanges)
	k.must(err)
	for _, c := range list {
		if c.Kind != utxo.BlockConnected && c.Kind != utxo.BlockDisconnected {
			kinds = append(kinds, c.Kind)
		}
	}
	return kinds
}

// TestUntoldSpend has an unconfirmed transaction spend a coin that a job keeps:
// the log tells of that behind the coin, and of neither where a reorg takes the
// coin before.
func TestUntoldSpend(t *testing.T) {
	chain := payingChain(5, 0)
	tx := spendTx(1, outPoints(outPoint(chain[4].msg.Transactions[0], 0)), pay(9, 1))
	there := coins.MempoolChange{Added: []coins.MempoolTx{{ID: coins.TxID(tx.TxHash()), Raw: rawTx(t, tx)}}, Complete: true}
	for _, c := range untolds(t, chain) {
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
			if got := k.seen(); len(got) > 0 {
				t.Fatalf("the log tells of %v", got)
			}
			c.then(k, result.Job)
			if got := k.seen(); !slices.Equal(got, c.want) {
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
