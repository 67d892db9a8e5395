package simnode

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"coffer.example/coffer/coins"
)

// Options say how a chain is offered. The zero value offers everything that the
// coin's node can, on free ports.
type Options struct {
	// User and Password are for RPC; empty stands for "coffer" and "simulated".
	User, Password string
	// CookieFile, where given, is written with a cookie that works too.
	CookieFile string
	// The addresses to listen on; empty stands for a free port of 127.0.0.1.
	// Other hosts are refused.
	RPCAddr, P2PAddr, ZMQAddr string
	// What not to offer.
	NoREST, NoP2P, NoZMQ bool
	// ZMQTopics are what is published; nil stands for all that the node has.
	ZMQTopics []string
	// PrunedBelow is the height below which blocks are gone; 0 for none.
	PrunedBelow coins.Height
	// Faults, where given, decides what goes wrong.
	Faults Faults
	// AnnounceHashes announces blocks to peers as inv even where they asked for
	// headers.
	AnnounceHashes bool
}

// Node is a running server over a [Chain].
type Node struct {
	// RPC is the URL of RPC and REST; P2P is host:port of the peer protocol, ZMQ
	// the publisher's address (tcp://…). Empty where not offered.
	RPC, P2P, ZMQ string
	// User and Password are what RPC takes.
	User, Password string

	chain   *Chain
	options Options
	dialect *dialect
	methods map[string]method
	state   nodeState
	life    life
	doors   doors
}

// nodeState is what changes while a node runs, and what it was started with.
type nodeState struct {
	cookie      string
	started     time.Time
	serial      atomic.Uint64 // of answers
	downloading atomic.Bool
	warming     atomic.Bool
}

// life is how a node ends: once, and with everything that it has begun.
type life struct {
	cancel  context.CancelFunc
	stopped chan struct{}
	once    sync.Once
	gate    sync.Mutex // between what begins and the end
	closed  bool
	work    sync.WaitGroup
}

// begin counts a piece of work that Close has to wait for, unless the node has
// ended.
func (l *life) begin() bool {
	l.gate.Lock()
	defer l.gate.Unlock()
	if !l.closed {
		l.work.Add(1)
	}
	return !l.closed
}

// doors are where a node listens; nil where it does not.
type doors struct {
	http      *http.Server
	peers     *peers
	publisher *publisher
}

// Serve starts a node over a chain; it ends when ctx does, or with
// [Node.Close]. Several nodes may serve one chain. It fails with [ErrOptions],
// or where an address cannot be listened on.
func Serve(ctx context.Context, chain *Chain, options Options) (*Node, error) {
	n := &Node{
		User: options.User, Password: options.Password, chain: chain, options: options,
		dialect: dialectOf(chain.params.Format),
	}
	n.state.started = time.Now()
	n.life.stopped = make(chan struct{})
	if n.User == "" {
		n.User, n.Password = "coffer", "simulated"
	}
	n.methods = methodsOf(n.dialect)
	if err := n.writeCookie(); err != nil {
		return nil, err
	}
	ctx, n.life.cancel = context.WithCancel(ctx)
	if err := n.start(ctx); err != nil {
		n.Close()
		return nil, err
	}
	n.life.work.Go(func() {
		<-ctx.Done()
		n.shut()
	})
	return n, nil
}

func (n *Node) start(ctx context.Context) error {
	if err := n.serveHTTP(ctx); err != nil {
		return err
	}
	if !n.options.NoP2P {
		if err := n.servePeers(ctx); err != nil {
			return err
		}
	}
	if !n.options.NoZMQ {
		return n.publish()
	}
	return nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w: %w", address, ErrOptions, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen on %q, which is not loopback: %w", address, ErrOptions)
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}

func (n *Node) serveHTTP(ctx context.Context) error {
	listener, err := listen(ctx, n.options.RPCAddr)
	if err != nil {
		return fmt.Errorf("RPC: %w", err)
	}
	n.RPC = "http://" + listener.Addr().String()
	n.doors.http = &http.Server{Handler: n, BaseContext: func(net.Listener) context.Context { return ctx }}
	n.life.work.Go(func() { _ = n.doors.http.Serve(listener) }) // always an error: the one of shut
	return nil
}

func (n *Node) writeCookie() error {
	if n.options.CookieFile == "" {
		return nil
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	n.state.cookie = hex.EncodeToString(secret)
	err := os.WriteFile(n.options.CookieFile, []byte("__cookie__:"+n.state.cookie), 0o600)
	if err != nil {
		return fmt.Errorf("cookie file: %w", err)
	}
	return nil
}

// Chain returns the chain that the node serves.
func (n *Node) Chain() *Chain { return n.chain }

// REST returns the URL below which REST answers.
func (n *Node) REST() string { return n.RPC + "/rest" }

// SetDownloading makes the node say that it is in initial block download. A
// Dogecoin node then keeps headers to itself.
func (n *Node) SetDownloading(on bool) { n.state.downloading.Store(on) }

// SetWarmingUp makes the node answer as one that is still loading its chain:
// every call fails with −28, REST with 503.
func (n *Node) SetWarmingUp(on bool) { n.state.warming.Store(on) }

// Stopped is closed when the node has begun to end.
func (n *Node) Stopped() <-chan struct{} { return n.life.stopped }

// Close ends the node and waits until nothing of it runs. The chain stays, to
// be served again: its mempool too, unless [Chain.ClearMempool] says otherwise.
func (n *Node) Close() {
	n.shut()
	n.life.work.Wait()
}

// shut closes everything that is open, once, without waiting.
func (n *Node) shut() {
	n.life.once.Do(func() {
		n.life.gate.Lock()
		n.life.closed = true
		n.life.gate.Unlock()
		close(n.life.stopped)
		n.life.cancel()
		if n.doors.http != nil {
			_ = n.doors.http.Close() // ending: nobody is left to be told
		}
		if n.doors.peers != nil {
			n.doors.peers.close()
		}
		if n.doors.publisher != nil {
			n.doors.publisher.close()
		}
		if n.state.cookie != "" {
			_ = os.Remove(n.options.CookieFile)
		}
	})
}

// fault asks what goes wrong with the next answer, and waits its delay.
func (n *Node) fault(ctx context.Context, protocol Protocol, method string) Fault {
	serial := n.state.serial.Add(1)
	if n.options.Faults == nil {
		return Fault{}
	}
	fault := n.options.Faults(Query{Protocol: protocol, Method: method, Serial: serial})
	if fault.Delay > 0 {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-n.life.stopped:
		}
	}
	if fault.Stop {
		n.life.work.Go(n.shut)
	}
	return fault
}
