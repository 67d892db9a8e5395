package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// Step is one thing that happens in a scenario. What exactly is drawn from its
// own salt and from how things stand.
type Step struct {
	Kind string
	Salt uint64
}

// String names the step as traces do.
func (s Step) String() string { return fmt.Sprintf("%s/%x", s.Kind, s.Salt) }

// Scenario is a world and what happens in it, in order.
type Scenario struct {
	Seed  uint64
	Steps []Step
}

// New draws the scenario of a seed.
func New(seed uint64) Scenario {
	rng := rand.New(rand.NewPCG(seed, 0))
	s := Scenario{Seed: seed}
	weights := kinds(nil)
	sum := 0
	for _, k := range weights {
		sum += k.weight
	}
	for range 20 + rng.IntN(60) {
		dice := rng.IntN(sum)
		for _, k := range weights {
			if dice -= k.weight; dice < 0 {
				s.Steps = append(s.Steps, Step{k.name, rng.Uint64() >> 40})
				break
			}
		}
	}
	return s
}

// setupOf draws what a seed's scenario is played on.
func setupOf(seed uint64) setup {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := setup{prefetch: 1 + rng.IntN(4), initial: 4 + rng.IntN(20), scripts: 3 + rng.IntN(6), hints: rng.IntN(3) > 0, joins: rng.IntN(2) == 0}
	s.maxReorg = []coins.Height{3, 8, 45}[rng.IntN(3)]
	if s.maxReorg == 45 {
		s.initial += 40
	}
	if rng.IntN(2) == 0 {
		s.start = coins.Height(1 + rng.IntN(s.initial))
	}
	return s
}

// kind is a kind of step and how often it comes.
type kind struct {
	name   string
	weight int
	do     func(ctx context.Context, rng *rand.Rand)
}

// kinds are what a world can do; without one, only names and weights.
func kinds(w *World) []kind {
	return []kind{
		{"run", 60, w.drive},
		{"tick", 6, w.tick},
		{"mine", 20, w.mine},
		{"reorg", 8, w.reorg},
		{"send", 12, w.send},
		{"double-spend", 3, w.doubleSpend},
		{"mislead", 6, w.mislead},
		{"invalidate", 2, w.invalidate},
		{"hint", 6, w.tell},
		{"source-fault", 8, w.armSource},
		{"store-fault", 4, w.armStore},
		{"watch", 12, w.watch},
		{"unwatch", 4, w.unwatch},
		{"rescan", 6, w.rescan},
		{"cancel", 4, w.cancel},
		{"archive", 3, w.archive},
		{"reserve", 5, w.reserve},
		{"release", 2, w.release},
		{"source", 1, w.source},
		{"restart", 2, func(ctx context.Context, _ *rand.Rand) { w.restart(ctx, false) }},
		{"crash", 3, func(ctx context.Context, _ *rand.Rand) { w.restart(ctx, true); w.did("crash") }},
		{"follow", 6, w.follow},
		{"settle", 3, func(ctx context.Context, _ *rand.Rand) { w.settle(ctx); w.check(ctx) }},
	}
}

// Result is what playing a scenario came to.
type Result struct {
	// Err is the law that was broken, or nil.
	Err error
	// Events is how many things happened, Acts how often each of some kinds.
	Events int
	Acts   map[string]int
	// Calls counts the calls of the store by name, Asked those of the node.
	Calls, Asked map[string]int
	// Digest is the index's at the end.
	Digest [32]byte
}

// Play plays a scenario and writes what happens to trace, where that is not
// nil. The same scenario always goes the same way.
func Play(t *testing.T, s Scenario, trace io.Writer) (result Result) {
	t.Helper()
	return play(t, s, trace, nil)
}

// play is Play with something done to the world before it begins.
func play(t *testing.T, s Scenario, trace io.Writer, prepare func(*World)) (result Result) {
	synctest.Test(t, func(*testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		w, err := newWorld(setupOf(s.Seed), s.Seed, trace)
		if err != nil {
			result.Err = err
			return
		}
		if prepare != nil {
			prepare(w)
		}
		result = w.play(ctx, s)
	})
	return result
}

