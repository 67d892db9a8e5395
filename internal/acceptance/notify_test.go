package acceptance_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	"coffer.example/coffer/api"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/need"
	"coffer.example/coffer/internal/testnodes"
)

// TestBlockNotify lets a node's own command wake an engine that has no other news and does not ask by itself.
func TestBlockNotify(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		need.Missing(t, "curl is not installed: apt-get install curl")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	n := testnodes.StartTB(ctx, t, testnodes.Options{Coin: testnodes.BTC, Args: []string{
		"-blocknotify=curl -s -m 5 -o /dev/null http://" + address + "/hint/btc/block/%s",
	}})
	if _, err := n.Mine(ctx, 5); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("data_dir: %s\nhttp: {listen: %q}\ncoins:\n  btc:\n    network: regtest\n    start: genesis\n    poll_interval: 1h\n    nodes: [{rpc: %q, user: %s, password: %s}]\n",
		t.TempDir(), address, n.RPC, n.User, n.Password)
	config, err := engine.ParseConfig("coffer.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	opened, err := engine.Open(ctx, config, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 2)
	go func() { ended <- opened.Run(running) }()
	go func() { ended <- api.ServeHTTP(running, config.HTTP.Listen, api.HintHandler(opened, nil)) }()
	defer func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}()
	reached(t, opened, 5)
	for height := 6; height <= 8; height++ {
		began := time.Now()
		if _, err := n.Mine(ctx, 1); err != nil {
			t.Fatal(err)
		}
		reached(t, opened, height)
		t.Logf("block %d seen %s after it was asked for", height, time.Since(began).Round(time.Millisecond))
	}
}

// reached waits until the index stands at a height, with nothing ahead of it.
func reached(t *testing.T, opened *engine.Engine, height int) {
	t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := opened.Coin(t.Context(), "btc")
		if err != nil {
			t.Fatal(err)
		}
		if status.Tip != nil && int(status.Tip.Height) == height && status.State == engine.StateFollowing {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not at %d: %+v", height, status)
		}
	}
}
