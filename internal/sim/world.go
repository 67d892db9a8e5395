package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/core"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/utxo"
)

// World is a simulated node, an index on a simulated store, what runs between
// them, and the model that they are held to.
type World struct {
	setup   setup
	coin    coins.Coin
	gate    gate
	clock   clock
	node    node
	store   *store
	model   *model
	reader  *consumer
	process process
	faults  []armed
	// sweeps says that a fault stays armed until it fires.
	sweeps bool
	record record
}

// process is what dies in a crash.
type process struct {
	index *utxo.Index
	hints chan scanner.Hint
	tasks []*task
	// uncertain is what users asked for and the failing index may have done.
	uncertain []func(ctx context.Context) error
}

// task is a goroutine of the process: the scanner, or a job.
type task struct {
	name string
	pass *utxo.Backfill // nil for the scanner
	stop context.CancelFunc
	done chan error
}

// record is what the simulation has seen.
type record struct {
	salt   uint32
	err    error
	trace  io.Writer
	events int
	// acts counts what happened, by name, so that a test can say that a fault or
	// an action ever did.
	acts, asked map[string]int
	sent        []*tx
}

// setup is what a scenario is played on.
type setup struct {
	start    coins.Height
	maxReorg coins.Height
	prefetch int
	joins    bool // jobs that start together read together
	initial  int
	scripts  int
	hints    bool
}

// scanFor is how many turns of the director a world gets to become quiet.
const scanFor = 40_000

func newWorld(s setup, seed uint64, trace io.Writer) (*World, error) {
	params, err := btc.Params(coins.Regtest)
	if err != nil {
		return nil, err
	}
	w := &World{setup: s, store: newStore(), record: record{trace: trace, acts: map[string]int{}, asked: map[string]int{}}}
	w.clock.now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	genesis := newBlock(nil, 1, bitsEasy, []*tx{newTx(0, nil, []output{{50, scriptOf(0)}})})
	params.Chain.Genesis, params.Chain.GenesisHeader = genesis.id.Hash, genesis.header
	params.Chain.Maturity = []coins.MaturityRule{{From: 0, Blocks: 5}}
	if w.coin, err = core.New(params); err != nil {
		return nil, err
	}
	w.node = node{blocks: map[coins.BlockHash]*block{}, now: view{tip: genesis}}
	w.node.add(genesis)
	w.model = &model{params: w.coin.Params(), start: s.start, maxReorg: s.maxReorg, watched: map[string]*watch{}, leases: map[utxo.Token]*lease{}}
	w.reader = newConsumer(s.start)
	rng := rand.New(rand.NewPCG(seed, 1<<32))
	for range s.initial {
		w.mineOn(rng, w.node.now.tip, 1)
	}
	return w, nil
}

func (w *World) note(format string, args ...any) {
	w.record.events++
	if w.record.trace != nil {
		for i, arg := range args {
			if id, ok := arg.(coins.BlockID); ok {
				args[i] = fmt.Sprintf("%d %s", id.Height, id.Hash.String()[:8])
			}
		}
		fmt.Fprintf(w.record.trace, format+"\n", args...)
	}
}

func (w *World) did(what string) { w.record.acts[what]++ }

// broke remembers the first law that was broken.
func (w *World) broke(err error) {
	if w.record.err == nil {
		w.record.err = err
		w.note("BROKEN: %v", err)
	}
}

// wrote tells the model of a write by the index.
func (w *World) wrote(x *utxo.Index, err error, more bool) {
	if err == nil {
		if !more {
			w.model.durable = w.model.tip
		}
		return
	}
	w.note("  failed: %v", err)
	w.returned(x)
}

// returned looks where a failed index stands.
func (w *World) returned(x *utxo.Index) {
	tip, has, err := x.Tip(context.Background())
	if err == nil {
		err = w.model.returned(tip, has)
	}
	if err != nil {
		w.broke(err)
	}
}

