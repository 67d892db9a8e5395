package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coffer.example/coffer/internal/testnodes"
)

// The nodes, their configuration and the scripts' way to call them; the daemon is not built here.
func TestNodesAndCalls(t *testing.T) {
	testnodes.Require(t, testnodes.BTC)
	testnodes.Require(t, testnodes.LTC)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	dir := filepath.Join(t.TempDir(), "play")
	var out bytes.Buffer
	if err := claim(dir); err != nil {
		t.Fatal(err)
	}
	nodes, err := startNodes(ctx, dir, &out)
	t.Cleanup(func() {
		for _, n := range nodes {
			if err := n.Stop(); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := describe(dir, nodes); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(dir, "coffer.yaml"))
	if err != nil || !strings.Contains(string(config), nodes[0].RPC) || !strings.Contains(string(config), nodes[1].P2P) {
		t.Fatalf("coffer.yaml lacks the nodes: %v\n%s", err, config)
	}
	out.Reset()
	if err := run(ctx, []string{callCommand, filepath.Join(dir, "ltc.node"), "getblockcount"}, &out); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got != "432" {
		t.Fatalf("litecoind is at %s, want 432: MWEB has begun", got)
	}
	out.Reset()
	if err := run(ctx, []string{callCommand, filepath.Join(dir, "btc.node"), "getblockhash", "0"}, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "0f9188f1") {
		t.Fatalf("genesis %s", got)
	}
}

func TestDaemonThatDies(t *testing.T) {
	dir := t.TempDir()
	_, err := startDaemon(t.Context(), dir, "/bin/false")
	if !errors.Is(err, errDaemon) {
		t.Fatalf("got %v, want errDaemon", err)
	}
}

func TestForeignFolderIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"-dir", dir, "-coffer", "x"}, os.Stderr)
	if !errors.Is(err, errForeign) {
		t.Fatalf("got %v, want errForeign", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Fatal(err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"-dir", "x"}, {callCommand}} {
		if err := run(t.Context(), args, os.Stderr); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v, want errUsage", args, err)
		}
	}
}
