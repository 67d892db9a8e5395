package utxo_test

import (
	"testing"

	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// TestToldOfRemoval finds coins by one job, which tells of them, and has
// another read the script's earlier past when their blocks are left: the log
// tells of the removal, and of each coin once.
func TestToldOfRemoval(t *testing.T) {
	chain := payingChain(5, 0)
	h := hostile{newWorld(t)}
	connectAll(t, h.x, chain)
	watch := func(from *testBlock) {
		t.Helper()
		result, err := h.x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(0)}}, &utxo.JobSpec{From: from.height})
		if err != nil || result.Job == 0 {
			t.Fatal(result, err)
		}
	}
	run := func(id utxo.JobID) {
		t.Helper()
		backfill, err := h.x.StartJob(t.Context(), id)
		h.must(err)
		for !backfill.Done() {
			_, _, err := backfill.Backfill(t.Context(), chain[backfill.Next()-testStart].load(t, testCoin(t)))
			h.must(err)
		}
	}
	watch(chain[3])
	run(1)
	h.follow()
	if len(h.fold) != 2 {
		t.Fatalf("told of %v", h.fold)
	}
	watch(chain[1])
	h.must(h.x.Disconnect(t.Context(), chain[4].id()))
	h.must(h.x.Disconnect(t.Context(), chain[3].id()))
	h.follow()
	if len(h.fold) != 0 {
		t.Errorf("two blocks were left, and the log still tells of %v", h.fold)
	}
	connectAll(t, h.x, chain[3:])
	run(2)
	h.toldAll()
	if h.x = openOn(t, memkv.New(testRows)); len(h.fold) != 4 {
		t.Errorf("told of %v", h.fold)
	}
}
