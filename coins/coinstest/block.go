package coinstest

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"testing"

	"coffer.example/coffer/coins"
)

// Block is a block as a node sent and decoded it.
type Block struct {
	Height coins.Height    `json:"height"`
	Hash   coins.BlockHash `json:"hash"`
	Hex    string          `json:"hex"`
	Txs    []Tx            `json:"tx"`
}

// Tx is a transaction as a node decoded it.
type Tx struct {
	ID   coins.TxID `json:"txid"`
	Ins  []In       `json:"vin"`
	Outs []Out      `json:"vout"`
}

// In is an input: of a coinbase, of an output, or within MWEB.
type In struct {
	Coinbase string     `json:"coinbase"`
	TxID     coins.TxID `json:"txid"`
	Vout     uint32     `json:"vout"`
	MWEB     bool       `json:"ismweb"`
}

// Out is an output, or one within MWEB.
type Out struct {
	Value     coins.Amount     `json:"value"`
	Script    string           `json:"script"`
	Type      coins.ScriptType `json:"type"`
	Addresses []string         `json:"addresses"`
	MWEB      bool             `json:"ismweb"`
}

// Raw returns the block's bytes.
func (b *Block) Raw() ([]byte, error) { return hex.DecodeString(b.Hex) }

// ReadFixture yields the recorded blocks of a file in order. It ends with an
// error where the file cannot be read.
func ReadFixture(path string) iter.Seq2[*Block, error] {
	return func(yield func(*Block, error) bool) {
		if err := readFixture(path, yield); err != nil {
			yield(nil, fmt.Errorf("fixture: %w", err))
		}
	}
}

func readFixture(path string, yield func(*Block, error) bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	lines := json.NewDecoder(unzipped)
	for {
		block := new(Block)
		err := lines.Decode(block)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if !yield(block, nil) {
			return nil
		}
	}
}

func checkFixture(t *testing.T, c coins.Coin, path string) {
	var loaded coins.Block
	var tip coins.BlockHash
	blocks := 0
	for block, err := range ReadFixture(path) {
		if err != nil {
			t.Fatal(err)
		}
		if CheckBlock(t, c, &loaded, block); t.Failed() {
			t.Fatalf("block %d differs from the node's", block.Height)
		}
		if blocks > 0 && loaded.Header.Prev() != tip {
			t.Errorf("block %d does not follow %s", block.Height, tip)
		}
		tip = block.Hash
		blocks++
	}
	if blocks == 0 {
		t.Errorf("%s holds no blocks", path)
	}
}

// CheckBlock loads a block and compares all of it with what a node made of it.
func CheckBlock(t testing.TB, c coins.Coin, into *coins.Block, want *Block) {
	t.Helper()
	raw, err := want.Raw()
	if err != nil {
		t.Fatalf("block %d: %v", want.Height, err)
	}
	into.Raw = raw
	id := coins.BlockID{Height: want.Height, Hash: want.Hash}
	if err := into.Load(c.Params().Format, id, coins.VerifyMerkle); err != nil {
		t.Fatal(err)
	}
	if got := into.Layout.TxCount(); got != len(want.Txs) {
		t.Fatalf("block %d has %d transactions, node says %d", want.Height, got, len(want.Txs))
	}
	compared := comparison{t, c, into}
	in, out, hogEx := 0, 0, false
	for i, tx := range want.Txs {
		if got := into.TxID(i); got != tx.ID {
			t.Errorf("transaction %d is %s, node says %s", i, got, tx.ID)
		}
		in = compared.ins(i, in, tx.Ins)
		if len(tx.Outs) > 0 {
			hogEx = i > 0 && tx.Outs[0].Type == coins.HogAddr
		}
		for _, o := range tx.Outs {
			if o.MWEB {
				continue
			}
			compared.out(i, out, o)
			if pegOut := hogEx && out > int(into.Layout.Txs[i].FirstOut); into.Layout.PegOut(out) != pegOut {
				t.Errorf("output %d is a peg-out: %t", out, pegOut)
			}
			out++
		}
	}
	if in != len(into.Layout.Ins) || out != len(into.Layout.Outs) {
		t.Errorf("block %d has %d inputs and %d outputs, node says %d and %d", want.Height, len(into.Layout.Ins), len(into.Layout.Outs), in, out)
	}
	if into.Layout.HogEx != hogEx {
		t.Errorf("block %d has a HogEx: %t, node says %t", want.Height, into.Layout.HogEx, hogEx)
	}
}

// comparison is of a loaded block with what a node made of it.
type comparison struct {
	t     testing.TB
	coin  coins.Coin
	block *coins.Block
}

// ins compares the inputs of transaction tx, the block's from first on, and
// returns the number behind them.
func (k comparison) ins(tx, first int, ins []In) (next int) {
	t, b := k.t, k.block
	t.Helper()
	for _, want := range ins {
		if want.MWEB {
			continue
		}
		got := b.Layout.OutPoint(b.Raw, first)
		if coinbase := want.Coinbase != ""; got.IsCoinbase() != coinbase {
			t.Errorf("input %d: %s is a coinbase's: %t", first, got, coinbase)
		} else if !coinbase && got != (coins.OutPoint{TxID: want.TxID, Vout: want.Vout}) {
			t.Errorf("input %d spends %s, node says %s:%d", first, got, want.TxID, want.Vout)
		}
		if of := b.Layout.TxOfIn(first); of != tx {
			t.Errorf("input %d is transaction %d's, want %d", first, of, tx)
		}
		first++
	}
	return first
}

// out compares the block's output n, which transaction tx has.
func (k comparison) out(tx, n int, want Out) {
	t, b := k.t, k.block
	t.Helper()
	script := b.Layout.Script(b.Raw, n)
	if expected, err := hex.DecodeString(want.Script); err != nil || !bytes.Equal(script, expected) {
		t.Errorf("output %d: script %x, node says %s", n, script, want.Script)
	}
	if got := b.Layout.Value(b.Raw, n); got != want.Value {
		t.Errorf("output %d: value %s, node says %s", n, got, want.Value)
	}
	if of := b.Layout.TxOfOut(n); of != tx {
		t.Errorf("output %d is transaction %d's, want %d", n, of, tx)
	}
	if coinbase := b.Layout.Coinbase(n); coinbase != (tx == 0) {
		t.Errorf("output %d is a coinbase's: %t", n, coinbase)
	}
	checkScript(t, k.coin, script, want.Type, want.Addresses)
}

// checkScript compares type and address with a node's. Older nodes name the
// addresses that a public key would have; here only scripts that an address
// stands for have one.
func checkScript(t testing.TB, c coins.Coin, script []byte, kind coins.ScriptType, addresses []string) {
	t.Helper()
	if got := c.Type(script); got != kind {
		t.Errorf("script %x is %s, node says %s", script, got, kind)
	}
	want := ""
	if len(addresses) == 1 && kind != coins.PubKey && kind != coins.Multisig {
		want = addresses[0]
	}
	if got, _ := c.Address(script); got != want {
		t.Errorf("script %x has address %q, node says %q", script, got, want)
	}
	if want != "" {
		if got, err := c.Script(want); err != nil || !bytes.Equal(got, script) {
			t.Errorf("%s stands for %x (%v), node says %x", want, got, err, script)
		}
	}
}
