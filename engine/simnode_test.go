package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

// world is a simulated node and an engine that follows it.
type world struct {
	t       testing.TB
	symbol  coins.Symbol
	coin    coins.Coin
	chain   *simnode.Chain
	node    *simnode.Node
	config  *engine.Config
	options engine.Options
	engine  *engine.Engine
}

// newWorld mines blocks of a coin and opens an engine on a node that serves them. extra is YAML for the coin.
func newWorld(t testing.TB, symbol coins.Symbol, blocks int, extra string) *world {
	t.Helper()
	coin, err := engine.CoinFor(symbol, coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	return newWorldOn(t, coin, blocks, extra)
}

// newWorldOf is newWorld of a coin that a parameter file describes.
func newWorldOf(t *testing.T, file *engine.CoinFile, blocks int) *world {
	t.Helper()
	coin, err := file.Coin(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(file.File)
	if err != nil {
		t.Fatal(err)
	}
	return newWorldOn(t, coin, blocks, fmt.Sprintf("    params: %q\n", path))
}

func newWorldOn(t testing.TB, coin coins.Coin, blocks int, extra string) *world {
	t.Helper()
	symbol := coin.Params().Symbol
	w := &world{t: t, symbol: symbol, coin: coin}
	var err error
	if w.chain, err = simnode.NewChain(simnode.Config{Coin: w.coin, Seed: 1, MWEBFrom: 10}); err != nil {
		t.Fatal(err)
	}
	w.mine(blocks)
	if w.node, err = simnode.Serve(t.Context(), w.chain, simnode.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.node.Close)
	text := fmt.Sprintf(`
data_dir: %s
coins:
  %s:
    network: regtest
    poll_interval: 200ms
    nodes: [{rpc: %q, user: %s, password: %s, rest: true, p2p: %q, zmq: %q}]
%s`, t.TempDir(), symbol, w.node.RPC, w.node.User, w.node.Password, w.node.P2P, w.node.ZMQ, extra)
	file := filepath.Join(t.TempDir(), "coffer.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if w.config, err = engine.LoadConfig(file, os.LookupEnv); err != nil {
		t.Fatal(err)
	}
	w.open()
	return w
}

// open opens the engine; it is closed when the test ends.
func (w *world) open() {
	w.t.Helper()
	var err error
	if w.engine, err = engine.Open(w.t.Context(), w.config, w.options); err != nil {
		w.t.Fatal(err)
	}
	opened := w.engine
	w.t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

// run runs the engine until the test ends, or stop is called.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.engine.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
	w.t.Cleanup(stop)
	return stop
}

func (w *world) mine(n int, contents ...simnode.Content) {
	w.t.Helper()
	if _, err := w.chain.Mine(n, contents...); err != nil {
		w.t.Fatal(err)
	}
}

// address makes the n-th address of the test.
func (w *world) address(n byte) (string, []byte) {
	w.t.Helper()
	script := append(append([]byte{0x76, 0xa9, 20}, make([]byte, 20)...), 0x88, 0xac)
	script[3] = n
	address, ok := w.coin.Address(script)
	if !ok {
		w.t.Fatal("no address")
	}
	return address, script
}

// until waits for a condition, which every test bounds by its own deadline.
func (w *world) until(what string, condition func() (bool, error)) {
	w.t.Helper()
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := condition()
		if err != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			status, _ := w.engine.Coin(w.t.Context(), w.symbol)
			w.t.Fatalf("waited in vain: %s; %+v", what, status)
		}
	}
}

// atTip waits until the index stands at the node's tip.
func (w *world) atTip() {
	w.t.Helper()
	w.until("index at the tip", func() (bool, error) {
		status, err := w.engine.Coin(w.t.Context(), w.symbol)
		return err == nil && status.Tip != nil && *status.Tip == w.chain.Tip() && status.State == engine.StateFollowing, err
	})
}

// ended waits for a job and returns it.
func (w *world) ended(id engine.JobID) (job engine.Job) {
	w.t.Helper()
	w.until("job ended", func() (ended bool, err error) {
		job, err = w.engine.Job(w.t.Context(), w.symbol, id)
		return job.Ended(), err
	})
	return job
}

func (w *world) balance(address string) engine.Balance {
	w.t.Helper()
	balance, err := w.engine.Balance(w.t.Context(), w.symbol, address)
	if err != nil {
		w.t.Fatal(err)
	}
	return balance
}

// sound fails the test unless the index holds every invariant.
func (w *world) sound() {
	w.t.Helper()
	report, err := w.engine.CheckIndex(w.t.Context(), w.symbol)
	if err != nil || !report.OK {
		w.t.Errorf("index check: %v %+v", err, report)
	}
}