// open opens the index and starts what runs on it, as often as it takes.
func (w *World) open(ctx context.Context) {
	for attempt := 0; ; attempt++ {
		w.store.reopen()
		if attempt > 3 {
			w.store.disarm()
		}
		x, err := utxo.Open(ctx, w.store, w.coin, utxo.Options{
			Start: w.setup.start, MaxReorg: w.setup.maxReorg, Clock: w.clock.Now, Random: zeros{},
			Derive: func(string) (utxo.Scripts, error) { return derivedScripts{}, nil },
		})
		if err != nil && attempt <= 5 && errors.Is(err, errFault) {
			continue
		}
		if err != nil {
			w.broke(fmt.Errorf("%w: the index does not open: %w", ErrBroken, err))
			return
		}
		w.process = process{index: x, uncertain: w.process.uncertain}
		break
	}
	w.returned(w.process.index)
	if err := w.store.look(func() error { return w.reader.register(ctx, w.process.index) }); err != nil {
		w.broke(fmt.Errorf("%w: register cursor: %w", ErrBroken, err))
	}
	w.settleUncertain(ctx)
	w.start(ctx)
}

// zeros is randomness of which nothing depends.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// settleUncertain finds out what became of requests that failed.
func (w *World) settleUncertain(ctx context.Context) {
	for _, settle := range w.process.uncertain {
		if err := w.store.look(func() error { return settle(ctx) }); err != nil {
			w.broke(err)
		}
	}
	w.process.uncertain = nil
}

// requested judges what came of a request: learn tells the model what it did;
// it is not sure of that where the request failed.
func (w *World) requested(ctx context.Context, what string, err error, learn func(ctx context.Context, sure bool) error) {
	w.wrote(w.process.index, err, false)
	if err == nil {
		w.did(what)
		if err := w.store.look(func() error { return learn(ctx, true) }); err != nil {
			w.broke(fmt.Errorf("%w: %s: %w", ErrBroken, what, err))
		}
		return
	}
	w.process.uncertain = append(w.process.uncertain, func(ctx context.Context) error { return learn(ctx, false) })
	w.failed(ctx, what, err)
}

func (w *World) options(name string) scanner.Options {
	return scanner.Options{
		Params: w.coin.Params(), CheckTarget: true, MaxReorg: w.setup.maxReorg, PrefetchBlocks: w.setup.prefetch, Workers: 2,
		Clock: &w.clock, Random: func() float64 { return 0.5 }, Start: scanner.StartAt(w.setup.start),
		OnEvent: func(e scanner.Event) {
			if name == "scanner" {
				w.events(e)
			}
		},
	}
}

// start runs the scanner.
func (w *World) start(ctx context.Context) {
	p := &w.process
	o := w.options("scanner")
	if w.setup.hints {
		p.hints = make(chan scanner.Hint, 16)
		o.Hints = p.hints
	}
	s := scanner.New(source{w, "scanner"}, sink{p.index, w, "scanner"}, o)
	w.run(ctx, &task{name: "scanner"}, s.Run)
}

func (w *World) run(ctx context.Context, t *task, do func(context.Context) error) {
	ctx, t.stop = context.WithCancel(ctx)
	t.done = make(chan error, 1)
	w.process.tasks = append(w.process.tasks, t)
	go func() { t.done <- do(ctx) }()
}

// quiet waits until nothing runs, and looks after what has ended.
func (w *World) quiet(ctx context.Context) {
	synctest.Wait()
	failed := false
	w.process.tasks = slices.DeleteFunc(w.process.tasks, func(t *task) bool {
		select {
		case err := <-t.done:
			t.stop()
			failed = w.ended(ctx, t, err) || failed
			return true
		default:
			return false
		}
	})
	if failed {
		w.restart(ctx, false)
		synctest.Wait()
	}
	w.startJobs(ctx)
	synctest.Wait()
	for _, c := range w.gate.waiting() {
		if c.source && c.asked.tip == nil {
			c.asked = w.node.current()
		}
	}
}

// ended judges how a task ended, and reports whether the index is to be opened
// anew.
func (w *World) ended(ctx context.Context, t *task, err error) (reopen bool) {
	w.note("  %s ended: %v", t.name, err)
	switch {
	case t.pass == nil && (err == nil || !errors.Is(err, errFault)):
		w.broke(fmt.Errorf("%w: the scanner ended: %w", ErrBroken, err))
	case t.pass == nil:
		return true
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, utxo.ErrJobState):
	case errors.Is(err, scanner.ErrSink) && errors.Is(err, errFault):
		return true
	default:
		w.broke(fmt.Errorf("%w: %s failed: %w", ErrBroken, t.name, err))
	}
	return false
}

