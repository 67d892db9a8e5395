package node

import (
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
)

// TestChoose tells what becomes of a pool's choice. All is well with a node, for an hour, unless said otherwise.
func TestChoose(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	params, err := btc.Params(coins.Main)
	if err != nil {
		t.Fatal(err)
	}
	var o PoolOptions
	o.setDefaults(&params)
	well := func(change ...func(*seen)) seen {
		s := seen{asked: true, ok: true, since: now.Add(-time.Hour), tip: coins.BlockID{Height: 100}, work: Work{31: 100}}
		for _, alter := range change {
			alter(&s)
		}
		return s
	}
	unasked := func(s *seen) { *s = seen{} }
	down := func(s *seen) { s.ok = false }
	foreign := func(s *seen) { s.ok, s.foreign = false, true }
	fresh := func(s *seen) { s.since = now.Add(-o.ReturnAfter / 2) }
	barred := func(s *seen) { s.barred = now.Add(time.Second) }
	unbarred := func(s *seen) { s.barred = now.Add(-time.Second) }
	lower := func(s *seen) { s.work, s.tip.Height = Work{31: 99}, 99 }
	otherTip := func(s *seen) { s.tip.Hash[0] = 1 }
	behind := func(far bool, since time.Duration) func(*seen) {
		return func(s *seen) { lower(s); s.far, s.behind = far, now.Add(-since) }
	}
	tests := []struct {
		name  string
		inUse int
		nodes []seen
		want  int
	}{
		{"all is well", 0, []seen{well(), well()}, 0},
		{"nobody was asked yet", 0, []seen{well(unasked), well(unasked)}, 0},
		{"the second answered before the first", 0, []seen{well(unasked), well()}, 0},
		{"down", 0, []seen{well(down), well()}, 1},
		{"down, and nobody knows of the other", 0, []seen{well(down), well(unasked)}, 1},
		{"all down", 1, []seen{well(down), well(down), well(down)}, 1},
		{"down, and the others too or foreign", 0, []seen{well(down), well(foreign), well(down)}, 0},
		{"foreign, and the other down", 0, []seen{well(foreign), well(down)}, 1},
		{"foreign, and the other behind", 0, []seen{well(foreign), well(behind(true, time.Hour))}, 1},
		{"the more preferred of two", 0, []seen{well(down), well(), well()}, 1},
		{"the healthier of two", 0, []seen{well(down), well(barred), well()}, 2},
		{"a little behind", 0, []seen{well(behind(false, o.StallAfter-1)), well()}, 0},
		{"a little behind for too long", 0, []seen{well(behind(false, o.StallAfter)), well()}, 1},
		{"far behind for a moment", 0, []seen{well(behind(true, o.LagAfter-1)), well()}, 0},
		{"far behind", 0, []seen{well(behind(true, o.LagAfter)), well()}, 1},
		{"far behind, and the other gave bad blocks", 0, []seen{well(behind(true, o.LagAfter)), well(barred)}, 0},
		{"bad blocks", 0, []seen{well(barred), well()}, 1},
		{"bad blocks, and no other", 0, []seen{well(barred), well(down)}, 0},
		{"the preferred one is well again", 1, []seen{well(), well()}, 0},
		{"it is not so for long", 1, []seen{well(fresh), well()}, 1},
		{"it gave bad blocks a moment ago", 1, []seen{well(unbarred), well()}, 1},
		{"it is behind", 1, []seen{well(behind(false, 0)), well()}, 1},
		{"it has as much work on another branch", 1, []seen{well(otherTip), well()}, 1},
		{"it has more work", 1, []seen{well(), well(lower)}, 0},
		{"the one between", 2, []seen{well(down), well(), well()}, 1},
		{"the one in use fails, so nothing is waited for", 1, []seen{well(fresh), well(down)}, 0},
	}
	for _, test := range tests {
		if got := choose(now, test.nodes, test.inUse, &o); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestCompareWork(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	o := PoolOptions{LagBlocks: 2, LagAfter: time.Minute}
	at := func(height byte) seen {
		return seen{asked: true, ok: true, tip: coins.BlockID{Height: coins.Height(height)}, work: Work{31: height}}
	}
	nodes := []seen{at(10), at(13), at(12), {}, at(200)}
	nodes[4].barred = now.Add(time.Second)
	compareWork(now, nodes, false, &o)
	if nodes[0].behind != now || !nodes[0].far || !nodes[1].behind.IsZero() || nodes[2].behind != now || nodes[2].far {
		t.Errorf("got %+v", nodes)
	}
	compareWork(now.Add(time.Second), nodes, true, &o)
	if nodes[0].behind != now {
		t.Errorf("the clock of one that stays behind began again: %+v", nodes[0])
	}
	nodes[0] = at(13)
	nodes[2].fork = &Fork{Depth: 1}
	compareWork(now, nodes, false, &o)
	if !nodes[0].behind.IsZero() || nodes[0].far || !nodes[2].far {
		t.Errorf("got %+v", nodes)
	}
	late := []seen{at(10), at(13)}
	compareWork(now, late, true, &o)
	if late[0].behind != now.Add(-o.LagAfter) {
		t.Errorf("one that begins behind is waited for: %+v", late[0])
	}
	if lag(nodes, 2) != 188 || lag(nodes, 3) != 0 {
		t.Errorf("lags %d %d", lag(nodes, 2), lag(nodes, 3))
	}
}

func TestOriginsAreBounded(t *testing.T) {
	var o origins
	hash := func(i int) (h coins.BlockHash) {
		h[0], h[1], h[2] = byte(i), byte(i>>8), 1
		return h
	}
	for i := range 3 * maxOrigins {
		o.note(hash(i), i)
		o.note(hash(i), i+1)
	}
	if len(o.from) != maxOrigins {
		t.Errorf("%d are remembered", len(o.from))
	}
	if from, known := o.of(hash(3*maxOrigins - 1)); !known || from != 3*maxOrigins {
		t.Errorf("the last is from %d, %v", from, known)
	}
	if _, known := o.of(hash(0)); known {
		t.Error("the first is still remembered")
	}
}
