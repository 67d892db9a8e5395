package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coffer.example/coffer/bench/chaingen"
	"coffer.example/coffer/internal/testnodes"
)

func TestToFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chain")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-out", path, "-blocks", "2", "-txs", "50"}, &out); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	count := 0
	for _, err := range chaingen.ReadBlocks(file) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count != chaingen.WarmUp+2 || !strings.Contains(out.String(), "112 blocks") {
		t.Fatalf("%d blocks in the file, and said: %s", count, &out)
	}
}

// A data folder keeps its chain, and a second run makes it longer.
func TestOwnNodeContinues(t *testing.T) {
	testnodes.Require(t, testnodes.BTC)
	dir := t.TempDir()
	for _, blocks := range []string{"1", "3"} {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"-start", "-datadir", dir, "-blocks", blocks, "-txs", "50"}, &out); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
	}
	n := testnodes.StartTB(t.Context(), t, testnodes.Options{Coin: testnodes.BTC, DataDir: dir, NoWallet: true})
	if h, err := n.Height(t.Context()); err != nil || h != chaingen.WarmUp+3+1 {
		t.Fatalf("height %d, %v; want %d", h, err, chaingen.WarmUp+3+1)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"-start", "-out", "x"},
		{"-start", "-blocks", "0"},
		{"-start", "-coin", "doge"},
		{"-start", "-watch", "1:2"},
		{"-nosuchflag"},
		{"-start", "extra"},
	} {
		if err := run(t.Context(), args, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v, want a usage error", args, err)
		}
	}
}
