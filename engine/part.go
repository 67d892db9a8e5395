package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/utxo"
)

// Pauses before a coin in trouble is tried again.
const (
	retryMin = time.Second
	retryMax = time.Minute
)

// part is one coin: its nodes, its index and what runs on them.
type part struct {
	config  *CoinConfig
	coin    coins.Coin
	dir     string
	options *Options
	// headerWork is the wiring table's.
	headerWork bool
	// wake holds a token when there may be a job to do; done is closed with the part.
	wake, done chan struct{}

	turn turn
	// opening is held while index or node are opened, mu for the fields below alone.
	opening sync.Mutex
	mu      sync.Mutex
	live    live
	now     doing
}

// turn lets one at a time follow the chain or rebuild the index. Who holds active does; who holds queue is next, so
// that a rebuild that has interrupted following comes before following again.
type turn struct{ queue, active sync.Mutex }

// live is what is open of a coin.
type live struct {
	closed bool
	// tight says that the index was opened for reading only, on a full disk.
	tight bool
	index *utxo.Index
	// watched is the index's watch set and its log, open while the index is.
	watched *watchSet
	nodes   *node.Pool
	// hints are the nodes', for one scanner after the other.
	hints   <-chan scanner.Hint
	scanner *scanner.Scanner
}

// doing is what is going on at the moment.
type doing struct {
	// following says that somebody follows the chain; trouble is why that fails.
	following bool
	trouble   error
	// pause ends following, for a rebuild.
	pause context.CancelCauseFunc
	// passes do the rescans.
	passes []*pass
	// task is long work on the index, nil for none.
	task *task
}

func newPart(config *Config, c *CoinConfig, options *Options) (*part, error) {
	coin, headerWork, err := c.known()
	if err != nil {
		return nil, err
	}
	return &part{
		config: c, coin: coin, dir: config.IndexDir(c), options: options, headerWork: headerWork,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}, nil
}

func (p *part) tell(job JobID, detail Detail) {
	p.options.OnEvent(Event{Coin: p.config.Symbol, Job: job, Detail: detail})
}

// set changes the fields that mu guards.
func (p *part) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// run follows the chain until ctx ends. Whatever goes wrong is told and tried again.
func (p *part) run(ctx context.Context) error {
	p.set(func() { p.now.following = true })
	defer p.set(func() { p.now.following = false })
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		began := p.options.Clock()
		err := p.follow(ctx)
		switch {
		case errors.Is(err, ErrPartDied):
			return err
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errRebuild):
			pause = retryMin / 2
			continue
		}
		if p.options.Clock().Sub(began) > retryMax {
			pause = retryMin
		}
		p.set(func() { p.now.trouble = err })
		p.tell(0, Trouble{Err: err, Retry: pause})
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// activate takes p.active in its turn. Before the next in the queue looks, pause is there to interrupt it, nil where
// nothing does.
func (p *part) activate(pause context.CancelCauseFunc) {
	p.turn.queue.Lock()
	defer p.turn.queue.Unlock()
	p.turn.active.Lock()
	p.set(func() { p.now.pause = pause })
}

// follow opens what the coin needs and runs scanner and rescans until ctx ends, or one of them cannot go on. An index
// that failed is closed, to be opened anew.
func (p *part) follow(ctx context.Context) error {
	ctx, pause := context.WithCancelCause(ctx)
	defer pause(nil)
	p.activate(pause)
	defer p.turn.active.Unlock()
	s, err := p.openScanner(ctx)
	if err != nil {
		return err
	}
	p.set(func() { p.now.trouble = nil })
	p.tellReady(ctx)
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return guard(p.config.Symbol, func() error { return s.Run(running) }) })
	group.Go(func() error { return guard(p.config.Symbol, func() error { return p.runJobs(running) }) })
	group.Go(func() error { return guard(p.config.Symbol, func() error { return p.tend(running) }) })
	err = group.Wait()
	if ctx.Err() != nil && !errors.Is(err, ErrPartDied) {
		return context.Cause(ctx)
	}
	if errors.Is(err, scanner.ErrSink) {
		err = errors.Join(err, p.closeIndex())
	}
	return err
}