// startJobs runs the jobs that wait: each in a pass of its own, or together with
// one that starts now.
func (w *World) startJobs(ctx context.Context) {
	x := w.process.index
	if x == nil || w.model.tip == nil || w.record.err != nil {
		return
	}
	running := map[utxo.JobID]bool{}
	for _, t := range w.process.tasks {
		if t.pass != nil {
			for _, id := range t.pass.Jobs() {
				running[id] = true
			}
		}
	}
	var pass *utxo.Backfill
	for _, j := range w.jobs(ctx) {
		if running[j.ID] || (j.State != utxo.JobQueued && j.State != utxo.JobRunning) {
			continue
		}
		if pass != nil && w.setup.joins {
			err := pass.Join(ctx, j.ID)
			if !errors.Is(err, utxo.ErrRange) && !errors.Is(err, utxo.ErrJobState) {
				w.note("  job %d joins, %v", j.ID, err)
				w.wrote(x, err, false)
				if err != nil && !errors.Is(err, utxo.ErrJobBusy) {
					w.failed(ctx, "join job", err)
					return
				}
				w.did("join")
				continue
			}
		}
		started := w.startJob(ctx, j.ID)
		if w.process.index != x {
			return // it failed so that all was opened anew
		}
		pass = started
	}
}

// jobs lists the jobs, for the simulation itself.
func (w *World) jobs(ctx context.Context) (jobs []utxo.Job) {
	err := w.store.look(func() (err error) {
		jobs, err = w.process.index.Jobs(ctx)
		return err
	})
	if err != nil {
		w.broke(fmt.Errorf("%w: list jobs: %w", ErrBroken, err))
	}
	return jobs
}

// startJob runs a job. It returns nil where it does not run.
func (w *World) startJob(ctx context.Context, id utxo.JobID) *utxo.Backfill {
	pass, err := w.process.index.StartJob(ctx, id)
	if errors.Is(err, utxo.ErrJobBusy) {
		return nil
	}
	w.wrote(w.process.index, err, false)
	if err != nil {
		w.failed(ctx, "start job", err)
		return nil
	}
	w.note("  job %d starts at %d", id, pass.Next())
	if pass.Done() {
		return nil
	}
	name := fmt.Sprintf("job %d", id)
	o := scanner.JobOptions{Options: w.options(name), From: pass.Next()}
	to := jobSink{sink{w.process.index, w, name}, pass}
	w.run(ctx, &task{name: name, pass: pass}, func(ctx context.Context) error {
		defer pass.Stop()
		return scanner.RunJob(ctx, source{w, name}, to, o)
	})
	return pass
}

// failed judges an error of a request: nothing but a fault may cause one.
func (w *World) failed(ctx context.Context, what string, err error) {
	w.note("  %s: %v", what, err)
	if !tolerable(err) {
		w.broke(fmt.Errorf("%w: %s: %w", ErrBroken, what, err))
		return
	}
	if w.store.broken {
		w.restart(ctx, true)
		return
	}
	w.settleUncertain(ctx)
}

// restart ends the process, cleanly or not, and starts it again.
func (w *World) restart(ctx context.Context, crash bool) {
	w.note("  restart, crash %v", crash)
	w.end()
	if x := w.process.index; x != nil && !crash {
		err := x.Close()
		w.wrote(x, err, false)
		if err != nil && !tolerable(err) {
			w.broke(fmt.Errorf("%w: close: %w", ErrBroken, err))
		}
	}
	if w.record.err == nil {
		w.open(ctx)
	}
}

// end stops everything that runs.
func (w *World) end() {
	for _, t := range w.process.tasks {
		t.stop()
	}
	for range scanFor {
		synctest.Wait()
		for _, c := range w.gate.waiting() {
			w.gate.release(c, verdict{err: errCrashed})
		}
		synctest.Wait()
		w.process.tasks = slices.DeleteFunc(w.process.tasks, func(t *task) bool {
			select {
			case <-t.done:
				t.stop()
				return true
			default:
				return false
			}
		})
		if len(w.process.tasks) == 0 {
			return
		}
	}
	var left []string
	for _, t := range w.process.tasks {
		left = append(left, t.name)
	}
	w.broke(fmt.Errorf("%w: %s did not end with its context", ErrBroken, strings.Join(left, ", ")))
}
