package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The example sees a deposit come in and be confirmed.
func TestDeposits(t *testing.T) {
	const address = "bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t"
	coin, err := engine.CoinFor("btc", coins.Regtest)
	check(t, err)
	script, err := coin.Script(address)
	check(t, err)
	chain, err := simnode.NewChain(simnode.Config{Coin: coin, Seed: 1})
	check(t, err)
	check(t, chain.Fund(5))
	node, err := simnode.Serve(t.Context(), chain, simnode.Options{})
	check(t, err)
	defer node.Close()
	file := filepath.Join(t.TempDir(), "coffer.yaml")
	check(t, os.WriteFile(file, fmt.Appendf(nil, "data_dir: data\ncoins: {btc: {network: regtest, poll_interval: 200ms, nodes: [{rpc: %q, user: %s, password: %s, zmq: %q}]}}",
		node.RPC, node.User, node.Password, node.ZMQ), 0o600))

	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, in, file, "btc", []string{address})
		ended <- err
		in.CloseWithError(io.EOF)
	}()
	lines := bufio.NewScanner(out)
	await := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("no line with %q: %v", text, <-ended)
	}
	await("0.00000000 confirmed, 0.00000000 coming in")
	_, err = chain.Send(simnode.TxSpec{Outputs: []simnode.Out{{Value: coins.Unit, Script: script}}})
	check(t, err)
	await("1.00000000 coming in")
	_, err = chain.Mine(1)
	check(t, err)
	await("1.00000000 confirmed, 0.00000000 coming in")
	stop()
	for lines.Scan() { // whatever is still written
	}
	check(t, <-ended)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
