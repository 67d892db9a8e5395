package scanner

import (
	"context"
	"errors"
	"sync"
	"time"

	"coffer.example/coffer/coins"
)

// Scanner follows one chain. Make it with New; one Run or CatchUp at a time.
type Scanner struct {
	src   *caller
	sink  Sink
	o     Options
	pipe  *pipeline
	inbox *inbox
	mem   *mempool
	board board
	turn  turn
}

// turn is what the scanner's goroutine remembers from one look to the next.
type turn struct {
	// resume is where an index that lost its first block in a reorg begins again.
	resume  coins.Height
	resumes bool
	// polled says that the present look was not asked for by a hint; compare
	// that the mempool is to be compared.
	polled, compare bool
	nextPoll        time.Time
	// owed is when polling found a block that no hint had told of.
	owed      time.Time
	stalled   bool
	failures  int // in a row, without a block connected between
	downSince time.Time
	progress  time.Time // of the last Progress event
	more      bool      // the last block was connected as one of several
	hopeless  int       // looks in a row that found no fork within reach
}

// New returns a scanner that hands the chain of src to sink. Nothing happens
// before Run or CatchUp.
func New(src Source, sink Sink, o Options) *Scanner {
	o = o.withDefaults()
	c := &caller{src: src, clock: o.Clock}
	s := &Scanner{src: c, sink: sink, o: o, inbox: newInbox(o.Clock), mem: newMempool(c, sink, &o)}
	s.pipe = newPipeline(c, &o, sink.Prepare)
	s.board.State = StateStarting
	return s
}

