package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"coffer.example/coffer/coins"
)

// Pool is several nodes of a coin as one. One of them is in use: it alone says
// what the chain is, until another takes over. Methods are safe for concurrent
// use.
//
// The first node is preferred. Another takes over when the one in use fails,
// stalls, falls behind, or gives what does not verify, and hands back when the
// preferred one has proved itself. Each change is a new [Pool.View], so that
// who asks several questions can tell whether one node has answered them all.
// With one node a Pool adds nothing: nothing is asked beside what is asked of it.
type Pool struct {
	opts    PoolOptions
	nodes   []*Node
	nudges  []chan struct{} // to probe a node now
	hints   *hints
	origins origins
	pools   mempools
	state   poolState

	telling sync.Mutex // held while events are told
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// poolState is what a pool knows at the moment.
type poolState struct {
	mu    sync.Mutex
	seen  []seen // as Pool.nodes
	inUse int
	view  uint64
	alarm bool        // the nodes disagree beyond a fork's normal life
	queue []PoolEvent // to be told, in order
}

// PoolOptions say how several nodes are used as one. Zero values take the
// defaults.
type PoolOptions struct {
	// Probe is the pause between two questions to each node how it is; an answer
	// that takes longer than Patience is none.
	Probe, Patience time.Duration
	// LagBlocks and LagAfter say how far behind, for how long, a node is still
	// used; StallAfter how long it is used if it is behind at all.
	LagBlocks            coins.Height
	LagAfter, StallAfter time.Duration
	// ReturnAfter is how long a preferred node must have been in order before it
	// is used again; BarFor how long one is passed over that gave bad blocks.
	ReturnAfter, BarFor time.Duration
	// ForkBlocks and ForkLife are a fork's normal depth and life; beyond either
	// it is an alarm. Defaults: [ForkLimits].
	ForkBlocks coins.Height
	ForkLife   time.Duration
	// Clock is time; nil is time.Now.
	Clock func() time.Time
	// OnEvent is told what happens, in order. It must not block, nor call the
	// pool. May be nil.
	OnEvent func(PoolEvent)
}

// Defaults of PoolOptions.
const (
	DefaultProbe     = 5 * time.Second
	DefaultPatience  = 10 * time.Second
	DefaultLagBlocks = 2
	// DefaultLagAfter is what a node may take to verify a few blocks.
	DefaultLagAfter    = time.Minute
	DefaultStallAfter  = 5 * time.Minute
	DefaultReturnAfter = time.Minute
	DefaultBarFor      = 10 * time.Minute
)

// ForkLimits returns how deep a coin's forks normally are, and how long they
// last: a third of the depth from which nothing is undone, and the time of as
// many blocks as that depth. For Bitcoin that is 2 blocks and an hour, for
// Litecoin 4 and half an hour, for Dogecoin 20 and an hour.
func ForkLimits(p *coins.Params) (blocks coins.Height, life time.Duration) {
	return max(1, p.Policy.FinalDepth/3), time.Duration(p.Policy.FinalDepth) * p.Chain.Interval
}

func (o *PoolOptions) setDefaults(p *coins.Params) {
	or := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	blocks, life := ForkLimits(p)
	or(&o.Probe, DefaultProbe)
	or(&o.Patience, DefaultPatience)
	or(&o.LagAfter, DefaultLagAfter)
	or(&o.StallAfter, DefaultStallAfter)
	or(&o.ReturnAfter, DefaultReturnAfter)
	or(&o.BarFor, DefaultBarFor)
	or(&o.ForkLife, life)
	if o.LagBlocks == 0 {
		o.LagBlocks = DefaultLagBlocks
	}
	if o.ForkBlocks == 0 {
		o.ForkBlocks = blocks
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.OnEvent == nil {
		o.OnEvent = func(PoolEvent) {}
	}
}

// MaxNodes bounds the nodes of a pool.
const MaxNodes = 16

// OpenPool returns a pool of the nodes that the options describe, the preferred
// one first; none needs to have answered yet. It fails with ErrOptions. Close
// the Pool when done.
func OpenPool(ctx context.Context, params *coins.Params, nodes []Options, o PoolOptions) (*Pool, error) {
	if len(nodes) == 0 || len(nodes) > MaxNodes {
		return nil, fmt.Errorf("%d nodes where 1 to %d can be: %w", len(nodes), MaxNodes, ErrOptions)
	}
	o.setDefaults(params)
	p := &Pool{opts: o, hints: newHints()}
	p.state.seen, p.state.view = make([]seen, len(nodes)), 1
	p.pools.last = make([]poolIDs, len(nodes))
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = stop
	for _, options := range nodes {
		options.Deferred = true
		n, err := Open(ctx, params, options)
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.nodes = append(p.nodes, n)
		p.nudges = append(p.nudges, make(chan struct{}, 1))
	}
	p.work.Go(func() { p.hints.run(life) })
	for i := range p.nodes {
		p.work.Go(func() { p.pump(i) })
		if len(p.nodes) > 1 {
			p.work.Go(func() { p.tend(life, i) })
		}
	}
	return p, nil
}

// Close closes every node and waits for what runs in the background.
func (p *Pool) Close() error {
	p.stop()
	var errs []error
	for _, n := range p.nodes {
		errs = append(errs, n.Close())
	}
	p.work.Wait()
	return errors.Join(errs...)
}

// View numbers the times that a node was put to use: answers between two calls
// that return the same number are all of one node.
func (p *Pool) View() uint64 {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	return p.state.view
}

// Hints returns the wake-ups of all nodes, as [Node.Hints] does.
func (p *Pool) Hints() <-chan Hint { return p.hints.out }

// Hint adds a wake-up from elsewhere.
func (p *Pool) Hint(h Hint) {
	if h.Kind == HintBlock {
		for i := range p.nodes {
			p.nudge(i)
		}
	}
	p.hints.add(h)
}

// pump hands a node's hints on. Of transactions only those of a node that
// follows the chain in use: others would come and go.
func (p *Pool) pump(i int) {
	for h := range p.nodes[i].Hints() {
		if h.Kind != HintTx {
			p.nudge(i)
		} else if !p.inStep(i) {
			continue
		}
		p.hints.add(h)
	}
}

func (p *Pool) inStep(i int) bool {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	s := &p.state.seen[i]
	return i == p.state.inUse || s.fork == nil && s.health(p.opts.Clock(), &p.opts) == HealthOK
}

func (p *Pool) nudge(i int) {
	select {
	case p.nudges[i] <- struct{}{}:
	default:
	}
}

// current returns the node in use.
func (p *Pool) current() (int, *Node) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	return p.state.inUse, p.nodes[p.state.inUse]
}

// change alters what is known of the nodes, chooses anew, and tells what came
// of it.
func (p *Pool) change(alter func(now time.Time)) {
	p.state.mu.Lock()
	now := p.opts.Clock()
	alter(now)
	if next := choose(now, p.state.seen, p.state.inUse, &p.opts); next != p.state.inUse {
		p.put(next, now)
	}
	p.watchForks(now)
	p.state.mu.Unlock()
	p.tell()
}

// put makes a node the one in use. Forks are told relative to it.
func (p *Pool) put(next int, now time.Time) {
	from := p.state.inUse
	p.state.queue = append(p.state.queue, NodeSwitched{
		From: p.nodes[from].rpc.url, To: p.nodes[next].rpc.url, Reason: p.reason(from, next, now), Err: p.nodes[from].lastError(),
	})
	fork := p.state.seen[next].fork
	for i := range p.state.seen {
		p.state.seen[i].fork = nil
		p.nudge(i)
	}
	p.state.seen[from].fork = fork
	p.state.inUse = next
	p.state.view++
	p.hints.add(Hint{Kind: HintGap}) // what the new one knows was not looked at
}

// reason is the health that the old node is left for, or HealthOK where it is
// left for a preferred one.
func (p *Pool) reason(from, next int, now time.Time) Health {
	if next < from && p.state.seen[from].health(now, &p.opts) == HealthOK {
		return HealthOK
	}
	return p.state.seen[from].health(now, &p.opts)
}

// tell hands the queued events over, in order.
func (p *Pool) tell() {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.state.mu.Lock()
	queue := p.state.queue
	p.state.queue = nil
	p.state.mu.Unlock()
	if len(p.nodes) == 1 {
		return // who asks it learns what becomes of it
	}
	for _, e := range queue {
		p.opts.OnEvent(e)
	}
}

// failed notes that a node did not answer.
func (p *Pool) failed(i int, err error) {
	p.change(func(now time.Time) {
		s := &p.state.seen[i]
		if s.ok || !s.asked {
			s.since = now
			p.state.queue = append(p.state.queue, NodeDown{Node: p.nodes[i].rpc.url, Err: err})
		}
		s.asked, s.ok, s.foreign = true, false, errors.Is(err, ErrWrongChain)
		s.behind, s.far, s.fork = time.Time{}, false, nil
		compareWork(now, p.state.seen, false, &p.opts)
	})
}

// answered notes what a node said of its chain.
func (p *Pool) answered(i int, info *Info) {
	p.change(func(now time.Time) {
		s := &p.state.seen[i]
		first := !s.asked
		if !s.ok {
			if s.asked {
				p.state.queue = append(p.state.queue, NodeUp{Node: p.nodes[i].rpc.url, Down: now.Sub(s.since)})
			}
			s.since = now
		}
		s.asked, s.ok, s.foreign, s.tip, s.work = true, true, false, info.Tip, info.Work
		compareWork(now, p.state.seen, first, &p.opts)
	})
}

// Refuse says that a block which the pool gave did not verify, or with the zero
// id that the headers of the node in use did not: the node that they came from
// is passed over for a while, and so is the way that the block came.
func (p *Pool) Refuse(id coins.BlockID, err error) {
	i, known := p.origins.of(id.Hash)
	if !known {
		i, _ = p.current()
		p.bar(i, fmt.Errorf("headers: %w", err))
		return
	}
	p.nodes[i].Refuse(id, err)
	p.bar(i, fmt.Errorf("block %s: %w", id, err))
}

func (p *Pool) bar(i int, err error) {
	p.change(func(now time.Time) {
		s := &p.state.seen[i]
		if len(p.nodes) > 1 && !now.Before(s.barred) {
			p.state.queue = append(p.state.queue, NodeBarred{Node: p.nodes[i].rpc.url, Err: err, For: p.opts.BarFor})
		}
		s.barred = now.Add(p.opts.BarFor)
	})
}
