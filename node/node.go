package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"coffer.example/coffer/coins"
)

// Node is a client of one full node. Its methods are safe for concurrent use,
// fail fast, and return promptly when their context ends.
type Node struct {
	params *coins.Params
	opts   Options
	rpc    *rpc
	rest   *rest // nil where not configured
	link   *link // nil where no peer address is configured
	ways   []*way
	feeds  []*feed
	hints  *hints
	state  state

	wake chan struct{} // holds a token when the keeper has something to do
	stop context.CancelFunc
	work sync.WaitGroup
}

// state is what was learned of the node, and how fresh it is.
type state struct {
	mu      sync.Mutex
	info    Info
	dialect dialect
	err     error  // of the last call; nil when it was answered
	dials   uint64 // connections made when the genesis block was last checked
	known   bool   // the genesis block was checked

	identify slots // one, taken while the genesis block is checked

	origins origins // by which way blocks came: an index into Node.ways
}

// dialect is what this version of the node can do, found by asking it.
type dialect struct {
	feeCap  feeCap
	txIndex bool // confirmed transactions are found too, or it cannot be told
	zmq     []zmqTopic
	zmqList bool // zmq is the node's own list
}

// feeCap is the second argument of sendrawtransaction.
type feeCap uint8

const (
	feeCapUnknown feeCap = iota
	feeCapRate           // maxfeerate, a decimal
	feeCapFlag           // allowhighfees, a boolean
)

// Open connects to a node, makes sure that its genesis block is the one of
// params, and finds the best way of taking blocks from it. ctx bounds the
// opening only. It fails with ErrOptions, with what keeps the node from being
// reached, or with ErrWrongChain; with Options.Deferred only with ErrOptions.
// Close the Node when done.
func Open(ctx context.Context, params *coins.Params, o Options) (*Node, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.setDefaults()
	n, err := assemble(params, o)
	if err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	n.stop = stop
	n.work.Go(func() { n.hints.run(life) })
	if !o.Deferred {
		if _, err := n.Tip(ctx); err != nil {
			n.Close()
			return nil, fmt.Errorf("%s: %w", n.rpc.url, err)
		}
		n.tend(ctx)
	}
	n.work.Go(func() { n.keep(life) })
	for _, f := range n.feeds {
		n.work.Go(func() { f.run(life) })
	}
	return n, nil
}

// assemble puts the parts together without touching the network.
func assemble(params *coins.Params, o Options) (*Node, error) {
	client, err := newRPC(&o)
	if err != nil {
		return nil, err
	}
	n := &Node{params: params, opts: o, rpc: client, hints: newHints(), wake: make(chan struct{}, 1)}
	n.state.identify = make(slots, 1)
	var viaREST, viaP2P fetch
	if o.REST {
		n.rest = newREST(&o, client.url, params.Format)
		viaREST = n.rest.block
	}
	if o.P2P != "" {
		n.link = newLink(params, &n.opts, peerEvents{hint: n.hints.add, lost: n.lostPeer})
		viaP2P = n.link.block
	}
	blocks := make(slots, o.Connections)
	viaRPC := func(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
		if err := blocks.take(ctx); err != nil {
			return buf, err
		}
		defer blocks.give()
		return client.hex(ctx, buf, params.Format.MaxBlock, "getblock", id.Hash.String(), false)
	}
	n.ways = []*way{newWay(REST, viaREST), newWay(P2P, viaP2P), newWay(RPC, viaRPC)}
	if params.Format.MWEB {
		// Litecoin 0.21 takes a block apart before it sends it over REST: 26 MB/s, and 123 MB/s over the peer protocol
		// (docs/benchmarks.md). Core sends what is on its disk.
		n.ways[0], n.ways[1] = n.ways[1], n.ways[0]
	}
	for _, endpoint := range o.ZMQ {
		n.feeds = append(n.feeds, newFeed(endpoint, &n.opts, n.zmqTopics, n.hints.add))
	}
	return n, nil
}

// Close ends all connections and waits for what runs in the background.
// Closing twice is fine.
func (n *Node) Close() error {
	n.stop()
	if n.link != nil {
		n.link.close()
	}
	n.work.Wait()
	n.rpc.http.CloseIdleConnections()
	if n.rest != nil {
		n.rest.http.CloseIdleConnections()
	}
	return nil
}

// Hints returns the channel of wake-ups from ZMQ and the peer protocol. It is
// bounded whatever the listener does, and closed by Close. There is one
// channel: two listeners would share its hints.
func (n *Node) Hints() <-chan Hint { return n.hints.out }

// Status returns the node as it was last seen, without asking it.
func (n *Node) Status() Status {
	n.state.mu.Lock()
	s := Status{Endpoint: n.rpc.url, Reachable: n.state.known && n.state.err == nil, Err: n.state.err, Info: n.state.info}
	n.state.mu.Unlock()
	for _, w := range n.ways {
		one := w.status()
		s.Transports = append(s.Transports, one)
		if one.Usable && s.Transport == "" {
			s.Transport = one.Name
		}
	}
	if n.link != nil {
		s.Feeds = append(s.Feeds, n.link.status())
	}
	for _, f := range n.feeds {
		s.Feeds = append(s.Feeds, f.status())
	}
	return s
}