func (w *World) play(ctx context.Context, s Scenario) (result Result) {
	w.note("seed %d: %+v", s.Seed, w.setup)
	w.open(ctx)
	do := map[string]func(context.Context, *rand.Rand){}
	for _, k := range kinds(w) {
		do[k.name] = k.do
	}
	for i, step := range s.Steps {
		if w.record.err != nil {
			break
		}
		w.quiet(ctx)
		w.note("%d %s at %s", i, step, w.clock.Now().Format("15:04:05.000"))
		do[step.Kind](ctx, rand.New(rand.NewPCG(s.Seed, step.Salt)))
	}
	w.settle(ctx)
	w.check(ctx)
	w.store.disarm()
	if w.record.err == nil {
		if sum, err := w.process.index.Digest(ctx); err == nil {
			result.Digest = sum
		}
		w.rebuilt(ctx)
	}
	w.end()
	if x := w.process.index; x != nil {
		if err := x.Close(); err != nil {
			w.broke(fmt.Errorf("%w: close: %w", ErrBroken, err))
		}
	}
	result.Err, result.Events, result.Acts = w.record.err, w.record.events, w.record.acts
	result.Calls, result.Asked = w.store.calls, w.record.asked
	return result
}

// drive lets some calls through, in an order that is drawn, or time pass.
func (w *World) drive(ctx context.Context, rng *rand.Rand) {
	for range 1 + rng.IntN(25) {
		w.quiet(ctx)
		calls := w.gate.waiting()
		if w.record.err != nil {
			return
		}
		if len(calls) == 0 || rng.IntN(15) == 0 {
			w.clock.next()
			continue
		}
		w.let(calls[rng.IntN(len(calls))], rng)
	}
}

// let lets a call through, with the fault that waits for it.
func (w *World) let(c *call, rng *rand.Rand) {
	v := verdict{view: w.node.current()}
	if c.source {
		w.record.asked[c.method]++
		v.fault = fault{w.faultFor(c), rng.Uint64()}
		switch v.fault.kind {
		case faultError:
			v.err = errFault
		case faultHang:
			c.held = true
			w.did("fault hang")
			return
		case faultLate:
			if c.asked.tip != nil {
				v.view = c.asked
			}
		case faultStale:
			if past := w.node.past; len(past) > 0 {
				v.view = past[rng.IntN(len(past))]
			}
		}
		if v.fault.kind != faultNone {
			w.note("  %s: fault %s", c, v.fault.kind)
			w.did("fault " + string(v.fault.kind))
		}
	}
	w.gate.release(c, v)
}

// faultFor returns the fault that waits for a call.
func (w *World) faultFor(c *call) faultKind {
	for i := range w.faults {
		f := &w.faults[i]
		if f.method != "" && f.method != c.method {
			continue
		}
		if f.after--; f.after >= 0 {
			return faultNone
		}
		if f.times--; f.times == 0 {
			kind := f.kind
			w.faults = slices.Delete(w.faults, i, i+1)
			return kind
		}
		return f.kind
	}
	return faultNone
}

// tick lets time pass.
func (w *World) tick(_ context.Context, rng *rand.Rand) {
	for range 1 + rng.IntN(4) {
		w.clock.next()
		synctest.Wait()
	}
}

// follow lets the consumer read some of the log, and say how far it has come.
func (w *World) follow(ctx context.Context, rng *rand.Rand) {
	err := w.reader.follow(ctx, w.process.index, 1+rng.IntN(30))
	if err == nil && rng.IntN(3) == 0 {
		err = w.reader.tell(ctx, w.process.index)
		w.wrote(w.process.index, err, false)
	}
	if err != nil {
		w.failed(ctx, "changes", err)
	}
}

