package utxo_test

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
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// nodeBlock is a block as a real node gave and decoded it.
type nodeBlock struct {
	Height coins.Height `json:"height"`
	Hash   string       `json:"hash"`
	Hex    string       `json:"hex"`
	Tx     []nodeTx     `json:"tx"`
}

type nodeTx struct {
	TxID string `json:"txid"`
	Vin  []struct {
		TxID string `json:"txid"`
		Vout int    `json:"vout"`
	} `json:"vin"`
	Vout []struct {
		N      int         `json:"n"`
		Value  json.Number `json:"value"`
		Script string      `json:"script"`
	} `json:"vout"`
}

func readFixture(t *testing.T, name string) (blocks []nodeBlock) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
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
		var b nodeBlock
		d := json.NewDecoder(strings.NewReader(lines.Text()))
		d.UseNumber()
		if err := d.Decode(&b); err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, b)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return blocks
}

func (b *nodeBlock) load(t *testing.T, coin coins.Coin) *coins.Block {
	t.Helper()
	raw, err := hex.DecodeString(b.Hex)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := coins.ParseBlockHash(b.Hash)
	if err != nil {
		t.Fatal(err)
	}
	block := &coins.Block{Raw: raw}
	if err := block.Load(coin.Params().Format, coins.BlockID{Height: b.Height, Hash: hash}, coins.VerifyMerkle); err != nil {
		t.Fatal(err)
	}
	return block
}

// nodeCoins is what the node's own decode leaves unspent of every script.
func nodeCoins(t *testing.T, blocks []nodeBlock) (coinsOf map[string]string, scripts map[string]bool) {
	t.Helper()
	coinsOf, scripts = map[string]string{}, map[string]bool{}
	for _, b := range blocks {
		for _, tx := range b.Tx {
			for _, in := range tx.Vin {
				delete(coinsOf, fmt.Sprintf("%s:%d", in.TxID, in.Vout))
			}
			for _, out := range tx.Vout {
				script, err := hex.DecodeString(out.Script)
				if err != nil {
					t.Fatal(err)
				}
				if b.Height == 0 || len(script) == 0 || coins.Unspendable(script) {
					continue
				}
				value, err := coins.ParseAmount(string(out.Value))
				if err != nil {
					t.Fatal(err)
				}
				scripts[string(script)] = true
				coinsOf[fmt.Sprintf("%s:%d", tx.TxID, out.N)] = fmt.Sprintf("%d %s at %d", int64(value), out.Script, b.Height)
			}
		}
	}
	return coinsOf, scripts
}

// TestRealChains watches every script of real Dogecoin and Litecoin chains and
// compares every coin with the nodes' own decode, forwards and backwards.
func TestRealChains(t *testing.T) {
	dogecoin, err := doge.New(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	litecoin, err := ltc.New(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		coin coins.Coin
	}{{"doge-regtest.jsonl.gz", dogecoin}, {"ltc-regtest-mweb.jsonl.gz", litecoin}} {
		for _, store := range []string{"memkv", "badgerkv"} {
			t.Run(c.name+" "+store, func(t *testing.T) { realChain(t, c.coin, readFixture(t, c.name), store) })
		}
	}
}

func realChain(t *testing.T, coin coins.Coin, blocks []nodeBlock, kind string) {
	var store utxo.Store = memkv.New(testRows)
	if kind == "badgerkv" {
		s, err := badgerkv.Open(t.TempDir(), badgerkv.Options{})
		if err != nil {
			t.Fatal(err)
		}
		store = s
	}
	x, err := utxo.Open(t.Context(), store, coin, utxo.Options{Start: blocks[0].Height, MaxReorg: 1000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	_, scripts := nodeCoins(t, blocks)
	if len(scripts) == 0 {
		t.Fatal("the chain pays no script")
	}
	var specs []utxo.WatchSpec
	for s := range scripts {
		specs = append(specs, utxo.WatchSpec{Script: []byte(s)})
	}
	if _, err := x.Watch(t.Context(), specs, nil); err != nil {
		t.Fatal(err)
	}
	var digests [][32]byte
	for i := range blocks {
		digests = append(digests, digest(t, x))
		if err := x.Connect(t.Context(), blocks[i].load(t, coin)); err != nil {
			t.Fatal(err)
		}
	}
	compareWithNode(t, x, blocks)
	for i := range slices.Backward(blocks) {
		tip, _, err := x.Tip(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Disconnect(t.Context(), tip); err != nil {
			t.Fatal(err)
		}
		if digest(t, x) != digests[i] {
			t.Fatalf("disconnecting block %d does not lead back", tip.Height)
		}
		if i%50 == 0 {
			compareWithNode(t, x, blocks[:i])
		}
	}
}

func digest(t *testing.T, x *utxo.Index) [32]byte {
	t.Helper()
	d, err := x.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func compareWithNode(t *testing.T, x *utxo.Index, blocks []nodeBlock) {
	t.Helper()
	if err := x.Check(t.Context(), func(string, int) {}); err != nil {
		t.Fatal(err)
	}
	want, _ := nodeCoins(t, blocks)
	list, next, err := x.Coins(t.Context(), utxo.CoinQuery{Page: utxo.Page{Limit: utxo.MaxPage}})
	if err != nil || next != "" {
		t.Fatal(err, next)
	}
	sum := coins.Total{}
	for _, c := range list {
		got := fmt.Sprintf("%d %x at %d", int64(c.Value), c.Script, c.Block.Height)
		if want[c.OutPoint.String()] != got {
			t.Fatalf("coin %s is %s, the node has %q", c.OutPoint, got, want[c.OutPoint.String()])
		}
		sum = sum.Add(c.Value)
	}
	total, err := x.TotalBalance(t.Context())
	if err != nil || total.Confirmed != sum || len(list) != len(want) || total.Coins != uint64(len(want)) {
		t.Fatalf("%d coins of %d, total %+v: %v", len(list), len(want), total, err)
	}
}
