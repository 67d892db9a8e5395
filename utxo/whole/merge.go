package whole

import (
	"context"
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"coffer.example/coffer/utxo"
)

// level is a run's size, in steps of the fan.
func (x *Index) level(r *run) int {
	return (bits.Len64(r.events+r.ids) + x.fanBits() - 1) / x.fanBits()
}

func (x *Index) fanBits() int { return max(1, bits.Len(uint(x.opts.Fan))-1) }

// due returns how many of the newest runs are to be merged: from a level on
// down there are never as many as the fan.
func (x *Index) due(runs []run) int {
	for level := range 64 {
		n := 0
		for n < len(runs) && x.level(&runs[len(runs)-1-n]) <= level {
			n++
		}
		if n >= x.opts.Fan {
			return n
		}
		if n == len(runs) {
			break
		}
	}
	return 0
}

// settle merges runs until none are due, and deletes what merging left.
func (x *Index) settle(ctx context.Context) error {
	for {
		n := x.due(x.stored.runs)
		if n == 0 {
			return nil
		}
		if err := x.merge(ctx, n); err != nil {
			return fmt.Errorf("merge %d runs: %w", n, err)
		}
	}
}

// merge makes one run of the newest n. Until the state that names it is stored
// nobody sees it.
func (x *Index) merge(ctx context.Context, n int) error {
	next := x.stored
	keep := len(next.runs) - n
	old := next.runs[keep:]
	r := run{id: next.lastRun + 1, from: old[0].from, to: x.stored.tip.Height, cut: x.stored.tip.Height + 1}
	var events, ids uint64
	for i := range old {
		events, ids = events+old[i].events, ids+old[i].ids
	}
	r.eventBits, r.idBits = bitsFor(events, bucketEvents), bitsFor(ids, bucketIDs)
	st := x.stage()
	err := x.view(ctx, func(s *snapshot) error {
		emit := func(key, value []byte) error { return st.emit(ctx, key, value) }
		if err := mergeEvents(s, old, &runWriter{run: &r, emit: emit}); err != nil {
			return err
		}
		return mergeIDs(s, old, &idWriter{run: &r, emit: emit})
	})
	if err != nil {
		x.unsure = true
		return err
	}
	next.lastRun = r.id
	next.runs = append(slices.Clone(next.runs[:keep]), r)
	next.dropped = slices.Clone(next.dropped)
	for i := range old {
		next.dropped = append(next.dropped, old[i].id)
	}
	if err := x.storeState(ctx, &st, next); err != nil {
		return err
	}
	x.applied = x.stored
	return x.deleteDropped(ctx)
}

// groupSource is a run being read for a merge.
type groupSource struct {
	run  *run
	next func() (*group, error, bool)
	stop func()
	head *group
}

func (g *groupSource) advance() (err error) {
	head, err, ok := g.next()
	if g.head = head; !ok {
		g.head = nil
	}
	return err
}

// groupSources opens runs, in the order of their blocks; stop ends them all.
func (s *snapshot) groupSources(runs []run) (sources []*groupSource, stop func(), err error) {
	stop = func() {
		for _, g := range sources {
			g.stop()
		}
	}
	for i := range runs {
		g := &groupSource{run: &runs[i]}
		g.next, g.stop = iter.Pull2(s.groups(&runs[i]))
		sources = append(sources, g)
		if err := g.advance(); err != nil {
			return sources, stop, err
		}
	}
	return sources, stop, nil
}

// lowest returns the first script of all sources, and false at their end.
func lowest(sources []*groupSource) (key scriptKey, found bool) {
	for _, g := range sources {
		if g.head != nil && (!found || g.head.key.compare(key) < 0) {
			key, found = g.head.key, true
		}
	}
	return key, found
}

// mergedGroups calls each with every event that counts of several runs: by
// script, and for each in the order of the chain.
func mergedGroups(s *snapshot, runs []run, each func(key scriptKey, e *event) error) error {
	sources, stop, err := s.groupSources(runs)
	defer stop()
	if err != nil {
		return err
	}
	for {
		key, found := lowest(sources)
		if !found {
			return nil
		}
		for _, g := range sources {
			if g.head == nil || g.head.key != key {
				continue
			}
			if err := s.groupEvents(g.run, g.head, func(e *event) error { return each(key, e) }); err != nil {
				return err
			}
			if err := g.advance(); err != nil {
				return err
			}
		}
	}
}

// groupEvents calls each with the events of a group that count.
func (s *snapshot) groupEvents(r *run, g *group, each func(*event) error) error {
	tell := func(events []event) error {
		for i := range events {
			if !r.counts(events[i].num.height()) {
				return utxo.ErrStop
			}
			if err := each(&events[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if g.pages {
		return s.pages(r, g.key, nil, false, tell)
	}
	if err := tell(g.events); err != utxo.ErrStop {
		return err
	}
	return nil
}

func mergeEvents(s *snapshot, runs []run, w *runWriter) error {
	if err := mergedGroups(s, runs, w.add); err != nil {
		return err
	}
	return w.close()
}

func mergeIDs(s *snapshot, runs []run, w *idWriter) error {
	type source struct {
		run  *run
		next func() (idItem, error, bool)
		head idItem
		ok   bool
	}
	var sources []*source
	advance := func(g *source) (err error) {
		for g.ok = true; g.ok; {
			g.head, err, g.ok = g.next()
			if err != nil || g.ok && g.run.counts(g.head.num.height()) {
				return err
			}
		}
		return nil
	}
	for i := range runs {
		next, stop := iter.Pull2(s.ids(&runs[i]))
		defer stop()
		sources = append(sources, &source{run: &runs[i], next: next})
		if err := advance(sources[i]); err != nil {
			return err
		}
	}
	for {
		var least *source
		for _, g := range sources {
			if g.ok && (least == nil || compareIDs(&g.head, &least.head) < 0) {
				least = g
			}
		}
		if least == nil {
			return w.close()
		}
		if err := w.add(least.head); err != nil {
			return err
		}
		if err := advance(least); err != nil {
			return err
		}
	}
}
