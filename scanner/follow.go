package scanner

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"coffer.example/coffer/coins"
)

// plan is what a look at the chain found to do.
type plan struct {
	// parent is our tip, or what stands below the first block.
	parent coins.BlockID
	ids    []coins.BlockID // the first of what is above it
	more   bool            // there may be others
	lags   bool            // the node is behind; node is its tip
	node   coins.BlockID
	left   bool // a branch was left: look again
}

// advance looks at the node's chain once and does what follows from it.
func (s *Scanner) advance(ctx context.Context) (place, error) {
	p, err := s.look(ctx)
	switch {
	case err != nil:
		return settled, err
	case p.left:
		return again, nil
	case p.lags:
		s.lagging(p)
		return behind, nil
	case len(p.ids) == 0:
		return settled, nil
	}
	s.noteFound(&p)
	target, err := s.target(ctx, &p)
	if err != nil {
		return settled, err
	}
	s.catchingUp(target, target-p.parent.Height)
	f := newFeed(s.src, s.o.CheckTarget, p.parent, p.ids, p.more)
	return again, s.settle(ctx, s.pipe.run(ctx, f, s.connect))
}

// settle makes connected blocks durable when those that were to follow did not
// come, because of err.
func (s *Scanner) settle(ctx context.Context, err error) error {
	var halt *haltError
	byNode := err != nil && !errors.Is(err, ErrSink) && !errors.Is(err, errDegraded) && !errors.As(err, &halt)
	if !s.turn.more || !byNode || ctx.Err() != nil {
		return err
	}
	s.turn.more = false
	return errors.Join(err, s.mem.tell(ctx, coins.MempoolChange{}))
}

// target returns the height of the node's tip for reports.
func (s *Scanner) target(ctx context.Context, p *plan) (coins.Height, error) {
	last := p.ids[len(p.ids)-1].Height
	if !p.more {
		return last, nil
	}
	tip, err := s.src.tip(ctx)
	return max(last, tip.Height), err
}

// look compares our tip with the node's chain.
func (s *Scanner) look(ctx context.Context) (plan, error) {
	tip, started, err := s.sink.Tip(ctx)
	if err != nil {
		return plan{}, sinkError("tip", err)
	}
	if !started {
		return s.begin(ctx)
	}
	s.board.update(func(b *board) { b.Tip, b.Started = tip, true })
	view := s.src.view()
	headers, err := s.src.headers(ctx, tip.Height, headerChunk)
	if err != nil {
		return plan{}, err
	}
	if len(headers) == 0 || headers[0].Hash() != tip.Hash {
		return s.resolve(ctx, tip, view)
	}
	s.turn.hopeless = 0
	ids, err := chainIDs(tip, headers[1:], s.o.CheckTarget)
	if err != nil {
		return plan{}, fmt.Errorf("%w: %w", ErrSource, err)
	}
	return plan{parent: tip, ids: ids, more: len(headers) == headerChunk}, nil
}

// begin plans for an empty sink.
func (s *Scanner) begin(ctx context.Context) (plan, error) {
	s.board.update(func(b *board) { b.Tip, b.Started = coins.BlockID{}, false })
	from := s.o.Start.height
	switch {
	case s.turn.resumes:
		from = s.turn.resume
	case s.o.Start.tip:
		tip, err := s.src.tip(ctx)
		if err != nil {
			return plan{}, err
		}
		from = tip.Height
	}
	below := max(from-1, 0) // its header shows that the next one is of the height asked for
	headers, err := s.src.headers(ctx, below, headerChunk)
	if err != nil {
		return plan{}, err
	}
	if len(headers) <= int(from-below) {
		node, err := s.src.tip(ctx)
		return plan{lags: true, node: node}, err
	}
	parent := coins.BlockID{Height: from - 1, Hash: headers[0].Prev()}
	if from > 0 {
		parent.Hash = headers[0].Hash()
	}
	ids, err := chainIDs(parent, headers[from-below:], s.o.CheckTarget)
	if err != nil {
		return plan{}, fmt.Errorf("%w: %w", ErrSource, err)
	}
	if genesis := s.o.Params.Chain.Genesis; from == 0 && ids[0].Hash != genesis {
		return plan{}, &haltError{remedy: remedyForeign, reason: fmt.Errorf("genesis block %s, %s on %s has %s: %w",
			ids[0].Hash, s.o.Params.Name, s.o.Params.Network, genesis, ErrForeign)}
	}
	return plan{parent: parent, ids: ids, more: len(headers) == headerChunk}, nil
}

