package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coffer.example/coffer/coins"
)

// tend asks a node how it is until ctx ends: now and then, and when it says
// that there is something new.
func (p *Pool) tend(ctx context.Context, i int) {
	timer := time.NewTimer(p.opts.Probe)
	defer timer.Stop()
	for ctx.Err() == nil {
		p.probe(ctx, i)
		timer.Reset(p.opts.Probe)
		select {
		case <-ctx.Done():
		case <-p.nudges[i]:
		case <-timer.C:
		}
	}
}

// probe asks a node for its tip, and whether that is on the chain of the node
// in use.
func (p *Pool) probe(ctx context.Context, i int) {
	err := p.patiently(ctx, true, func(ctx context.Context) error {
		_, err := p.nodes[i].Tip(ctx)
		return err
	})
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return
	case ctx.Err() != nil:
		p.failed(i, ErrTimeout)
		return
	case err != nil:
		p.failed(i, err)
		return
	}
	info := p.nodes[i].Status().Info
	p.answered(i, &info)
	err = p.patiently(ctx, true, func(ctx context.Context) error { return p.compare(ctx, i) })
	if err != nil && ctx.Err() == nil && errors.Is(err, ErrWrongChain) {
		p.failed(i, err)
	}
}

// Probe asks every node how it is, once, and returns when all have answered or
// failed: what Members tells is then fresh.
func (p *Pool) Probe(ctx context.Context) {
	done := make(chan struct{}, len(p.nodes))
	for i := range p.nodes {
		go func() {
			p.probe(ctx, i)
			done <- struct{}{}
		}()
	}
	for range p.nodes {
		<-done
	}
}

// patiently bounds a call where there are others to ask.
func (p *Pool) patiently(ctx context.Context, others bool, call func(context.Context) error) error {
	if !others {
		return call(ctx)
	}
	attempt, cancel := context.WithTimeout(ctx, p.opts.Patience)
	defer cancel()
	err := call(attempt)
	if err != nil && ctx.Err() == nil && attempt.Err() != nil {
		return fmt.Errorf("no answer within %s: %w", p.opts.Patience, ErrTimeout)
	}
	return err
}

// compare looks whether the chain of a node and that of the node in use are
// one, and how deep they differ.
func (p *Pool) compare(ctx context.Context, i int) error {
	p.state.mu.Lock()
	used, view := p.state.inUse, p.state.view
	theirs, ours := p.state.seen[i].tip, p.state.seen[used].tip
	known := p.state.seen[used].ok
	p.state.mu.Unlock()
	if i == used || !known {
		return nil
	}
	depth, err := forkDepth(ctx, p.nodes[i], p.nodes[used], theirs, ours)
	if err != nil {
		return err
	}
	p.change(func(now time.Time) {
		s := &p.state.seen[i]
		switch {
		case p.state.view != view:
			return // of another node in use: it is compared anew
		case depth == 0:
			s.fork = nil
		case s.fork == nil:
			s.fork = &Fork{Depth: depth, Since: now}
		default:
			s.fork.Depth = depth
		}
		compareWork(now, p.state.seen, false, &p.opts)
	})
	return nil
}

// forkDepth returns by how many blocks the lower of two tips stands above the
// last block that the chains of two nodes share; 0 where one is on the other's
// chain.
func forkDepth(ctx context.Context, a, b *Node, atA, atB coins.BlockID) (coins.Height, error) {
	if atA == atB {
		return 0, nil
	}
	low := min(atA.Height, atB.Height)
	shared := func(height coins.Height) (bool, error) {
		first, err := blockOf(ctx, a, atA, height)
		if err != nil {
			return false, err
		}
		second, err := blockOf(ctx, b, atB, height)
		return first == second, err
	}
	// The tips' own heights first, then twice as deep each time, then between.
	depth, step := coins.Height(0), coins.Height(1)
	for {
		same, err := shared(low - depth)
		if err != nil {
			return 0, err
		}
		if same {
			break
		}
		if depth == low {
			return low + 1, nil // not even the genesis block, which was compared
		}
		depth, step = min(depth+step, low), step*2
	}
	differ := depth - step/2 // the deepest known to differ, where depth > 0
	for depth > 0 && differ+1 < depth {
		middle := (differ + depth) / 2
		same, err := shared(low - middle)
		if err != nil {
			return 0, err
		}
		if same {
			depth = middle
		} else {
			differ = middle
		}
	}
	return depth, nil
}

// blockOf returns the hash that a node has at a height of its chain.
func blockOf(ctx context.Context, n *Node, tip coins.BlockID, height coins.Height) (coins.BlockHash, error) {
	if tip.Height == height {
		return tip.Hash, nil
	}
	id, err := n.BlockAt(ctx, height)
	return id.Hash, err
}

// watchForks raises and ends the alarm.
func (p *Pool) watchForks(now time.Time) {
	worst := -1
	for i := range p.state.seen {
		f := p.state.seen[i].fork
		if f == nil {
			continue
		}
		f.Alarm = f.Depth > p.opts.ForkBlocks || now.Sub(f.Since) > p.opts.ForkLife
		if f.Alarm && (worst < 0 || f.Depth > p.state.seen[worst].fork.Depth) {
			worst = i
		}
	}
	if alarm := worst >= 0; alarm == p.state.alarm {
		return
	}
	if p.state.alarm = worst >= 0; !p.state.alarm {
		p.state.queue = append(p.state.queue, NodesAgree{})
		return
	}
	s, used := &p.state.seen[worst], &p.state.seen[p.state.inUse]
	p.state.queue = append(p.state.queue, NodesDisagree{
		Node: p.nodes[worst].rpc.url, InUse: p.nodes[p.state.inUse].rpc.url, Tip: s.tip, InUseTip: used.tip, Fork: *s.fork,
	})
}
