package sim

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"testing"
	"time"
)

// sweepStory has everything in it, told in few words: a first sync, imports
// with and without their past, a reorg under a running job, rescans, payments
// and rivals in the mempool, a script that leaves.
func sweepStory() Scenario {
	s := Scenario{Seed: 8}
	for i, kind := range []string{"watch", "run", "send", "run", "watch", "run", "send", "run", "reorg", "run", "run", "rescan",
		"send", "run", "double-spend", "run", "unwatch", "mine", "watch", "run", "reorg", "run", "follow", "run", "send", "run", "run"} {
		s.Steps = append(s.Steps, Step{kind, uint64(i)})
	}
	return s
}

// TestFaultSweep fails the n-th call of every seam, of the store and of the
// node, for all n in a soak and for some of them else. Each time the index
// comes back at a whole block and ends as the model says.
func TestFaultSweep(t *testing.T) {
	clean := play(t, sweepStory(), nil, nil)
	if clean.Err != nil {
		t.Fatal(clean.Err)
	}
	for _, act := range []string{"import", "reorg", "rescan", "unwatch", "double spend"} {
		if clean.Acts[act] == 0 {
			t.Fatalf("the story has no %s: %v", act, clean.Acts)
		}
	}
	t.Logf("calls of the store %v, of the node %v", clean.Calls, clean.Asked)
	var runs []sweepRun
	for _, call := range slices.Sorted(maps.Keys(clean.Calls)) {
		for n := 1; n <= clean.Calls[call]; n++ {
			runs = append(runs, sweepRun{n: n, store: call}, sweepRun{n: n, store: call, sticks: true}, sweepRun{n: n, store: call, passing: true})
		}
	}
	for _, method := range slices.Sorted(maps.Keys(clean.Asked)) {
		for n := 1; n <= clean.Asked[method]; n++ {
			for _, kind := range faultKinds() {
				runs = append(runs, sweepRun{n: n, method: method, kind: kind})
			}
		}
	}
	stride := 1
	if os.Getenv("COFFER_SOAK") != "1" {
		stride = max(1, len(runs)/150)
	}
	fired, played, begun := 0, 0, time.Now()
	for i := 0; i < len(runs); i += stride {
		if played++; runs[i].play(t) {
			fired++
		}
	}
	t.Logf("%d of %d runs in %s, %d faults fired", played, len(runs), time.Since(begun).Round(time.Second), fired)
	if fired < played/2 {
		t.Errorf("only %d of %d faults fired", fired, played)
	}
}

// sweepRun is the story with one call that fails.
type sweepRun struct {
	n               int
	store           string
	sticks, passing bool
	method          string
	kind            faultKind
}

func (r sweepRun) prepare(w *World) {
	w.sweeps = true
	if r.store != "" {
		w.store.arm(r.n, r.store, r.sticks, r.passing)
	} else {
		w.faults = []armed{{method: r.method, after: r.n - 1, times: 1, kind: r.kind}}
	}
}

func (r sweepRun) play(t *testing.T) (fired bool) {
	t.Helper()
	var world *World
	result := play(t, sweepStory(), nil, func(w *World) {
		world = w
		r.prepare(w)
	})
	if result.Err != nil {
		var trace bytes.Buffer
		play(t, sweepStory(), &trace, r.prepare)
		t.Fatalf("%+v: %v\n%s", r, result.Err, trace.String())
	}
	return world.store.fired || r.method != "" && len(world.faults) == 0
}
