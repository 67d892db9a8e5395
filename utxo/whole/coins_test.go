package whole_test

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
	"coffer.example/coffer/internal/simnode"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
	"coffer.example/coffer/utxo/whole"
)

// plainTx is a transaction as an oracle needs it.
type plainTx struct {
	id   string
	ins  []string // outpoints
	outs []plainOut
}

type plainOut struct {
	script string
	value  coins.Amount
}

// plainBlock is a block, with what another than our walker says is in it.
type plainBlock struct {
	id  coins.BlockID
	raw []byte
	txs []plainTx
}

// truth is what blocks come to.
type truth struct {
	unspent map[string]plainOut
	events  map[string][]string
	sum     map[string]coins.Total
}

func truthOf(blocks []plainBlock) truth {
	t := truth{map[string]plainOut{}, map[string][]string{}, map[string]coins.Total{}}
	note := func(b *plainBlock, where string, at string, out plainOut) {
		t.events[out.script] = append(t.events[out.script], fmt.Sprintf("%s %s %s %s", b.id, where, at, out.value))
	}
	for i := range blocks {
		b := &blocks[i]
		for place, tx := range b.txs {
			for n, in := range tx.ins {
				if out, there := t.unspent[in]; there {
					note(b, fmt.Sprintf("%d spent %d", place, n), in, out)
					delete(t.unspent, in)
					t.sum[out.script] = t.sum[out.script].Sub(out.value)
				}
			}
			for n, out := range tx.outs {
				if b.id.Height == 0 || coins.Unspendable([]byte(out.script)) {
					continue
				}
				at := fmt.Sprintf("%s:%d", tx.id, n)
				note(b, fmt.Sprintf("%d funded %d", place, n), at, out)
				t.unspent[at] = out
				t.sum[out.script] = t.sum[out.script].Add(out.value)
			}
		}
	}
	return t
}

// hold holds the index to the truth, for every script.
func (t truth) hold(tb *testing.T, x *whole.Index) {
	tb.Helper()
	for script, events := range t.events {
		var unspent []string
		for at, out := range t.unspent {
			if out.script == script {
				unspent = append(unspent, at+" "+out.value.String())
			}
		}
		slices.Sort(unspent)
		balance, _, err := x.Balance(tb.Context(), []byte(script))
		if err != nil || balance.Confirmed != t.sum[script] || balance.Coins != uint64(len(unspent)) {
			tb.Fatalf("script %x: balance %+v, want %s in %d: %v", script, balance, t.sum[script], len(unspent), err)
		}
		list, _, err := x.Coins(tb.Context(), []byte(script), utxo.Page{Limit: utxo.MaxPage})
		if err != nil {
			tb.Fatal(err)
		}
		var got []string
		for _, c := range list {
			got = append(got, c.OutPoint.String()+" "+c.Value.String())
			if out, found, err := x.Output(tb.Context(), c.OutPoint); err != nil || !found || string(out.Script) != script || out.PegOut != c.PegOut {
				tb.Fatalf("output %s: %+v, %v, %v", c.OutPoint, out, found, err)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, unspent) {
			tb.Fatalf("script %x: coins %v, want %v", script, got, unspent)
		}
		history, _, err := x.History(tb.Context(), []byte(script), utxo.Page{Limit: utxo.MaxPage})
		if err != nil {
			tb.Fatal(err)
		}
		got = got[:0]
		for _, e := range slices.Backward(history) {
			kind := map[utxo.EventKind]string{utxo.Funded: "funded", utxo.Spent: "spent"}[e.Kind]
			got = append(got, fmt.Sprintf("%s %d %s %d %s %s", e.Block, e.Index, kind, e.N, e.OutPoint, e.Value))
		}
		if !slices.Equal(got, events) {
			tb.Fatalf("script %x: history\n%v\nwant\n%v", script, got, events)
		}
	}
}

// recorded reads a chain as a real node gave and decoded it.
func recorded(t *testing.T, name string) (blocks []plainBlock) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(zip)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var b struct {
			Height    coins.Height
			Hash, Hex string
			Tx        []struct {
				TxID string
				Vin  []struct {
					TxID string
					Vout int
				}
				Vout []struct {
					Value  json.Number
					Script string
				}
			}
		}
		d := json.NewDecoder(strings.NewReader(lines.Text()))
		d.UseNumber()
		if err := d.Decode(&b); err != nil {
			t.Fatal(err)
		}
		plain := plainBlock{raw: unhex(t, b.Hex)}
		plain.id.Height = b.Height
		if plain.id.Hash, err = coins.ParseBlockHash(b.Hash); err != nil {
			t.Fatal(err)
		}
		for _, tx := range b.Tx {
			one := plainTx{id: tx.TxID}
			for _, in := range tx.Vin {
				one.ins = append(one.ins, fmt.Sprintf("%s:%d", in.TxID, in.Vout))
			}
			for _, out := range tx.Vout {
				value, err := coins.ParseAmount(string(out.Value))
				if err != nil {
					t.Fatal(err)
				}
				one.outs = append(one.outs, plainOut{string(unhex(t, out.Script)), value})
			}
			plain.txs = append(plain.txs, one)
		}
		blocks = append(blocks, plain)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return blocks
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *plainBlock) load(t *testing.T, coin coins.Coin) *coins.Block {
	t.Helper()
	block := &coins.Block{Raw: slices.Clone(b.raw)}
	if err := block.Load(coin.Params().Format, b.id, coins.VerifyMerkle); err != nil {
		t.Fatal(err)
	}
	return block
}

