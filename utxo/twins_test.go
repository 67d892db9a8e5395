package utxo_test

import (
	"context"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"
)

// testPairs is how many ids are of several coinbases.
const testPairs = 4

func twinTx(pair uint32) *wire.MsgTx { return coinbaseTx(1<<30+pair, pay(0, 50), pay(1, 7)) }

// spendTwin spends an output of a coinbase that may have the id of another.
func (w *world) spendTwin(txs []*wire.MsgTx, unspent []wire.OutPoint) ([]*wire.MsgTx, []wire.OutPoint) {
	for i, at := range unspent {
		for pair := range uint32(testPairs) {
			if twinTx(pair).TxHash() == at.Hash {
				tx := spendTx(w.nextSalt(), outPoints(at), pay(1, 9))
				return append(txs, tx), append(slices.Delete(slices.Clone(unspent), i, i+1), outPoint(tx, 0))
			}
		}
	}
	return txs, unspent
}

// TestTwins is TestHostile on a chain of coinbases with the ids of others, which
// several jobs come upon in any order, given up and resumed.
func TestTwins(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := hostile{newWorld(rt)}
		h.twins = true
		for range 5 {
			h.connect(rt)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"connect": h.connect, "connect again": h.connect, "disconnect": h.disconnect, "kill": h.kill,
			"watch": h.watchAny, "watch more": h.watchAny, "unwatch": h.unwatchAny, "rescan": h.rescan, "rescan more": h.rescan,
			"give up": h.cancel, "give up more": h.cancel, "begin": h.begin, "begin more": h.begin,
			"read": h.read, "read more": h.read, "read on": h.read, "mempool": h.mempool, "": h.checkRows,
		})
		h.must(h.x.Check(context.Background(), func(string, int) {}))
		h.rebuild(rt)
		h.toldAll()
		h.must(h.x.Close())
	})
}
