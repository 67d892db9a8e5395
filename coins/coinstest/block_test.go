package coinstest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/coinstest"
	"coffer.example/coffer/coins/ltc"
)

// recorder takes what a check complains about.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

// complaints runs CheckBlock and returns what it said.
func complaints(t *testing.T, c coins.Coin, block *coinstest.Block) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		coinstest.CheckBlock(r, c, new(coins.Block), block)
	}()
	<-done
	return strings.Join(r.said, "\n")
}

// TestCheckBlockNotices changes each thing that a node says of a block.
func TestCheckBlockNotices(t *testing.T) {
	c, err := ltc.New(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*coinstest.Block){
		"":                     func(*coinstest.Block) {},
		"got":                  func(b *coinstest.Block) { b.Hash[0]++ },
		"transactions, node":   func(b *coinstest.Block) { b.Txs = b.Txs[1:] },
		"transaction 1 is":     func(b *coinstest.Block) { b.Txs[1].ID[3]++ },
		"is a coinbase's":      func(b *coinstest.Block) { b.Txs[0].Ins[0].Coinbase = "" },
		"input 1 spends":       func(b *coinstest.Block) { b.Txs[1].Ins[0].Vout++ },
		"value":                func(b *coinstest.Block) { b.Txs[0].Outs[0].Value++ },
		"script 0014":          func(b *coinstest.Block) { b.Txs[0].Outs[0].Script = "51" },
		"is nulldata":          func(b *coinstest.Block) { b.Txs[0].Outs[1].Type = coins.NonStandard },
		"has address":          func(b *coinstest.Block) { b.Txs[0].Outs[0].Addresses[0] = "rltc1" },
		"outputs, node says":   func(b *coinstest.Block) { b.Txs[0].Outs = b.Txs[0].Outs[:1] },
		"has a HogEx":          func(b *coinstest.Block) { b.Txs[len(b.Txs)-1].Outs[0].Type = coins.PegIn },
		"bytes end early":      func(b *coinstest.Block) { b.Hex = b.Hex[:400] },
		"invalid byte: U+0078": func(b *coinstest.Block) { b.Hex = "xx" },
	} {
		block := hogExBlock(t)
		change(block)
		said := complaints(t, c, block)
		if (name == "") != (said == "") || !strings.Contains(said, name) {
			t.Errorf("%q: the check said %q", name, said)
		}
	}
}

// hogExBlock returns a recorded block with a HogEx, decoded afresh.
func hogExBlock(t *testing.T) *coinstest.Block {
	t.Helper()
	for block, err := range coinstest.ReadFixture("../testdata/ltc-regtest-mweb.jsonl.gz") {
		if err != nil {
			t.Fatal(err)
		}
		if len(block.Txs) > 2 && block.Txs[len(block.Txs)-1].Outs[0].Type == coins.HogAddr {
			return block
		}
	}
	t.Fatal("no block with a HogEx and another transaction")
	return nil
}

func TestReadFixtureReports(t *testing.T) {
	for _, path := range []string{"no such file", "block_test.go"} {
		failed := false
		for _, err := range coinstest.ReadFixture(path) {
			failed = failed || err != nil
		}
		if !failed {
			t.Errorf("%s was read", path)
		}
	}
}
