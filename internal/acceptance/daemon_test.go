package acceptance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

// stopLimit is how long a daemon may take to stop after SIGTERM, by its documentation.
const stopLimit = 45 * time.Second

// ground is three simulated chains, and the command with a configuration that names their nodes.
type ground struct {
	t      *testing.T
	dir    string
	file   string
	chains []*simChain
}

// simChain is one of the chains, with what happens on it and who is watched.
type simChain struct {
	symbol    coins.Symbol
	coin      coins.Coin
	chain     *simnode.Chain
	node      *simnode.Node
	activity  *simnode.Activity
	addresses []string
	scripts   [][]byte
}

// newGround makes chains of about so many blocks, some of which pay the watched addresses.
func newGround(t *testing.T, seed uint64, blocks int) *ground {
	t.Helper()
	g := &ground{t: t}
	for _, symbol := range engine.Symbols() {
		c := &simChain{symbol: symbol}
		g.chains = append(g.chains, c)
		var err error
		c.coin, err = engine.CoinFor(symbol, coins.Regtest)
		g.must(err)
		c.chain, err = simnode.NewChain(simnode.Config{Coin: c.coin, Seed: seed, MWEBFrom: 120})
		g.must(err)
		random := rand.New(rand.NewPCG(seed, 3))
		for range 6 {
			script := simnode.RandomScript(random, simnode.P2PKH)
			address, _ := c.coin.Address(script)
			c.scripts, c.addresses = append(c.scripts, script), append(c.addresses, address)
		}
		g.must(c.chain.Fund(20))
		c.activity = simnode.NewActivity(c.chain, seed, c.scripts...)
		for int(c.chain.Tip().Height) < blocks {
			_, err := c.activity.Step()
			g.must(err)
		}
		c.node, err = simnode.Serve(t.Context(), c.chain, simnode.Options{})
		g.must(err)
		t.Cleanup(c.node.Close)
	}
	g.dir, g.file = g.configured()
	return g
}

func (g *ground) must(err error) {
	if err != nil {
		g.t.Helper()
		g.t.Fatal(err)
	}
}

// configured writes a configuration with a data folder of its own. Bitcoin's index begins at the genesis block, the
// others' where the tip is: their past is read by rescans.
func (g *ground) configured() (dir, file string) {
	g.t.Helper()
	dir = g.t.TempDir()
	return dir, g.configure(dir, filepath.Join(dir, "data"))
}

func (g *ground) configure(dir, data string) (file string) {
	g.t.Helper()
	text := "data_dir: " + data + "\ncoins:\n"
	for _, c := range g.chains {
		start := "tip"
		if c.symbol == "btc" {
			start = "genesis"
		}
		n := c.node
		text += fmt.Sprintf("  %s:\n    network: regtest\n    start: %s\n    poll_interval: 100ms\n"+
			"    nodes: [{rpc: %q, user: %s, password: %s, rest: true, p2p: %q, zmq: %q}]\n",
			c.symbol, start, n.RPC, n.User, n.Password, n.P2P, n.ZMQ)
	}
	file = filepath.Join(dir, "coffer.yaml")
	g.must(os.WriteFile(file, []byte(text), 0o600))
	return file
}

// command prepares the command with the arguments.
func (g *ground) command(file string, args ...string) *exec.Cmd {
	return exec.CommandContext(context.WithoutCancel(g.t.Context()), os.Getenv(binaryVariable), append([]string{"--config", file, "--json"}, args...)...)
}

// run runs the command and decodes the document it prints. Its exit code is returned, and its standard error.
func (g *ground) run(file string, document any, args ...string) (code int, complaint string) {
	g.t.Helper()
	cmd := g.command(file, args...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		g.t.Fatal(err)
	}
	if document != nil && err == nil {
		if err := json.Unmarshal(out.Bytes(), document); err != nil {
			g.t.Fatalf("%v: %v\n%s", args, err, out.String())
		}
	}
	return cmd.ProcessState.ExitCode(), complaints.String()
}

// done runs a command that must succeed.
func (g *ground) done(file string, document any, args ...string) {
	g.t.Helper()
	if code, complaint := g.run(file, document, args...); code != 0 {
		g.t.Fatalf("coffer %s ends with %d: %s", strings.Join(args, " "), code, complaint)
	}
}

