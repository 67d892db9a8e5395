package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"

	"coffer.example/coffer/bench/chaingen"
	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/utxo"
)

// load is what one measured scan watches.
type load struct {
	Name    string
	Scripts int   // of each list, counted from 0
	Lists   []int // seeds of watch lists
}

func loads(curve bool) []load {
	all := []load{
		{"1,000 scripts", 1000, []int{1}},
		{"1,000,000 scripts, 0.1 % of outputs", listSize, []int{1}},
	}
	if curve {
		all = append(all,
			load{"2,000,000 scripts, 1 % of outputs", listSize, []int{1, 2}},
			load{"3,000,000 scripts, 10 % of outputs", listSize, []int{1, 2, 3}})
	}
	return all
}

func (l load) specs() []utxo.WatchSpec {
	specs := make([]utxo.WatchSpec, 0, l.Scripts*len(l.Lists))
	for _, seed := range l.Lists {
		for i := range l.Scripts {
			specs = append(specs, utxo.WatchSpec{Script: chaingen.WatchScript(uint64(seed), i)})
		}
	}
	return specs
}

// scanned is a measured scan with what it found.
type scanned struct {
	cost
	Changes utxo.Seq
}

// newIndex makes an index that watches a load in a temporary folder, and opens it again as a daemon would that starts.
func (r *runner) newIndex(ctx context.Context, l load) (*utxo.Index, func() error, error) {
	dir, err := os.MkdirTemp("", "coffer-endtoend-")
	if err != nil {
		return nil, nil, err
	}
	remove := func() error { return os.RemoveAll(dir) }
	index, err := r.openIndex(ctx, dir)
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	_, err = index.Watch(ctx, l.specs(), nil)
	if err = errors.Join(err, index.Close()); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	if index, err = r.openIndex(ctx, dir); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return index, func() error { return errors.Join(index.Close(), remove()) }, nil
}

func (r *runner) openIndex(ctx context.Context, dir string) (*utxo.Index, error) {
	store, err := badgerkv.Open(dir, badgerkv.Options{})
	if err != nil {
		return nil, err
	}
	index, err := utxo.Open(ctx, store, r.coin, utxo.Options{})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return index, nil
}

// profiled does work, under the CPU profiler where one is asked for.
func (r *runner) profiled(work func() error) error {
	if r.config.profile == "" {
		return work()
	}
	r.profiles++
	file, err := os.Create(fmt.Sprintf("%s.%d", r.config.profile, r.profiles))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return errors.Join(err, file.Close())
	}
	err = work()
	pprof.StopCPUProfile()
	return errors.Join(err, file.Close())
}

// scan measures following the whole chain into a new index.
func (r *runner) scan(ctx context.Context, source *node.Node, l load, verify coins.Verify) (s scanned, err error) {
	index, clean, err := r.newIndex(ctx, l)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, clean()) }()
	follower := scanner.New(source, index, scanner.Options{Params: r.coin.Params(), Verify: verify})
	s.cost, err = timed(r.at.PID, func() (int64, error) {
		return r.chainBytes, r.profiled(func() error { return follower.CatchUp(ctx) })
	})
	if err != nil {
		return s, err
	}
	tip, _, err := index.Tip(ctx)
	if want := r.chain.ids[len(r.chain.ids)-1]; err == nil && tip != want {
		return s, fmt.Errorf("scan ended at %s, want %s", tip, want)
	}
	s.Changes = index.LastSeq()
	return s, err
}