// settle lets everything go right until nothing is left to do: the index stands
// at the node's tip, its jobs are done, the mempool was compared since.
func (w *World) settle(ctx context.Context) {
	if w.node.shown, w.node.flaps = nil, false; !w.sweeps {
		w.faults = nil
		w.store.disarm()
	}
	rng := rand.New(rand.NewPCG(0, 0))
	polls, waits := 0, 0
	for range scanFor {
		w.quiet(ctx)
		if w.record.err != nil {
			return
		}
		there := w.model.tip == w.node.now.tip
		if waits > 10 && !there && (w.model.tip == nil || w.model.tip.work == w.node.now.tip.work) {
			// The chain ends below the index's start, or two branches have equal
			// work: rightly it waits. The next block decides.
			w.mineOn(rand.New(rand.NewPCG(uint64(polls), 1)), w.node.now.tip, 1)
			waits = 0
		}
		if calls := w.gate.waiting(); len(calls) > 0 {
			if there && calls[0].method == "mempool" {
				polls++
			}
			before := len(w.faults)
			if w.let(calls[0], rng); len(w.faults) < before {
				polls = 0 // what was seen last may be wrong
			}
			continue
		}
		if there && polls >= 3 {
			if !w.unfinished(ctx) {
				return
			}
			// A job that begins above the tip waits until the chain is there again.
			w.mineOn(rand.New(rand.NewPCG(uint64(polls), 0)), w.node.now.tip, 1)
			polls = 0
		}
		if waits++; !w.clock.next() {
			break
		}
	}
	tip := coins.BlockID{Height: -1}
	if w.model.tip != nil {
		tip = w.model.tip.id
	}
	w.broke(fmt.Errorf("%w: it does not come to rest: the node is at %s, the index at %s, there are %s",
		ErrBroken, w.node.now.tip.id, tip, w.tasks()))
}

func (w *World) tasks() string {
	var list []string
	for _, t := range w.process.tasks {
		list = append(list, t.name)
	}
	for _, c := range w.gate.calls {
		list = append(list, c.String())
	}
	return strings.Join(list, "; ")
}

// unfinished reports whether a job has still to be done. Cancelled ones are
// resumed.
func (w *World) unfinished(ctx context.Context) bool {
	left := false
	for _, j := range w.jobs(ctx) {
		if j.State == utxo.JobCancelled || j.State == utxo.JobFailed {
			w.resume(ctx, j.ID)
		}
		left = left || j.State != utxo.JobDone
	}
	return left
}

// check holds everything to the model.
func (w *World) check(ctx context.Context) {
	if w.record.err != nil {
		return
	}
	err := w.store.look(func() error {
		x := w.process.index
		err := x.Check(ctx, func(string, int) {})
		if err == nil {
			err = w.learnDerived(ctx)
		}
		if err == nil {
			err = w.checkLeases(ctx)
		}
		if err == nil {
			err = w.model.compare(ctx, x, true, w.node.now.pool)
		}
		if err == nil {
			err = w.reader.follow(ctx, x, 0)
		}
		if err == nil {
			watched := func(script string) bool { return w.model.watched[script] != nil }
			err = w.reader.compare(w.model, watched, w.node.now.pool, true)
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrBroken) {
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if err != nil {
		w.broke(err)
	}
}

// rebuilt holds the index to one made of the same chain and watch set from
// nothing (law 1).
func (w *World) rebuilt(ctx context.Context) {
	other, err := utxo.Open(ctx, memkv.New(storeRows), w.coin, utxo.Options{MaxReorg: w.setup.maxReorg, Random: zeros{}, Clock: w.clock.Now})
	if err != nil {
		w.broke(err)
		return
	}
	err = w.rebuild(ctx, other)
	if err = errors.Join(err, other.Close()); err != nil {
		w.broke(fmt.Errorf("%w: built from nothing: %w", ErrBroken, err))
	}
}

func (w *World) rebuild(ctx context.Context, other *utxo.Index) error {
	watches, _, err := w.process.index.Watches(ctx, utxo.WatchFilter{}, utxo.Page{Limit: utxo.MaxPage})
	if err != nil {
		return err
	}
	var specs []utxo.WatchSpec
	for _, watch := range slices.Backward(watches) {
		specs = append(specs, utxo.WatchSpec{Script: watch.Script, Birth: watch.Birth})
	}
	if _, err := other.Watch(ctx, specs, nil); err != nil {
		return err
	}
	for _, b := range w.model.tip.path() {
		loaded, err := w.load(b)
		if err != nil {
			return err
		}
		if err := other.Connect(ctx, loaded); err != nil {
			return err
		}
	}
	want, err := other.Digest(ctx)
	if err != nil {
		return err
	}
	got, err := w.process.index.Digest(ctx)
	if err == nil && got != want {
		err = fmt.Errorf("%w: digest %x, built from nothing %x", ErrBroken, got, want)
	}
	return err
}
