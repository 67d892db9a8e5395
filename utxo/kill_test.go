package utxo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// hostile is a world in which the process is killed at any moment, scripts are
// imported again with other births and ranges, and jobs are made and given up.
// Nothing is known of births beforehand: that the index is a function of chain
// and watch set is proven at the end, by an index made from nothing.
type hostile struct{ *world }

// kill opens what is durable, without closing, and goes back to its tip.
func (h hostile) kill(*rapid.T) {
	h.store, h.passes = h.store.Reopen(), nil
	h.open()
	tip, begun, err := h.x.Tip(context.Background())
	h.must(err)
	for len(h.m.chain) > 0 && (!begun || h.m.tip().id() != tip) {
		h.m.disconnect()
	}
	stats, err := h.x.Stats(context.Background())
	h.must(err)
	if h.undo = 0; begun {
		h.undo = int(tip.Height - stats.UndoFrom + 1)
	}
}

func (h hostile) drawSpec(t *rapid.T) *utxo.JobSpec {
	next := int(h.m.next())
	from := rapid.IntRange(testStart, next).Draw(t, "from")
	return &utxo.JobSpec{From: coins.Height(from), To: coins.Height(rapid.IntRange(0, next).Draw(t, "to"))}
}

func (h hostile) drawScript(t *rapid.T) []byte {
	last := testScripts - 1
	if h.twins {
		last = 1
	}
	return script(rapid.IntRange(0, last).Draw(t, "script"))
}

// allowed fails unless what was refused may be.
func (h hostile) allowed(err error) {
	if err != nil && !errors.Is(err, utxo.ErrJobBusy) && !errors.Is(err, utxo.ErrRange) && !errors.Is(err, utxo.ErrNotWatched) {
		h.tb.Fatal(err)
	}
}

func (h hostile) watchAny(t *rapid.T) {
	var specs []utxo.WatchSpec
	for range rapid.IntRange(1, 4).Draw(t, "specs") {
		birth := rapid.IntRange(0, int(h.m.next())).Draw(t, "birth")
		specs = append(specs, utxo.WatchSpec{Script: h.drawScript(t), Birth: coins.Height(birth)})
	}
	var job *utxo.JobSpec
	if rapid.IntRange(0, 3).Draw(t, "job") > 0 {
		job = h.drawSpec(t)
	}
	_, err := h.x.Watch(context.Background(), specs, job)
	h.allowed(err)
	for _, spec := range specs {
		h.back(spec.Script)
	}
}

func (h hostile) unwatchAny(t *rapid.T) {
	s := h.drawScript(t)
	_, err := h.x.Unwatch(context.Background(), [][]byte{s})
	h.must(err)
	h.left(string(s))
}

func (h hostile) rescan(t *rapid.T) {
	spec := *h.drawSpec(t)
	if spec.All = rapid.Bool().Draw(t, "all"); !spec.All {
		spec.Scripts = [][]byte{h.drawScript(t)}
	}
	_, err := h.x.CreateJob(context.Background(), spec)
	h.allowed(err)
}

// reserveAny reserves some coin, if it can be; Check proves what becomes of it.
func (h hostile) reserveAny(t *rapid.T) {
	list := h.unspent(true)
	if len(list) == 0 {
		discard(t, "there are no coins")
	}
	at := rapid.SampledFrom(list).Draw(t, "coin")
	spec := utxo.ReserveSpec{OutPoints: []coins.OutPoint{{TxID: coins.TxID(at.Hash), Vout: at.Index}}, Owner: "anybody",
		TTL: time.Duration(rapid.IntRange(0, 2).Draw(t, "ttl")) * time.Minute}
	if _, err := h.x.Reserve(context.Background(), spec); err == nil {
		h.must(h.x.Check(context.Background(), func(string, int) {}))
	}
}

// releaseAny releases everything.
func (h hostile) releaseAny(*rapid.T) {
	list, _, err := h.x.Reservations(context.Background(), utxo.ReservationQuery{Page: utxo.Page{Limit: utxo.MaxPage}})
	h.must(err)
	for _, r := range list {
		_, err := h.x.Release(context.Background(), utxo.ReleaseSpec{Token: r.Token, Force: true})
		h.must(err)
	}
}

// checkRows proves the invariants, and that the log tells of no coin twice.
// It flushes nothing: what is killed then is what was.
func (h hostile) checkRows(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "check") == 0 {
		h.must(h.x.Check(context.Background(), func(string, int) {}))
	}
	h.follow()
}

// toldAll holds what the log tells of to the coins that are there. No job is
// left.
func (h hostile) toldAll() {
	h.follow()
	list, next, err := h.x.Coins(context.Background(), utxo.CoinQuery{Confirmed: true, Page: utxo.Page{Limit: utxo.MaxPage}})
	h.must(err)
	there := map[told]bool{}
	for _, c := range list {
		key := told{c.OutPoint, c.Block.Height}
		there[key] = true
		if _, known := h.fold[key]; !known {
			h.tb.Fatalf("the log does not tell of coin %s", c.OutPoint)
		}
	}
	for key := range h.fold {
		if !there[key] {
			h.tb.Fatalf("the log tells of coin %s in block %d, which is not there (%q)", key.at, key.height, next)
		}
	}
}

// TestHostile ends every story with an index that is equal to one made from
// the same chain and watch set.
func TestHostile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := hostile{newWorld(rt)}
		for range 3 {
			h.connect(rt)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"connect": h.connect, "connect again": h.connect, "disconnect": h.disconnect, "kill": h.kill,
			"watch": h.watchAny, "watch more": h.watchAny, "unwatch": h.unwatchAny, "rescan": h.rescan, "give up": h.cancel,
			"begin": h.begin, "read": h.read, "read more": h.read, "mempool": h.mempool, "evict": h.evict, "advance": h.advance, "": h.checkRows,
			"reserve": h.reserveAny, "release": h.releaseAny, "tick": h.tick,
		})
		h.must(h.x.Check(context.Background(), func(string, int) {})) // stores what waits: births may have fallen in it
		h.releaseAny(rt)
		h.rebuild(rt)
		h.toldAll()
		h.must(h.x.Close())
	})
}