// tellReady tells how the coin stands, and by which ways it takes blocks: a node that is there is given the time to be
// asked.
func (p *part) tellReady(ctx context.Context) {
	if _, client, _ := p.opened(); client != nil {
		_ = p.meet(ctx, client) // what is wrong with it is in the status
	}
	status := p.status(ctx)
	ready := Ready{Tip: status.Tip}
	if status.Index != nil {
		ready.Watched = status.Index.Watched
	}
	if status.Node != nil {
		ready.Node = *status.Node
	}
	p.tell(0, ready)
}

// catchUp brings the index to the node's tip and does the waiting rescans: all, or until the one given has ended.
func (p *part) catchUp(ctx context.Context, until JobID) error {
	p.activate(nil)
	defer p.turn.active.Unlock()
	s, err := p.openScanner(ctx)
	if err != nil {
		return err
	}
	p.set(func() { p.now.following = true })
	defer p.set(func() { p.now.following = false })
	p.tellReady(ctx)
	if err := s.CatchUp(ctx); err != nil {
		return err
	}
	return p.doJobs(ctx, false, until)
}

// close closes what is open. It may be called twice.
func (p *part) close() error {
	p.opening.Lock()
	defer p.opening.Unlock()
	p.mu.Lock()
	p.stopTask()
	index, watched, client := p.live.index, p.live.watched, p.live.nodes
	if !p.live.closed {
		close(p.done)
	}
	p.live.closed, p.live.index, p.live.watched, p.live.nodes, p.live.scanner = true, nil, nil, nil, nil
	p.mu.Unlock()
	var errs []error
	if client != nil {
		errs = append(errs, client.Close())
	}
	if index != nil {
		errs = append(errs, index.Close(), watched.close())
	}
	return errors.Join(errs...)
}

// closeIndex closes the index and what works on it, so that the next who needs it opens it anew.
func (p *part) closeIndex() error {
	p.opening.Lock()
	defer p.opening.Unlock()
	p.mu.Lock()
	p.stopTask()
	index, watched := p.live.index, p.live.watched
	p.live.index, p.live.watched, p.live.scanner = nil, nil, nil
	p.mu.Unlock()
	if index == nil {
		return nil
	}
	return errors.Join(index.Close(), watched.close())
}

// opened returns what is open at the moment, without opening anything.
func (p *part) opened() (index *utxo.Index, client *node.Pool, s *scanner.Scanner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live.index, p.live.nodes, p.live.scanner
}

// openScanner opens index and node, and makes the scanner between them.
func (p *part) openScanner(ctx context.Context) (*scanner.Scanner, error) {
	p.opening.Lock()
	defer p.opening.Unlock()
	client, err := p.openNodesLocked(ctx)
	if err != nil {
		return nil, err
	}
	index, err := p.openIndexLocked(ctx)
	if err != nil {
		return nil, err
	}
	if p.live.scanner == nil {
		options := p.scannerOptions(0)
		options.Start = scanner.StartAt(index.Start())
		options.Hints = p.live.hints
		made := scanner.New(client, index, options)
		p.set(func() { p.live.scanner = made })
	}
	return p.live.scanner, nil
}

// scannerOptions are what the scanner and the rescans have in common.
func (p *part) scannerOptions(job JobID) scanner.Options {
	return scanner.Options{
		Params: p.coin.Params(), CheckTarget: p.headerWork, Verify: p.config.VerifyMode(), MaxReorg: p.config.MaxReorg,
		PollInterval: p.config.PollInterval,
		OnEvent: func(event scanner.Event) {
			if _, arrived := event.(scanner.AtTip); arrived && job == 0 {
				p.nudge()
			}
			p.tell(job, Scanned{Event: event})
		},
	}
}

// nudge makes the runner of jobs look.
func (p *part) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
