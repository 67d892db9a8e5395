package scanner

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"coffer.example/coffer/coins"
)

// pipeline fetches, verifies and prepares the blocks of a feed concurrently
// and delivers them in order. Its buffers outlive one run.
type pipeline struct {
	src     *caller
	format  coins.Format
	verify  coins.Verify
	random  func() float64
	prepare func(*coins.Block)
	arena   *arena
	cpu     chan struct{} // a token for each block being walked
}

func newPipeline(src *caller, o *Options, prepare func(*coins.Block)) *pipeline {
	return &pipeline{
		src: src, format: o.Params.Format, verify: o.Verify, random: o.Random, prepare: prepare,
		arena: newArena(o.PrefetchBlocks, o.PrefetchBytes, int64(o.Params.Format.MaxBlock)),
		cpu:   make(chan struct{}, o.Workers),
	}
}

// run delivers every block of f, in order, one at a time. It returns when the
// feed ends, deliver fails, or a block cannot be had; blocks before that one
// were delivered. No goroutine and no slot is left behind.
func (p *pipeline) run(ctx context.Context, f *feed, deliver func(context.Context, *coins.Block) error) error {
	fetching, cancel := context.WithCancel(ctx)
	order := make(chan *slot, p.arena.blocks)
	var lead sync.WaitGroup
	var feedErr error
	lead.Go(func() {
		defer close(order)
		feedErr = p.lead(fetching, f, order)
	})
	err := p.deliverAll(ctx, order, deliver)
	cancel() // ends the lead, the fetchers and the feed's own fetching
	for s := range order {
		<-s.done
		p.arena.give(s)
	}
	lead.Wait()
	f.close()
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return feedErr
}

func (p *pipeline) deliverAll(ctx context.Context, order <-chan *slot, deliver func(context.Context, *coins.Block) error) error {
	for s := range order {
		<-s.done
		err := s.err
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			s.block.More = s.more
			err = deliver(ctx, &s.block)
		}
		p.arena.give(s)
		if err != nil {
			return err
		}
	}
	return nil
}

// lead puts the feed's blocks in order and hands each to a fetcher. It waits
// for the fetchers before it returns.
func (p *pipeline) lead(ctx context.Context, f *feed, order chan<- *slot) error {
	var fetchers sync.WaitGroup
	defer fetchers.Wait()
	work := make(chan *slot)
	defer close(work)
	spawned := 0
	id, ok, err := f.next(ctx)
	for ok && err == nil {
		s, full := p.arena.take(ctx)
		if full != nil {
			return full
		}
		s.id = id
		id, ok, err = f.next(ctx)
		s.more = ok && err == nil
		order <- s // never full: it has room for every slot
		select {
		case work <- s:
			continue
		default:
		}
		if spawned < p.arena.blocks {
			spawned++
			fetchers.Go(func() { p.fetchAll(ctx, work) })
		}
		work <- s // there are as many fetchers as slots, and none keeps one long
	}
	return err
}

func (p *pipeline) fetchAll(ctx context.Context, work <-chan *slot) {
	for s := range work {
		s.err = p.fetch(ctx, s)
		p.arena.settle(s)
		s.done <- struct{}{}
	}
}

// fetch asks for a block until it verifies, a few times.
func (p *pipeline) fetch(ctx context.Context, s *slot) error {
	for attempt := 0; ; attempt++ {
		err := p.try(ctx, s)
		if err == nil || ctx.Err() != nil || attempt+1 == blockAttempts {
			return err
		}
		sleep(ctx, p.src.clock, backoff(attempt, fetchPause, backoffMax, p.random()), nil)
	}
}

func (p *pipeline) try(ctx context.Context, s *slot) error {
	raw, err := p.src.block(ctx, s.id, s.block.Raw[:0])
	if err != nil {
		s.block.Raw = nil // a call that was given up may still hold it
		return err
	}
	s.block.Raw = raw
	p.cpu <- struct{}{}
	defer func() { <-p.cpu }()
	if err := s.block.Load(p.format, s.id, p.verify); err != nil {
		p.src.refuse(s.id, err)
		return fmt.Errorf("%w: %w: %w", ErrSource, ErrBadBlock, err)
	}
	p.prepare(&s.block)
	return nil
}