// watch imports addresses [from:to] of every coin, with their past.
func (g *ground) watch(file string, from, to int) {
	g.t.Helper()
	for _, c := range g.chains {
		g.done(file, nil, append([]string{"import-address", string(c.symbol)}, c.addresses[from:to]...)...)
	}
}

// daemon is a running one.
type daemon struct {
	g      *ground
	cmd    *exec.Cmd
	log    *bytes.Buffer
	exited chan struct{}
}

// daemon starts one; prepare, where given, may change the command.
func (g *ground) daemon(file string, prepare func(*exec.Cmd), args ...string) *daemon {
	g.t.Helper()
	d := &daemon{g: g, cmd: g.command(file, append([]string{"daemon"}, args...)...), log: &bytes.Buffer{}, exited: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if prepare != nil {
		prepare(d.cmd)
	}
	g.must(d.cmd.Start())
	go func() {
		defer close(d.exited)
		_ = d.cmd.Wait() // how it ended is in its state
	}()
	g.t.Cleanup(func() { d.end(syscall.SIGKILL) })
	return d
}

// end sends a signal to the process that was started, and waits until it is gone.
func (d *daemon) end(signal os.Signal) (took time.Duration) {
	began := time.Now()
	if err := d.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		d.g.t.Error(err)
	}
	limit := time.NewTimer(stopLimit + 15*time.Second)
	defer limit.Stop()
	select {
	case <-d.exited:
	case <-limit.C:
		d.g.t.Errorf("daemon does not stop after %v", signal)
		_ = d.cmd.Process.Kill()
		<-d.exited
	}
	return time.Since(began)
}

// code is how the daemon ended: its exit code, -1 for a signal.
func (d *daemon) code() int { return d.cmd.ProcessState.ExitCode() }

// check proves every index and returns their reports.
func (g *ground) check(file string) map[coins.Symbol]engine.CheckReport {
	g.t.Helper()
	reports := map[coins.Symbol]engine.CheckReport{}
	for _, c := range g.chains {
		var report engine.CheckReport
		code, complaint := g.run(file, &report, "index", "check", string(c.symbol))
		if code != 0 || !report.OK {
			g.t.Fatalf("index check %s ends with %d: %s %v", c.symbol, code, complaint, report.Violations)
		}
		reports[c.symbol] = report
	}
	return reports
}

// settle catches up and says what is there then: digests by coin.
func (g *ground) settle(file string) map[coins.Symbol]string {
	g.t.Helper()
	g.watch(file, 0, len(g.chains[0].addresses))
	g.done(file, nil, "daemon", "--once")
	digests := map[coins.Symbol]string{}
	for symbol, report := range g.check(file) {
		digests[symbol] = report.Digest
	}
	for _, c := range g.chains {
		g.compare(file, c)
	}
	return digests
}

// compare holds what utxos prints to the chain's own coin set.
func (g *ground) compare(file string, c *simChain) {
	g.t.Helper()
	got, want := map[string]bool{}, map[string]bool{}
	after := ""
	for more := true; more; more = after != "" {
		var page engine.CoinList
		args := []string{"utxos", string(c.symbol), "--limit", "500"}
		if after != "" {
			args = append(args, "--after", after)
		}
		g.done(file, &page, args...)
		for _, coin := range page.Coins {
			if coin.Block != nil {
				got[fmt.Sprintf("%s %s %s at %d", coin.OutPoint, coin.Address, coin.Value, coin.Block.Height)] = true
			}
		}
		after = page.Next
	}
	for _, coin := range c.chain.UTXOs(c.scripts...) {
		address, _ := c.coin.Address(coin.Script)
		want[fmt.Sprintf("%s %s %s at %d", coin.OutPoint, address, coin.Value, coin.Height)] = true
	}
	if len(want) == 0 {
		g.t.Errorf("%s: nobody who is watched has a coin", c.symbol)
	}
	wrong := different(string(c.symbol)+" coin", got, want)
	for _, line := range wrong {
		g.t.Error(line)
	}
	if len(wrong) > 0 {
		var jobs, watches json.RawMessage
		g.done(file, &jobs, "rescan", "list", string(c.symbol))
		g.done(file, &watches, "watch", "list", string(c.symbol))
		g.t.Logf("%s: addresses %v\nrescans %s\nwatches %s", c.symbol, c.addresses, jobs, watches)
	}
}