// openStore opens an index that merges often, on memkv or Badger.
func openStore(t *testing.T, coin coins.Coin, kind string) *whole.Index {
	t.Helper()
	var store utxo.Store = memkv.New(500_000)
	if kind == "badgerkv" {
		s, err := badgerkv.Open(t.TempDir(), badgerkv.Options{MemTable: whole.MemTable, Rows: whole.MaxRows})
		if err != nil {
			t.Fatal(err)
		}
		store = s
	}
	x, err := whole.Open(t.Context(), store, coin, whole.Options{Fan: 3, Recent: 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// TestRealChain takes a real Dogecoin chain forwards and backwards, and holds
// every script to the node's own decode.
func TestRealChain(t *testing.T) {
	coin, err := doge.New(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	blocks := recorded(t, "doge-regtest.jsonl.gz")
	for _, kind := range []string{"memkv", "badgerkv"} {
		t.Run(kind, func(t *testing.T) {
			x := openStore(t, coin, kind)
			var digests [][32]byte
			for i := range blocks {
				digests = append(digests, digestOf(t, x))
				if err := x.Connect(t.Context(), blocks[i].load(t, coin)); err != nil {
					t.Fatal(err)
				}
			}
			truthOf(blocks).hold(t, x)
			for i := len(blocks) - 1; i > 0; i-- {
				if err := x.Disconnect(t.Context(), blocks[i].id); err != nil {
					t.Fatal(err)
				}
				if digestOf(t, x) != digests[i] {
					t.Fatalf("disconnecting block %d does not lead back", i)
				}
				if i%40 == 0 {
					truthOf(blocks[:i]).hold(t, x)
					if err := x.Check(t.Context(), func(string, int) {}); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// TestSimulated follows a simulated chain of each coin, with its peg-outs,
// proofs and reorganisations.
func TestSimulated(t *testing.T) {
	bitcoin, err1 := btc.New(coins.Regtest)
	litecoin, err2 := ltc.New(coins.Regtest)
	dogecoin, err3 := doge.New(coins.Regtest)
	for i, coin := range []coins.Coin{bitcoin, litecoin, dogecoin} {
		if err := []error{err1, err2, err3}[i]; err != nil {
			t.Fatal(err)
		}
		t.Run(string(coin.Params().Symbol), func(t *testing.T) { simulated(t, coin) })
	}
}

func simulated(t *testing.T, coin coins.Coin) {
	chain, err := simnode.NewChain(simnode.Config{Coin: coin, Seed: 3, MWEBFrom: 10})
	if err != nil {
		t.Fatal(err)
	}
	if err := chain.Fund(20); err != nil {
		t.Fatal(err)
	}
	watched := [][]byte{testScript(0), testScript(1), testScript(9), testScript(18)}
	activity := simnode.NewActivity(chain, 5, watched...)
	x := openStore(t, coin, "memkv")
	pegOuts := 0
	for round := range 60 {
		for range 1 + round%4 {
			if _, err := activity.Step(); err != nil {
				t.Fatal(err)
			}
		}
		pull(t, chain, coin, x, round%3 != 0)
		if round%10 != 9 {
			continue
		}
		if err := x.Mempool(t.Context(), coins.MempoolChange{}); err != nil {
			t.Fatal(err)
		}
		active := activeBlocks(t, chain, coin)
		truthOf(active).hold(t, x)
		if err := x.Check(t.Context(), func(string, int) {}); err != nil {
			t.Fatal(err)
		}
		for _, script := range watched {
			list, _, err := x.Coins(t.Context(), script, utxo.Page{Limit: utxo.MaxPage})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				if c.PegOut {
					pegOuts++
				}
			}
		}
	}
	if coin.Params().Format.MWEB && pegOuts == 0 {
		t.Error("the chain had no peg-out")
	}
}

// pull leads the index to the chain's tip.
func pull(t *testing.T, chain *simnode.Chain, coin coins.Coin, x *whole.Index, more bool) {
	t.Helper()
	for {
		tip, begun, err := x.Tip(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		next := coins.Height(0)
		if begun {
			if next = tip.Height + 1; onChain(chain, tip) {
				if tip == chain.Tip() {
					return
				}
			} else if err := x.Disconnect(t.Context(), tip); err != nil {
				t.Fatal(err)
			} else {
				continue
			}
		}
		block := activeBlock(t, chain, next).load(t, coin)
		block.More = more
		if err := x.Connect(t.Context(), block); err != nil {
			t.Fatal(err)
		}
		scribble(block)
	}
}

func onChain(chain *simnode.Chain, id coins.BlockID) bool {
	active, found := chain.BlockID(id.Height)
	return found && active == id
}

func activeBlock(t *testing.T, chain *simnode.Chain, height coins.Height) *plainBlock {
	t.Helper()
	id, found := chain.BlockID(height)
	if !found {
		t.Fatalf("no block %d", height)
	}
	raw, err := chain.RawBlock(id.Hash)
	if err != nil {
		t.Fatal(err)
	}
	return &plainBlock{id: id, raw: raw}
}

func activeBlocks(t *testing.T, chain *simnode.Chain, coin coins.Coin) (blocks []plainBlock) {
	t.Helper()
	for height := coins.Height(0); height <= chain.Tip().Height; height++ {
		plain := activeBlock(t, chain, height)
		b := plain.load(t, coin)
		for i := range b.Layout.TxCount() {
			tx := plainTx{id: b.TxID(i).String()}
			for n := b.Layout.Txs[i].FirstIn; n < b.Layout.Txs[i+1].FirstIn; n++ {
				tx.ins = append(tx.ins, b.Layout.OutPoint(b.Raw, int(n)).String())
			}
			for n := b.Layout.Txs[i].FirstOut; n < b.Layout.Txs[i+1].FirstOut; n++ {
				tx.outs = append(tx.outs, plainOut{string(b.Layout.Script(b.Raw, int(n))), b.Layout.Value(b.Raw, int(n))})
			}
			plain.txs = append(plain.txs, tx)
		}
		blocks = append(blocks, *plain)
	}
	return blocks
}
