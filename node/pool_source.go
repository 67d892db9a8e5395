package node

import (
	"context"
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
)

// Tip returns the best block of the node in use, as [Node.Tip] does. Where that
// fails the next node takes over.
func (p *Pool) Tip(ctx context.Context) (tip coins.BlockID, err error) {
	err = p.ask(ctx, func(ctx context.Context, i int, n *Node) error {
		if tip, err = n.Tip(ctx); err == nil {
			info := n.Status().Info
			p.answered(i, &info)
		}
		return err
	})
	return tip, err
}

// Headers returns headers of the node in use, as [Node.Headers] does. Where
// that fails the next node takes over; see [Pool.View].
func (p *Pool) Headers(ctx context.Context, from coins.Height, limit int) (headers []coins.RawHeader, err error) {
	err = p.ask(ctx, func(ctx context.Context, _ int, n *Node) error {
		headers, err = n.Headers(ctx, from, limit)
		return err
	})
	return headers, err
}

// ask calls the node in use, and the one that takes over where that fails,
// until one answers or all have failed.
func (p *Pool) ask(ctx context.Context, call func(ctx context.Context, i int, n *Node) error) error {
	var failed error
	tried := make([]bool, len(p.nodes))
	for {
		i, n := p.current()
		if tried[i] {
			return failed
		}
		tried[i] = true
		err := p.patiently(ctx, len(p.nodes) > 1, func(ctx context.Context) error { return call(ctx, i, n) })
		if err == nil || ctx.Err() != nil || isAnswer(err) {
			return err
		}
		failed = also(failed, p.named(n, err))
		p.failed(i, err)
	}
}

// isAnswer reports whether an error is what a healthy node says to a question
// about what it does not have.
func isAnswer(err error) bool {
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrPruned) || errors.Is(err, ErrUnsupported)
}

// named adds which of several nodes failed.
func (p *Pool) named(n *Node, err error) error {
	if len(p.nodes) == 1 {
		return err
	}
	return fmt.Errorf("%s: %w", n.rpc.url, err)
}

// order returns the nodes to ask for something that does not depend on the
// branch they are on: the one in use, then the others from the healthiest on.
func (p *Pool) order() []int {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	now := p.opts.Clock()
	order := []int{p.state.inUse}
	for _, wanted := range [...]Health{HealthOK, HealthBehind, HealthStarting, HealthBarred, HealthDown} {
		for i := range p.state.seen {
			if i != p.state.inUse && p.state.seen[i].health(now, &p.opts) == wanted {
				order = append(order, i)
			}
		}
	}
	return order
}

// Block is [Node.Block] on the node in use, and where that does not give the
// block on every other: a block is what its hash says, whoever has it.
func (p *Pool) Block(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
	var failed error
	order := p.order()
	broke := make([]error, 0, len(order))
	for at, i := range order {
		last := at == len(order)-1
		err := p.blockWithin(ctx, !last, func(ctx context.Context) (err error) {
			buf, err = p.nodes[i].Block(ctx, id, buf)
			return err
		})
		if err == nil {
			p.origins.note(id.Hash, i)
			p.passedOver(order, broke)
			return buf, nil
		}
		if ctx.Err() != nil {
			return buf[:0], err
		}
		if isGone(err) {
			p.failed(i, err)
		}
		broke = append(broke, err)
		failed = also(failed, p.named(p.nodes[i], err))
	}
	return buf[:0], failed
}

// blockWithin gives a node half of the time that a block may take, where there
// are others to ask.
func (p *Pool) blockWithin(ctx context.Context, others bool, call func(context.Context) error) error {
	if !others {
		return call(ctx)
	}
	attempt, cancel := context.WithTimeout(ctx, p.nodes[0].opts.BlockTimeout/2)
	defer cancel()
	err := call(attempt)
	if err != nil && ctx.Err() == nil && attempt.Err() != nil {
		return fmt.Errorf("block did not come within %s: %w", p.nodes[0].opts.BlockTimeout/2, ErrTimeout)
	}
	return err
}

// isGone reports whether an error says that a node cannot be used at all. Who
// does not have the block says so over one way, and may hang up on another.
func isGone(err error) bool {
	if isAnswer(err) {
		return false
	}
	for _, gone := range []error{ErrUnreachable, ErrWarmingUp, ErrUnauthorized, ErrForbidden, ErrSecretFile, ErrWrongChain} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}

// passedOver bars those of order that answer, and failed to give a block that
// the next of them had.
func (p *Pool) passedOver(order []int, broke []error) {
	for at, err := range broke {
		if !isGone(err) && !aboutBlock(err) {
			p.bar(order[at], err)
		}
	}
}

// Invalid reports whether every node that is of the right chain has found the
// block to break consensus ([Node.Invalid]). While one cannot be asked that is
// not known, and so not reported. It fails where none can be asked.
func (p *Pool) Invalid(ctx context.Context, hash coins.BlockHash) (bool, error) {
	verdicts := make([]bool, len(p.nodes))
	errs := p.each(ctx, func(ctx context.Context, i int, n *Node) (err error) {
		verdicts[i], err = n.Invalid(ctx, hash)
		return err
	})
	var failed error
	all, asked := true, 0
	for i, err := range errs {
		switch {
		case errors.Is(err, ErrWrongChain):
		case err != nil:
			all, failed = false, also(failed, p.named(p.nodes[i], err))
		default:
			all = all && verdicts[i]
			asked++
		}
	}
	if asked > 0 {
		return all, nil
	}
	if failed == nil {
		failed = ErrWrongChain
	}
	return false, failed
}

// each asks every node at once, within the patience for one, and returns their
// errors.
func (p *Pool) each(ctx context.Context, call func(ctx context.Context, i int, n *Node) error) []error {
	errs := make([]error, len(p.nodes))
	done := make(chan struct{}, len(p.nodes))
	for i, n := range p.nodes {
		go func() {
			errs[i] = p.patiently(ctx, len(p.nodes) > 1, func(ctx context.Context) error { return call(ctx, i, n) })
			done <- struct{}{}
		}()
	}
	for range p.nodes {
		<-done
	}
	return errs
}

// Agreement tells how many nodes have a block on their active chain, of how
// many that are configured: one that is down, behind or of another chain does
// not agree. It fails where no node answers.
func (p *Pool) Agreement(ctx context.Context, id coins.BlockID) (agree, of int, err error) {
	has := make([]bool, len(p.nodes))
	errs := p.each(ctx, func(ctx context.Context, i int, n *Node) error {
		at, err := n.BlockAt(ctx, id.Height)
		has[i] = err == nil && at.Hash == id.Hash
		return err
	})
	answers := 0
	for i, failed := range errs {
		if has[i] {
			agree++
		}
		if failed == nil || errors.Is(failed, ErrNotFound) {
			answers++
		} else {
			err = also(err, p.named(p.nodes[i], failed))
		}
	}
	if answers == 0 {
		return 0, len(p.nodes), fmt.Errorf("block %s: %w", id, err)
	}
	return agree, len(p.nodes), nil
}
