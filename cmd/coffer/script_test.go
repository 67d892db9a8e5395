package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"coffer": main})
}

// TestScripts runs the command as people do, against simulated nodes. Beside testscript's own commands there are:
//
//	node COIN BLOCKS          start a node whose chain has so many blocks
//	config COIN…              write coffer.yaml for the coins' nodes
//	mine COIN N [ADDRESS AMOUNT]   mine blocks, each paying the address
//	send COIN ADDRESS AMOUNT  put a payment into the mempool
//	reorg COIN DEPTH LENGTH   replace blocks; what was in them waits again
//	fault FILE COIN NODE KEY=VALUE…   write a configuration of a coin for another's node, with settings changed
//	stop COIN                 stop the node
//	code N coffer ARGS…       run and expect the exit code
//	until REGEXP coffer ARGS… run until standard output matches
//	second COIN               start a second node, COIN2, with the same chain
//	pair COIN                 write coffer.yaml for both, with http.listen as $HTTP
//	get STATUS URL            ask over HTTP
//	outpoints NAME…           set variables to the outpoints in standard output
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			w := &scriptWorld{nodes: map[string]*simnode.Node{}}
			env.Values[worldKey{}] = w
			env.Defer(w.close)
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"node": nodeCmd, "config": configCmd, "mine": mineCmd, "send": sendCmd, "reorg": reorgCmd, "stop": stopCmd, "fault": faultCmd,
			"second": secondCmd, "pair": pairCmd, "get": getCmd,
			"code": codeCmd, "until": untilCmd, "outpoints": outpointsCmd,
		},
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("COFFER_UPDATE") != "",
	})
}

// scriptWorld is the nodes of one script.
type scriptWorld struct{ nodes map[string]*simnode.Node }

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *scriptWorld { return ts.Value(worldKey{}).(*scriptWorld) }

func (w *scriptWorld) close() {
	for _, node := range w.nodes {
		node.Close()
	}
}