// keep brings broken ways back until ctx ends.
func (n *Node) keep(ctx context.Context) {
	for failures := 0; ; {
		pause, ok := n.tend(ctx)
		if !ok {
			pause = backoff(failures, &n.opts)
			failures++
		} else {
			failures = 0
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-n.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// tend probes the ways that are down and due with the node's tip, and returns
// how long nothing is to be done, and false where the node cannot be reached.
func (n *Node) tend(ctx context.Context) (time.Duration, bool) {
	pause, due := n.nextDue(time.Now())
	if len(due) == 0 && n.identified() {
		return pause, true
	}
	tip, err := n.Tip(ctx)
	if err != nil {
		return n.opts.RetryMax, false
	}
	var probes sync.WaitGroup
	for _, w := range due {
		probes.Go(func() { n.probe(ctx, w, tip) })
	}
	probes.Wait()
	pause, _ = n.nextDue(time.Now())
	return pause, true
}

// probe fetches a block over one way, in no more time than a call may take: one
// that hangs must not keep the others down.
func (n *Node) probe(ctx context.Context, w *way, tip coins.BlockID) {
	attempt, cancel := context.WithTimeout(ctx, n.opts.CallTimeout)
	defer cancel()
	raw, err := w.fetch(attempt, tip, nil)
	if err == nil {
		err = checkBlock(tip, raw)
	}
	switch {
	case err == nil:
		w.succeed(time.Now())
	case ctx.Err() == nil && attempt.Err() != nil:
		w.fail(ErrTimeout, time.Now(), &n.opts)
	default:
		w.fail(err, time.Now(), &n.opts)
	}
}

func (n *Node) nextDue(now time.Time) (pause time.Duration, due []*way) {
	pause = n.opts.RetryMax
	for _, w := range n.ways {
		ready, at := w.due(now)
		if ready {
			due = append(due, w)
		} else if !at.IsZero() {
			pause = min(pause, max(at.Sub(now), 0))
		}
	}
	return pause, due
}

func (n *Node) nudge() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// way returns one of the ways by name; all three are always there.
func (n *Node) way(name Transport) *way {
	i := slices.IndexFunc(n.ways, func(w *way) bool { return w.name == name })
	return n.ways[i]
}

// lostPeer is called when the peer connection ended by itself.
func (n *Node) lostPeer(err error) {
	n.way(P2P).fail(err, time.Now(), &n.opts)
	n.nudge()
}

// Block replaces buf's content by the raw block and returns it, growing it
// where it is too short; when it fails it returns buf empty, for reuse. It
// checks the length and that the header hashes to id.Hash, nothing more. The
// fastest transport that is up is used; when it fails the next takes over and
// the failed one is probed again later. It fails with ErrNotFound or ErrPruned
// where the node does not have the block, else with what went wrong on each
// transport. Over the peer protocol Litecoin's blocks come without MWEB data.
func (n *Node) Block(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
	var failed error
	for i, w := range n.ways {
		last := w.name == RPC
		if !w.usable() && (!last || w.fetch == nil) {
			continue // RPC is asked in any case: its answer says best what is wrong
		}
		raw, err := w.fetch(ctx, id, buf)
		if err == nil {
			err = checkBlock(id, raw)
		}
		if err == nil {
			n.state.origins.note(id.Hash, i)
			return raw, nil
		}
		if cap(raw) > cap(buf) {
			buf = raw
		}
		if ctx.Err() != nil {
			return buf[:0], fmt.Errorf("block %s: %w", id, ctx.Err())
		}
		if !aboutBlock(err) {
			w.fail(err, time.Now(), &n.opts)
			n.nudge()
		}
		failed = also(failed, fmt.Errorf("over %s: %w", w.name, err))
	}
	return buf[:0], fmt.Errorf("block %s: %w", id, failed)
}

// Refuse says that a block which Block returned did not verify, with what is
// wrong with it: the way that it came is taken down for a while, so that the
// next call takes another.
func (n *Node) Refuse(id coins.BlockID, err error) {
	if i, known := n.state.origins.of(id.Hash); known {
		n.ways[i].fail(fmt.Errorf("block %s: %w", id, err), time.Now(), &n.opts)
		n.nudge()
	}
}

// also puts two errors on one line.
func also(first, second error) error {
	if first == nil {
		return second
	}
	return fmt.Errorf("%w; %w", first, second)
}

// minBlock is the length of a header and a transaction count.
const minBlock = coins.HeaderSize + 1

// checkBlock is the cheap check of a raw block: that it is the one asked for.
func checkBlock(id coins.BlockID, raw []byte) error {
	if len(raw) < minBlock {
		return fmt.Errorf("%d bytes: %w", len(raw), ErrCutShort)
	}
	header := coins.RawHeader(raw[:coins.HeaderSize])
	if got := header.Hash(); got != id.Hash {
		return fmt.Errorf("got %s: %w", got, ErrWrongBlock)
	}
	return nil
}

// identified reports whether the node behind the connections is known to be
// of the right chain.
func (n *Node) identified() bool {
	n.state.mu.Lock()
	defer n.state.mu.Unlock()
	return n.state.known && n.state.err == nil
}

// noteResult keeps for the status whether the node answered. What it answered
// to a bad argument is no fault of the node.
func (n *Node) noteResult(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	var refused *RPCError
	if errors.As(err, &refused) && !errors.Is(err, ErrWarmingUp) {
		err = nil
	}
	n.state.mu.Lock()
	broke := err != nil && n.state.err == nil
	n.state.err = err
	n.state.mu.Unlock()
	if broke {
		n.nudge()
	}
}
