package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
	"coffer.example/coffer/node"
)

// withSecond gives a world's coin a second node that stands in for the first, over the same chain.
func withSecond(t *testing.T, w *world) *simnode.Node {
	t.Helper()
	second, err := simnode.Serve(t.Context(), w.chain, simnode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	text := fmt.Sprintf("data_dir: %s\ncoins:\n  %s:\n    network: regtest\n    poll_interval: 200ms\n    nodes:\n", t.TempDir(), w.symbol)
	for _, n := range []*simnode.Node{w.node, second} {
		p2p := ""
		if n.P2P != "" {
			p2p = fmt.Sprintf(", p2p: %q", n.P2P)
		}
		text += fmt.Sprintf("      - {rpc: %q, user: %s, password: %s, rest: true%s}\n", n.RPC, n.User, n.Password, p2p)
	}
	file := filepath.Join(t.TempDir(), "coffer.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if w.config, err = engine.LoadConfig(file, os.LookupEnv); err != nil {
		t.Fatal(err)
	}
	w.options.Nodes = node.PoolOptions{Probe: 50 * time.Millisecond, ReturnAfter: 200 * time.Millisecond}
	w.open()
	return second
}

func TestSecondNodeStandsIn(t *testing.T) {
	w := newWorld(t, "btc", 110, "")
	var mu sync.Mutex
	var switched []node.NodeSwitched
	w.options.OnEvent = func(e engine.Event) {
		if d, ok := e.Detail.(engine.NodeEvent); ok {
			if one, ok := d.Event.(node.NodeSwitched); ok {
				mu.Lock()
				defer mu.Unlock()
				switched = append(switched, one)
			}
		}
	}
	second := withSecond(t, w)
	w.run()
	w.atTip()
	status, err := w.engine.Coin(t.Context(), "btc")
	if err != nil || len(status.Nodes) != 2 || !status.Nodes[0].InUse || status.Nodes[1].InUse || status.Node.URL != w.node.RPC {
		t.Fatalf("%+v, %v", status, err)
	}
	block, err := w.engine.Block(t.Context(), "btc", "110")
	if err != nil || block.Nodes == nil || block.Nodes.Agree != 2 || block.Nodes.Of != 2 {
		t.Fatalf("%+v, %v", block, err)
	}
	w.node.Close()
	w.mine(3)
	w.atTip()
	w.until("the second node in use", func() (bool, error) {
		status, err = w.engine.Coin(t.Context(), "btc")
		return status.Node.URL == second.RPC && status.Nodes[0].State == string(node.HealthDown), err
	})
	if status.Nodes[0].Error == "" {
		t.Errorf("the node that is down has no error: %+v", status.Nodes)
	}
	agreed, err := w.engine.Agreement(t.Context(), "btc", "113")
	if err != nil || agreed.Agree != 1 || agreed.Of != 2 || agreed.Block != w.chain.Tip() {
		t.Errorf("%+v, %v", agreed, err)
	}
	w.sound()
	mu.Lock()
	defer mu.Unlock()
	if len(switched) != 1 || switched[0].To != second.RPC {
		t.Errorf("%+v", switched)
	}
}

func TestExamineEveryNode(t *testing.T) {
	w := newWorld(t, "btc", 10, "")
	second := withSecond(t, w)
	of := func() (byNode map[string]int, agree engine.Finding) {
		findings, err := engine.Examine(t.Context(), w.config, "btc")
		if err != nil {
			t.Fatal(err)
		}
		byNode = map[string]int{}
		for _, f := range findings {
			byNode[f.Node]++
			if f.Check == "nodes agree" {
				agree = f
			}
		}
		return byNode, agree
	}
	if seen, agree := of(); seen[w.node.RPC] < 5 || seen[second.RPC] < 5 || agree.Level != engine.LevelOK {
		t.Errorf("%v, %+v", seen, agree)
	}
	second.Close()
	if seen, agree := of(); seen[second.RPC] == 0 || agree.Level != engine.LevelAdvice {
		t.Errorf("%v, %+v", seen, agree)
	}
}

func TestWake(t *testing.T) {
	w := newWorld(t, "btc", 10, "")
	if err := w.engine.Wake("ltc", engine.NewsBlock); !errors.Is(err, engine.ErrUnknownCoin) {
		t.Errorf("a coin that is not configured: %v", err)
	}
	if err := w.engine.Wake("btc", engine.NewsBlock); err != nil {
		t.Errorf("nobody follows: %v", err)
	}
	// Without feeds and with an hour between two looks, only a wake-up makes the engine see a block.
	w.config.Coins[0].PollInterval = time.Hour
	w.config.Coins[0].Nodes[0].ZMQ, w.config.Coins[0].Nodes[0].P2P = nil, ""
	w.open()
	w.run()
	w.atTip()
	for range 3 {
		w.mine(1)
		if err := w.engine.Wake("btc", engine.NewsBlock); err != nil {
			t.Fatal(err)
		}
		w.atTip()
	}
	tip := w.chain.Tip()
	if block, err := w.engine.Block(t.Context(), "btc", tip.Hash.String()); err != nil || block.Nodes != nil || block.ID != tip {
		t.Errorf("%+v, %v", block, err)
	}
	address, script := w.address(1)
	if _, err := w.engine.ImportAddresses(t.Context(), "btc", engine.ImportRequest{Addresses: []string{address}, From: "none"}); err != nil {
		t.Fatal(err)
	}
	if err := w.chain.Fund(1); err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Wake("btc", engine.NewsBlock); err != nil {
		t.Fatal(err)
	}
	w.atTip()
	if _, err := w.chain.Send(simnode.TxSpec{Outputs: []simnode.Out{{Script: script, Value: coins.Unit}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Wake("btc", engine.NewsTx); err != nil {
		t.Fatal(err)
	}
	w.until("the payment seen", func() (bool, error) { return w.balance(address).Incoming == coins.TotalOf(coins.Unit), nil })
}

func TestListenOnThisMachineOnly(t *testing.T) {
	const rest = "\ndata_dir: d\ncoins: {btc: {network: main, nodes: [{rpc: 'http://h', user: u, password: p}]}}\n"
	for listen, right := range map[string]bool{
		"127.0.0.1:18881": true, "localhost:1": true, "'[::1]:18881'": true, "127.9.9.9:80": true,
		"0.0.0.0:18881": false, "':18881'": false, "'[::]:1'": false, "192.168.1.1:1": false, "example.com:1": false, "127.0.0.1": false, "127.0.0.1:0": false,
	} {
		config, err := parse(t, "http: {listen: "+listen+"}"+rest, nil)
		if right != (err == nil) || right && config.HTTP.Listen == "" {
			t.Errorf("%s: %v", listen, err)
		}
	}
	if _, err := parse(t, "http: {lisen: 127.0.0.1:1}"+rest, nil); err == nil {
		t.Error("a misspelled key was taken")
	}
}

func TestNodeNamedTwice(t *testing.T) {
	_, err := parse(t, "data_dir: d\ncoins: {btc: {network: main, nodes: [{rpc: 'http://h', cookie_file: c}, {rpc: 'http://h:8332', cookie_file: c}]}}\n", nil)
	if err == nil {
		t.Error("one node twice was taken for two")
	}
}

// The preferred node gives bodies that are not their headers', over every way: the other's blocks are taken.
func TestBadBlocksFromThePreferredNode(t *testing.T) {
	w := newWorld(t, "btc", 60, "")
	whole, err := w.chain.RawBlock(w.chain.Tip().Hash)
	if err != nil {
		t.Fatal(err)
	}
	broken, err := simnode.Serve(t.Context(), w.chain, simnode.Options{NoREST: true, NoP2P: true, NoZMQ: true, Faults: func(q simnode.Query) simnode.Fault {
		if q.Method != "getblock" {
			return simnode.Fault{}
		}
		return simnode.Fault{Change: func(answer []byte) []byte { // a digit of the last output's value or script
			changed := bytes.Clone(answer)
			if at := bytes.LastIndexAny(changed, "0123456789abcdef"); len(changed) >= 2*len(whole) && at > 20 {
				for i := at; i > 0; i-- {
					if changed[i] == '0' && changed[i-1] == '0' && changed[i-2] == '0' {
						changed[i-1] = '1'
						break
					}
				}
			}
			return changed
		}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broken.Close)
	good := w.node
	w.node = broken
	second := withSecond(t, w)
	w.node = good
	w.config.Coins[0].Start = engine.Start{}
	w.open()
	w.run()
	w.atTip()
	status, err := w.engine.Coin(t.Context(), "btc")
	if err != nil || status.Node.URL != second.RPC || status.Nodes[0].State != string(node.HealthBarred) {
		t.Errorf("%+v, %v", status, err)
	}
	w.sound()
}