// resolve finds out why the node's chain does not contain our tip, and leaves
// our branch where law 4 says so, if view is still the source's.
func (s *Scanner) resolve(ctx context.Context, tip coins.BlockID, view uint64) (plan, error) {
	ours, found, err := s.findFork(ctx, tip)
	if err != nil {
		return plan{}, err
	}
	if ours.depth() == 0 {
		return plan{}, fmt.Errorf("tip %s: %w", tip, errMoved)
	}
	theirs, err := s.workAbove(ctx, ours, found)
	if err != nil {
		return plan{}, err
	}
	f := findings{found: found, genesis: ours.base.Height < 0, ours: ours.work, theirs: theirs}
	if theirs.Cmp(ours.work) <= 0 {
		if f.invalid, err = s.src.invalid(ctx, tip.Hash); err != nil {
			return plan{}, err
		}
	}
	verdict := decide(f)
	if s.src.view() != view {
		return plan{}, fmt.Errorf("another node took over: %w", errMoved)
	}
	switch verdict {
	case verdictLeave:
		return plan{left: true}, s.leave(ctx, ours, f.invalid)
	case verdictForeign:
		return plan{}, s.hopeless(ctx, ours, &haltError{remedy: remedyForeign, reason: fmt.Errorf("tip %s: %w", tip, ErrForeign)})
	case verdictTooDeep:
		return plan{}, s.hopeless(ctx, ours, &haltError{remedy: remedyRebuild,
			reason: fmt.Errorf("the node's chain left ours more than %d blocks below %s: %w", s.o.MaxReorg, tip, coins.ErrReorgDepth)})
	case verdictWait:
	}
	node, err := s.src.tip(ctx)
	return plan{parent: tip, lags: true, node: node}, err
}

// hopeless halts when look after look has found no fork within reach. A node
// that was behind for the moment of one search is no reason: it may have had
// the block below ours all the time.
func (s *Scanner) hopeless(ctx context.Context, ours *branch, halt *haltError) error {
	if ours.base.Height >= 0 {
		below, err := s.src.headers(ctx, ours.base.Height, 1)
		if err != nil {
			return err
		}
		if len(below) > 0 && below[0].Hash() == ours.base.Hash {
			s.turn.hopeless = 0
		}
	}
	if s.turn.hopeless++; s.turn.hopeless < haltLooks {
		return fmt.Errorf("no fork found above %s: %w", ours.base, errMoved)
	}
	return halt
}

// findFork walks our chain down until a block that the node's chain has too,
// at most MaxReorg blocks or as far as the sink remembers. It reports whether
// there was one. Each header names its parent, so the block below the sink's
// first can be the fork too.
func (s *Scanner) findFork(ctx context.Context, tip coins.BlockID) (ours *branch, found bool, err error) {
	ours = newBranch(tip)
	for ours.base.Height >= 0 && ours.depth() <= s.o.MaxReorg {
		low := max(0, ours.base.Height-windowAfter(ours.depth())+1)
		theirs, err := s.src.headers(ctx, low, int(ours.base.Height-low)+1)
		if err != nil {
			return nil, false, err
		}
		for ours.base.Height >= low && ours.depth() <= s.o.MaxReorg {
			i := int(ours.base.Height - low)
			if i < len(theirs) && theirs[i].Hash() == ours.base.Hash {
				return ours, true, nil
			}
			if ours.depth() == s.o.MaxReorg {
				return ours, false, nil
			}
			err := s.descend(ctx, ours)
			if errors.Is(err, errNoMore) {
				return ours, false, nil
			}
			if err != nil {
				return nil, false, err
			}
		}
	}
	return ours, false, nil
}

func (s *Scanner) descend(ctx context.Context, ours *branch) error {
	header, err := s.sink.Header(ctx, ours.base.Height)
	switch {
	case errors.Is(err, coins.ErrNoHeader):
		return errNoMore
	case err != nil:
		return sinkError("header", err)
	case !ours.descend(&header):
		return fmt.Errorf("header at %d is not %s: %w", ours.base.Height, ours.base, errMoved)
	}
	return nil
}

