package testnodes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"coffer.example/coffer/internal/child"
)

// Limits of starting and stopping.
const (
	startAttempts = 3                // a port can be taken between choosing and binding it
	startLimit    = 60 * time.Second // from exec to the first answer
	stopLimit     = 3 * time.Minute  // from SIGTERM to SIGKILL: a busy machine writes a large cache slowly
	pollPeriod    = 10 * time.Millisecond
)

// Options say what node to start. Coin is required; the zero value of the rest is a small node without history indexes.
type Options struct {
	Coin     Coin
	DataDir  string   // empty: a temporary folder, removed by Stop
	TxIndex  bool     // -txindex
	MWEB     bool     // Litecoin: let MWEB activate at 432; blocks from 432 on need it, see ActivateMWEB
	NoWallet bool     // do not create a wallet: Mine, NewAddress and Send are not available
	DBCache  int      // MiB; 0: 100
	Args     []string // further arguments, after all others
}

// Node is one regtest node. Its methods may be called from several goroutines, but Stop, Kill and Restart may not
// overlap each other.
type Node struct {
	Coin       Coin
	RPC        string // http://127.0.0.1:PORT, also the base of REST (see REST)
	User       string
	Password   string
	CookieFile string // works beside User and Password
	P2P        string // 127.0.0.1:PORT
	ZMQ        string // tcp://127.0.0.1:PORT with rawblock, rawtx, hashblock, hashtx, sequence; empty where the node was built without
	DataDir    string

	options Options
	process process
	client  *Client
}

// process is the running executable.
type process struct {
	child.Process
	path string
	args []string
	temp bool // DataDir is ours to remove
}

// Start starts a node and waits until it answers. ctx bounds the start only; Stop ends the node.
func Start(ctx context.Context, o Options) (*Node, error) {
	path, err := Find(o.Coin)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		n, err := prepare(path, o)
		if err != nil {
			return nil, err
		}
		if err = n.run(ctx); err == nil {
			err = n.openWallet(ctx)
		}
		if err == nil {
			return n, nil
		}
		err = errors.Join(err, n.Stop())
		if attempt == startAttempts || ctx.Err() != nil {
			return nil, fmt.Errorf("start %s: %w", filepath.Base(path), err)
		}
	}
}

// StartTB is Require and Start for tests; the node is stopped when the test ends.
func StartTB(ctx context.Context, tb TB, o Options) *Node {
	tb.Helper()
	Require(tb, o.Coin)
	n, err := Start(ctx, o)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(func() {
		if err := n.Stop(); err != nil {
			tb.Fatalf("stop %s: %v", o.Coin, err)
		}
	})
	return n
}

// REST is the base address of the node's REST interface, without a slash at the end.
func (n *Node) REST() string { return n.RPC + "/rest" }

// PID is the node's process id, 0 when it is not running.
func (n *Node) PID() int { return n.process.PID() }

// Stop ends the node by SIGTERM, after a limit by SIGKILL, and removes its temporary folder. Stopping twice is fine.
func (n *Node) Stop() error {
	err := n.end(syscall.SIGTERM)
	if n.process.temp {
		err = errors.Join(err, os.RemoveAll(n.DataDir))
	}
	return err
}

// Kill ends the node at once, as a crash would, and keeps its data for Restart.
func (n *Node) Kill() error { return n.end(syscall.SIGKILL) }

// Restart stops the node cleanly if it runs and starts it again on the same data and ports, with args added for good.
func (n *Node) Restart(ctx context.Context, args ...string) error {
	if err := n.end(syscall.SIGTERM); err != nil {
		return err
	}
	n.process.args = append(n.process.args, args...)
	if err := n.run(ctx); err != nil {
		return fmt.Errorf("restart %s: %w", n.Coin, err)
	}
	return n.loadWallet(ctx)
}

// run starts the executable and waits for its first answer.
func (n *Node) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	exited, err := n.process.Start(exec.Command(n.process.path, n.process.args...))
	if err != nil {
		return err
	}
	var last error
	err = poll(ctx, func() (bool, error) {
		select {
		case <-exited:
			return false, fmt.Errorf("it ended at once: %s", n.process.LastWords())
		default:
		}
		_, last = n.Call(ctx, "getblockchaininfo")
		return last == nil, nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return n.findZMQ(ctx)
}

// end sends the signal and waits for the process; a SIGTERM that is not obeyed in time becomes a SIGKILL and an error.
func (n *Node) end(sig syscall.Signal) error {
	n.client.Close() // litecoind's shutdown waits for open connections
	return n.process.End(sig, stopLimit)
}

// poll asks until the answer is true, fails, or ctx ends.
func poll(ctx context.Context, ready func() (bool, error)) error {
	tick := time.NewTicker(pollPeriod)
	defer tick.Stop()
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
