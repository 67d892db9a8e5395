package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"coffer.example/coffer/internal/simnode"
)

// secondCmd serves a coin's chain by a second node, which is named COIN2.
func secondCmd(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	second, err := simnode.Serve(context.Background(), w.node(ts, args[0]).Chain(), simnode.Options{})
	ts.Check(err)
	w.nodes[args[0]+"2"] = second
}

// pairCmd writes coffer.yaml for both nodes of a coin, with a free port to listen on for HTTP, which becomes $HTTP.
// Nothing is polled for, so that only what is announced is seen at once.
func pairCmd(ts *testscript.TestScript, _ bool, args []string) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv("HTTP", free.Addr().String())
	ts.Check(free.Close())
	text := fmt.Sprintf("data_dir: ./data\nhttp: {listen: %q}\ncoins:\n  %s:\n    network: regtest\n    poll_interval: 1h\n    nodes:\n", ts.Getenv("HTTP"), args[0])
	for _, name := range []string{args[0], args[0] + "2"} {
		node := worldOf(ts).node(ts, name)
		text += fmt.Sprintf("      - {rpc: %q, user: %s, password: %s}\n", node.RPC, node.User, node.Password)
	}
	ts.Check(os.WriteFile(ts.MkAbs("coffer.yaml"), []byte(text), 0o600))
}

// getCmd asks for a URL and expects a status.
func getCmd(ts *testscript.TestScript, _ bool, args []string) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(args[1])
	ts.Check(err)
	ts.Check(response.Body.Close())
	if response.StatusCode != number(ts, args[0]) {
		ts.Fatalf("GET %s: %s, want %s", args[1], response.Status, args[0])
	}
}