func (w *scriptWorld) node(ts *testscript.TestScript, coin string) *simnode.Node {
	node, ok := w.nodes[coin]
	if !ok {
		ts.Fatalf("no node of %s", coin)
	}
	return node
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

func nodeCmd(ts *testscript.TestScript, _ bool, args []string) {
	coin, err := engine.CoinFor(coins.Symbol(args[0]), coins.Regtest)
	ts.Check(err)
	chain, err := simnode.NewChain(simnode.Config{Coin: coin, Seed: 7})
	ts.Check(err)
	_, err = chain.Mine(number(ts, args[1]))
	ts.Check(err)
	options := simnode.Options{}
	for _, option := range args[2:] {
		switch name, value, _ := strings.Cut(option, "="); name {
		case "pruned":
			options.PrunedBelow = coins.Height(number(ts, value))
		default:
			ts.Fatalf("unknown option %s", option)
		}
	}
	node, err := simnode.Serve(context.Background(), chain, options)
	ts.Check(err)
	worldOf(ts).nodes[args[0]] = node
	upper := strings.ToUpper(args[0])
	for name, value := range map[string]string{"RPC": node.RPC, "P2P": node.P2P, "ZMQ": node.ZMQ, "USER": node.User, "PASSWORD": node.Password} {
		ts.Setenv(upper+"_"+name, value)
	}
}

func configCmd(ts *testscript.TestScript, _ bool, args []string) {
	var text strings.Builder
	text.WriteString("data_dir: ./data\ncoins:\n")
	for _, coin := range args {
		node := worldOf(ts).node(ts, coin)
		fmt.Fprintf(&text, "  %s:\n    network: regtest\n    start: %d\n    poll_interval: 200ms\n    nodes:\n      - {rpc: %q, user: %s, password: %s, rest: true, p2p: %q, zmq: %q}\n",
			coin, node.Chain().Tip().Height, node.RPC, node.User, node.Password, node.P2P, node.ZMQ)
	}
	ts.Check(os.WriteFile(ts.MkAbs("coffer.yaml"), []byte(text.String()), 0o600))
}

func faultCmd(ts *testscript.TestScript, _ bool, args []string) {
	node := worldOf(ts).node(ts, args[2])
	settings := map[string]string{"dir": "./data", "rpc": node.RPC, "user": node.User, "password": node.Password}
	for _, arg := range args[3:] {
		key, value, _ := strings.Cut(arg, "=")
		settings[key] = value
	}
	text := fmt.Sprintf("data_dir: %s\ncoins:\n  %s:\n    network: regtest\n    nodes:\n      - {rpc: %q, user: %q, password: %q}\n",
		settings["dir"], args[1], settings["rpc"], settings["user"], settings["password"])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func payment(ts *testscript.TestScript, chain *simnode.Chain, address, amount string) simnode.Out {
	coin, err := engine.CoinFor(chain.Params().Symbol, coins.Regtest)
	ts.Check(err)
	script, err := coin.Script(address)
	ts.Check(err)
	value, err := coins.ParseAmount(amount)
	ts.Check(err)
	return simnode.Out{Value: value, Script: script}
}

func mineCmd(ts *testscript.TestScript, _ bool, args []string) {
	chain := worldOf(ts).node(ts, args[0]).Chain()
	var contents []simnode.Content
	if len(args) > 2 {
		out := payment(ts, chain, args[2], args[3])
		contents = append(contents, simnode.Pay(out.Script, out.Value))
	}
	_, err := chain.Mine(number(ts, args[1]), contents...)
	ts.Check(err)
}

func sendCmd(ts *testscript.TestScript, _ bool, args []string) {
	chain := worldOf(ts).node(ts, args[0]).Chain()
	tx, err := chain.Send(simnode.TxSpec{Outputs: []simnode.Out{payment(ts, chain, args[1], args[2])}})
	ts.Check(err)
	ts.Setenv("TXID", tx.ID().String())
}

func reorgCmd(ts *testscript.TestScript, _ bool, args []string) {
	chain := worldOf(ts).node(ts, args[0]).Chain()
	_, err := chain.Reorg(number(ts, args[1]), number(ts, args[2]), simnode.WithoutMempool())
	ts.Check(err)
}

func stopCmd(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).node(ts, args[0]).Close() }

func codeCmd(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != number(ts, args[0]) {
		ts.Fatalf("exit code %d, want %s\nstdout: %s\nstderr: %s", got, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

func untilCmd(ts *testscript.TestScript, _ bool, args []string) {
	wanted, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	limit := time.After(60 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := ts.Exec(args[1], args[2:]...); err == nil && wanted.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			ts.Fatalf("waited in vain for %s\nstdout: %s\nstderr: %s", args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
	}
}

func outpointsCmd(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(`[0-9a-f]{64}:[0-9]+`).FindAllString(ts.ReadFile("stdout"), -1)
	if len(found) < len(args) {
		ts.Fatalf("%d outpoints, wanted %d", len(found), len(args))
	}
	for i, name := range args {
		ts.Setenv(name, found[i])
	}
}

// The example beside the code is what init writes.
func TestExampleConfig(t *testing.T) {
	want, err := exampleConfig(engine.Symbols(), coins.Main)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("..", "..", configName)
	if os.Getenv("COFFER_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("coffer.yaml is not what init writes; COFFER_UPDATE=1 writes it anew")
	}
}

func TestReorder(t *testing.T) {
	root := (&app{}).tree()
	for _, test := range []struct{ in, want string }{
		{"coffer balance btc --json", "coffer --json balance btc"},
		{"coffer import-address btc A --from 5 B --wait", "coffer import-address --from 5 --wait btc A B"},
		{"coffer import-address btc --file - --json", "coffer --json import-address --file - btc"},
		{"coffer rescan btc --from=5 --address A --address B", "coffer rescan --from=5 --address A --address B btc"},
		{"coffer rescan show btc 5 -c x.yaml", "coffer -c x.yaml rescan show btc 5"},
		{"coffer watch list doge --limit 5", "coffer watch list --limit 5 doge"},
		{"coffer balance -- --json", "coffer balance -- --json"},
		{"coffer nonsense --flag", "coffer --flag nonsense"},
		{"coffer", "coffer"},
	} {
		if got := strings.Join(reorder(root, strings.Fields(test.in)), " "); got != test.want {
			t.Errorf("%s: got %s, want %s", test.in, got, test.want)
		}
	}
}

func TestComplete(t *testing.T) {
	root := (&app{}).tree()
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{"ba"}, "balance"},
		{[]string{"balance", ""}, "btc ltc doge"},
		{[]string{"balance", "btc", ""}, ""},
		{[]string{"rescan", "l"}, "list ltc"},
		{[]string{"--json", "index", ""}, "check rebuild compact"},
		{[]string{"import-address", "btc", "--l"}, "--label"},
		{[]string{"import-address", "--file", ""}, ""},
		{[]string{"import-address", "--file", "x", "d"}, "doge"},
	} {
		if got := strings.Join(complete(root, test.words), " "); got != test.want {
			t.Errorf("%q: got %q, want %q", test.words, got, test.want)
		}
	}
}

func TestTable(t *testing.T) {
	table := newTable("name", ">amount", "note")
	table.row("a", "1.00000000", "")
	table.row("größer", "21.00000000", "x")
	for width, want := range map[int]string{
		0:  "name         amount  note\na        1.00000000\ngrößer  21.00000000  x\n",
		25: "name         amount  note\na        1.00000000\ngrößer  21.00000000  x\n",
		24: "name         amount\n    note\na        1.00000000\ngrößer  21.00000000\n    x\n",
		18: "name\n         amount\n    note\na\n     1.00000000\ngrößer\n    21.00000000\n    x\n",
	} {
		var out strings.Builder
		table.write(&out, width)
		if out.String() != want {
			t.Errorf("width %d: got\n%s\nwant\n%s", width, out.String(), want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %s, want %s", n, got, want)
		}
	}
}