// workAbove sums the work of the node's chain above the base of our branch, as
// far as it takes to exceed ours. The headers must connect: to that base where
// it is the fork, to one another in any case. They must leave our branch where
// it was found to: a node that was behind while the fork was searched, and is
// not any more, shares more with us.
func (s *Scanner) workAbove(ctx context.Context, ours *branch, fork bool) (*big.Int, error) {
	sum, base := new(big.Int), ours.base
	for sum.Cmp(ours.work) <= 0 {
		headers, err := s.src.headers(ctx, base.Height+1, headerChunk)
		if err != nil || len(headers) == 0 {
			return sum, err
		}
		if headers[0].Hash() == ours.lowest().Hash || (!fork && headers[0].Prev() == base.Hash) {
			return nil, fmt.Errorf("above %s: %w", base, errMoved)
		}
		if !fork {
			base.Hash, fork = headers[0].Prev(), true
		}
		if headers[0].Prev() != base.Hash {
			return nil, fmt.Errorf("above %s: %w", base, errMoved)
		}
		ids, err := chainIDs(base, headers, s.o.CheckTarget)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSource, err)
		}
		for i := range headers {
			sum.Add(sum, headers[i].Work())
		}
		base = ids[len(ids)-1]
		if len(ids) < headerChunk {
			break
		}
	}
	return sum, nil
}

// leave disconnects our branch, tip first.
func (s *Scanner) leave(ctx context.Context, ours *branch, invalid bool) error {
	s.o.OnEvent(ReorgFound{Old: ours.ids[0], Fork: ours.base, Depth: ours.depth(), Invalid: invalid})
	s.mem.disconnected()
	for _, id := range ours.ids {
		if err := s.sink.Disconnect(ctx, id); err != nil {
			return sinkError("disconnect "+id.String(), err)
		}
		s.o.OnEvent(Disconnected{ID: id})
	}
	_, started, err := s.sink.Tip(ctx)
	if err != nil {
		return sinkError("tip", err)
	}
	s.turn.resumes, s.turn.resume = !started, ours.base.Height+1
	return nil
}

// connect gives the next block to the sink.
func (s *Scanner) connect(ctx context.Context, b *coins.Block) error {
	start := s.o.Clock.Now()
	if err := s.sink.Connect(ctx, b); err != nil {
		return sinkError("connect block "+b.ID.String(), err)
	}
	now := s.o.Clock.Now()
	s.turn.resumes, s.turn.more = false, b.More
	s.succeeded()
	left := s.board.reached(b.ID, len(b.Raw), now)
	s.o.OnEvent(Connected{ID: b.ID, Txs: b.Layout.TxCount(), Bytes: len(b.Raw), Took: now.Sub(start), Behind: left})
	if left < recentBlocks || len(s.mem.known) > 0 {
		s.mem.confirmed(b)
	}
	if s.state() == StateCatchUp && now.Sub(s.turn.progress) >= progressEvery {
		s.turn.progress = now
		s.o.OnEvent(s.board.progress(now))
	}
	return nil
}

// atOnce is how many new blocks do not count as falling behind.
const atOnce = 3

// catchingUp notes that blocks are to be connected.
func (s *Scanner) catchingUp(target, blocks coins.Height) {
	now := s.o.Clock.Now()
	s.board.update(func(b *board) {
		b.Target = target
		if b.State == StateAtTip && blocks <= atOnce {
			return
		}
		if b.State != StateCatchUp {
			b.meter.start(now)
			s.turn.progress = now
		}
		b.State = StateCatchUp
	})
	if s.state() == StateCatchUp {
		s.inbox.keepTxs(false)
	}
	const forget = 100
	if blocks > forget {
		s.mem.reset()
	}
}

// arrived notes that the index is at the node's tip.
func (s *Scanner) arrived() {
	if s.state() == StateAtTip {
		return
	}
	s.inbox.keepTxs(true)
	s.pipe.arena.trim(atOnce)
	var tip coins.BlockID
	s.board.update(func(b *board) {
		b.State, b.Err, b.Target, tip = StateAtTip, nil, b.Tip.Height, b.Tip
	})
	s.o.OnEvent(AtTip{ID: tip})
}

// lagging notes that the node is behind the index.
func (s *Scanner) lagging(p plan) {
	s.inbox.take()
	s.inbox.keepTxs(false)
	fresh := false
	s.board.update(func(b *board) {
		fresh = b.State != StateLagging
		b.State, b.Err, b.Target = StateLagging, nil, p.node.Height
	})
	if fresh {
		s.o.OnEvent(Lagging{Tip: p.parent, Node: p.node})
	}
}

// noteFound remembers a block that polling found although a feed should have
// told of it.
func (s *Scanner) noteFound(p *plan) {
	t := &s.turn
	if s.o.Hints == nil || !t.polled || !t.owed.IsZero() || s.state() != StateAtTip {
		return
	}
	since := s.o.Clock.Now().Add(-s.o.PollInterval)
	if !s.inbox.spokeSince(since) {
		t.owed = s.o.Clock.Now()
	}
}
