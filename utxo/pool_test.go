package utxo_test

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// seen makes unconfirmed transactions, each seen a second after the one before.
func seen(t *testing.T, txs ...*wire.MsgTx) (change coins.MempoolChange) {
	for i, tx := range txs {
		change.Added = append(change.Added, coins.MempoolTx{
			ID: coins.TxID(tx.TxHash()), Raw: rawTx(t, tx), Seen: time.Unix(1_700_000_000+int64(i), 0),
		})
	}
	return change
}

// balances fails unless script 0's balance has these classes, and all scripts'
// together the same total.
func balances(t *testing.T, x *utxo.Index, confirmed, incoming, outgoing coins.Amount) {
	t.Helper()
	b, err := x.Balance(t.Context(), script(0))
	if err != nil || b.Confirmed != coins.TotalOf(confirmed) || b.Incoming != coins.TotalOf(incoming) || b.Outgoing != coins.TotalOf(outgoing) {
		t.Fatalf("%+v, want %d, %d, %d: %v", b, confirmed, incoming, outgoing, err)
	}
	all, err := x.TotalBalance(t.Context())
	if err != nil || all != b {
		t.Fatalf("all together %+v, the script %+v: %v", all, b, err)
	}
	if err := x.Check(t.Context(), func(string, int) {}); err != nil {
		t.Fatal(err)
	}
}

func watching(t *testing.T, store utxo.Store, blocks ...*testBlock) *utxo.Index {
	t.Helper()
	x := openOn(t, store)
	if _, err := x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(0)}}, nil); err != nil {
		t.Fatal(err)
	}
	connectAll(t, x, blocks)
	return x
}

func tellPool(t *testing.T, x *utxo.Index, change coins.MempoolChange) {
	t.Helper()
	if err := x.Mempool(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

// TestToldAgain tells of a transaction that is in a block already, as a feed
// that lags behind does: it does not count twice, and after the block has been
// left it can come back.
func TestToldAgain(t *testing.T) {
	first := newBlock(nil, testStart, 0, coinbaseTx(0, pay(1, 100)))
	tx := spendTx(1, outPoints(outPoint(first.msg.Transactions[0], 0)), pay(0, 60))
	second := newBlock(first, 0, 0, coinbaseTx(1, pay(1, 1)), tx)
	x := watching(t, memkv.New(testRows), first)
	tellPool(t, x, seen(t, tx))
	balances(t, x, 0, 60, 0)
	connectAll(t, x, []*testBlock{second})
	balances(t, x, 60, 0, 0)
	tellPool(t, x, seen(t, tx))
	balances(t, x, 60, 0, 0)
	if err := x.Disconnect(t.Context(), second.id()); err != nil {
		t.Fatal(err)
	}
	balances(t, x, 0, 0, 0)
	tellPool(t, x, seen(t, tx))
	balances(t, x, 0, 60, 0)
}

// TestReplacedParent replaces a transaction that others build upon, before the
// node has said that they are gone: none of them counts.
func TestReplacedParent(t *testing.T) {
	first := newBlock(nil, testStart, 0, coinbaseTx(0, pay(1, 100)))
	parent := spendTx(1, outPoints(outPoint(first.msg.Transactions[0], 0)), pay(0, 60), pay(1, 40))
	child := spendTx(2, outPoints(outPoint(parent, 0)), pay(0, 59))
	grandchild := spendTx(3, outPoints(outPoint(child, 0)), pay(0, 58))
	other := spendTx(4, outPoints(outPoint(first.msg.Transactions[0], 0)), pay(1, 99))
	x := watching(t, memkv.New(testRows), first)
	tellPool(t, x, seen(t, parent, child, grandchild))
	balances(t, x, 0, 60+59+58, 60+59)
	tellPool(t, x, seen(t, other))
	balances(t, x, 0, 0, 0)
	tellPool(t, x, coins.MempoolChange{Gone: []coins.TxID{coins.TxID(other.TxHash())}})
	balances(t, x, 0, 60+59+58, 60+59)
}

// TestLongChains asks for the balance of transactions of which each spends
// every output of the one before: the work must not double with each.
func TestLongChains(t *testing.T) {
	first := newBlock(nil, testStart, 0, coinbaseTx(0, pay(1, 100), pay(1, 100)))
	txs := []*wire.MsgTx{first.msg.Transactions[0]}
	for i := range 60 {
		last := txs[len(txs)-1]
		txs = append(txs, spendTx(uint32(i), outPoints(outPoint(last, 0), outPoint(last, 1)), pay(0, 1), pay(0, 1)))
	}
	x := watching(t, memkv.New(testRows), first)
	tellPool(t, x, seen(t, txs[1:]...))
	balances(t, x, 0, 120, 118)
}

// TestReplacedOverRestart opens an index anew while it knows a transaction and
// its replacement: the later one counts, as before.
func TestReplacedOverRestart(t *testing.T) {
	first := newBlock(nil, testStart, 0, coinbaseTx(0, pay(1, 100)))
	for salt := range uint32(8) { // ids in either order
		old := spendTx(2*salt+1, outPoints(outPoint(first.msg.Transactions[0], 0)), pay(0, 60))
		later := spendTx(2*salt+2, outPoints(outPoint(first.msg.Transactions[0], 0)), pay(0, 50))
		store := memkv.New(testRows)
		x := watching(t, store, first)
		tellPool(t, x, seen(t, old, later))
		balances(t, x, 0, 50, 0)
		balances(t, openOn(t, store.Reopen()), 0, 50, 0)
	}
}