// Run follows the chain until ctx ends, and then returns nil. It returns an
// error only when the sink fails for good (ErrSink). While halted it keeps
// reporting and waits for ctx.
func (s *Scanner) Run(ctx context.Context) error {
	err := s.follow(ctx, false)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// CatchUp connects everything up to the node's tip as it is at the end, and
// compares the mempool once. It fails with ErrHalted, ErrSink, ErrLagging where
// the node is behind the index, the node's error after five failures in a row,
// or the context's.
func (s *Scanner) CatchUp(ctx context.Context) error { return s.follow(ctx, true) }

// Status returns a snapshot. Safe to call at any time.
func (s *Scanner) Status() Status {
	status := s.board.snapshot(s.o.Clock.Now())
	status.Prefetch.Blocks, status.Prefetch.Bytes = s.pipe.arena.occupancy()
	return status
}

func (s *Scanner) follow(ctx context.Context, once bool) error {
	pumping, stop := context.WithCancel(ctx)
	var pump sync.WaitGroup
	defer pump.Wait()
	defer stop()
	if s.o.Hints != nil {
		pump.Go(func() { s.inbox.pump(pumping, s.o.Hints) })
	}
	s.mem.reset()
	s.turn = turn{compare: true, resume: s.turn.resume, resumes: s.turn.resumes}
	look := true
	for ctx.Err() == nil {
		at, err := s.round(ctx, look)
		if err != nil {
			if end := s.failed(ctx, err, once); end != nil {
				return end
			}
			look = true
			continue
		}
		s.succeeded()
		switch {
		case at == again:
			look = true
			continue
		case once && at == behind:
			return ErrLagging
		case once && !s.mem.busy() && !s.turn.compare:
			return nil
		}
		look = s.wait(ctx)
	}
	return ctx.Err()
}

// place is where a look at the chain ended.
type place uint8

const (
	settled place = iota // at the node's tip
	behind               // the node lags
	again                // something was done: look again
)

// round looks at the chain where asked, goes on along it, and at the tip looks
// after the mempool.
func (s *Scanner) round(ctx context.Context, look bool) (place, error) {
	if look {
		s.inbox.looking()
		s.turn.nextPoll = s.o.Clock.Now().Add(s.o.PollInterval)
		at, err := s.advance(ctx)
		if err != nil || at != settled {
			s.turn.compare = true
			return at, err
		}
		s.arrived()
	} else if s.state() != StateAtTip {
		return behind, nil
	}
	return s.mempool(ctx)
}

// mempool takes what hints brought, compares where that is due, and fetches
// what is missing as long as nothing more urgent comes up.
func (s *Scanner) mempool(ctx context.Context) (place, error) {
	if s.inbox.blockPending() {
		return again, nil // the block first: it may hold what hints brought
	}
	mail := s.inbox.take()
	if err := s.mem.hinted(ctx, mail.txs); err != nil {
		return settled, err
	}
	if s.turn.compare || mail.gap {
		tip, _, err := s.sink.Tip(ctx)
		if err != nil {
			return settled, sinkError("tip", err)
		}
		same, err := s.mem.compare(ctx, tip)
		if err != nil {
			return settled, err
		}
		if s.turn.compare = !same; !same {
			s.turn.nextPoll = s.o.Clock.Now().Add(aheadPause)
			return settled, nil
		}
	}
	for s.mem.busy() && !s.inbox.blockPending() && ctx.Err() == nil && s.o.Clock.Now().Before(s.turn.nextPoll) {
		if err := s.mem.step(ctx); err != nil {
			return settled, err
		}
	}
	s.reportMempool()
	return settled, nil
}

func (s *Scanner) reportMempool() {
	size := s.mem.size()
	changed := false
	s.board.update(func(b *board) { changed, b.Mempool = b.Mempool != size, size })
	if changed {
		s.o.OnEvent(MempoolSize{Txs: size, LeftOut: s.mem.leftOut})
	}
}

// wait sleeps until a hint or the next poll, and reports whether to look at the
// chain then.
func (s *Scanner) wait(ctx context.Context) (look bool) {
	s.watchFeed()
	s.turn.polled = false
	pause := s.turn.nextPoll.Sub(s.o.Clock.Now())
	if pause > 0 && sleep(ctx, s.o.Clock, pause, s.inbox.wake) {
		return s.inbox.blockPending()
	}
	s.turn.polled, s.turn.compare = true, true
	return true
}

// watchFeed notices a feed of hints that has fallen silent, and one that
// speaks again.
func (s *Scanner) watchFeed() {
	t := &s.turn
	if t.owed.IsZero() {
		return
	}
	switch {
	case s.inbox.spokeSince(t.owed):
		t.owed = time.Time{}
		if t.stalled {
			t.stalled = false
			s.board.update(func(b *board) { b.FeedStalled = false })
			s.o.OnEvent(Recovered{})
		}
	case !t.stalled && s.o.Clock.Now().Sub(t.owed) >= s.o.StallAfter:
		t.stalled = true
		s.board.update(func(b *board) { b.FeedStalled = true })
		s.o.OnEvent(Stalled{Since: t.owed})
	}
}

// succeeded notes that node and index answer.
func (s *Scanner) succeeded() {
	if s.turn.failures == 0 {
		return
	}
	s.turn.failures = 0
	if !s.turn.downSince.IsZero() {
		s.o.OnEvent(SourceUp{Down: s.o.Clock.Now().Sub(s.turn.downSince)})
		s.turn.downSince = time.Time{}
	}
	s.board.update(func(b *board) { b.Err = nil })
}

// failed sorts an error and pauses; it returns what ends the scanner.
func (s *Scanner) failed(ctx context.Context, err error, once bool) error {
	var halt *haltError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &halt):
		s.mark(StateHalted, err, halt.remedy)
		if once {
			return err
		}
		return s.halted(ctx, halt)
	case errors.Is(err, ErrSink):
		s.mark(StateDown, err, "")
		return err
	}
	s.turn.failures++
	n := s.turn.failures
	s.turn.compare = true
	s.judge(err, n)
	if errors.Is(err, errMoved) && n < onceAttempts {
		return nil // the chain is changing under us: look again at once
	}
	if once && n >= onceAttempts {
		return err
	}
	pause := backoff(n-1, backoffBase, backoffMax, s.o.Random())
	s.mark(StateDown, err, "")
	s.mem.disconnected() // a sink that failed may have lost blocks that were connected
	if errors.Is(err, errDegraded) {
		s.o.OnEvent(SinkDown{Err: err, Attempt: n, Retry: pause})
	} else {
		if s.turn.downSince.IsZero() {
			s.turn.downSince = s.o.Clock.Now()
		}
		s.o.OnEvent(SourceDown{Err: err, Attempt: n, Retry: pause})
	}
	// A block announced by a feed is a sign of life, but no cause to hurry more
	// than a little.
	sleep(ctx, s.o.Clock, min(pause, backoffBase), nil)
	sleep(ctx, s.o.Clock, max(0, pause-backoffBase), s.inbox.wake)
	return nil
}

// headersAttempts is how often in a row headers may fail to connect, as they do
// when the chain changes under the call, before that is the node's fault.
const headersAttempts = 3

// judge tells the source of headers that did not verify, after the n-th failure
// in a row.
func (s *Scanner) judge(err error, n int) {
	bad := errors.Is(err, ErrBits) || errors.Is(err, coins.ErrPoW) || errors.Is(err, ErrDisconnected) && n >= headersAttempts
	if bad && !errors.Is(err, ErrBadBlock) { // that was told when the block came
		s.src.refuse(coins.BlockID{}, err)
	}
}

// halted reports until ctx ends.
func (s *Scanner) halted(ctx context.Context, halt *haltError) error {
	for ctx.Err() == nil {
		s.o.OnEvent(Halted{Reason: halt.reason, Remedy: halt.remedy})
		sleep(ctx, s.o.Clock, haltReport, nil)
	}
	return ctx.Err()
}

func (s *Scanner) mark(state State, err error, remedy string) {
	s.inbox.keepTxs(false)
	s.board.update(func(b *board) { b.State, b.Err, b.Remedy = state, err, remedy })
}

func (s *Scanner) state() State {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	return s.board.State
}
