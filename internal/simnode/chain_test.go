package simnode

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	btcwire "github.com/btcsuite/btcd/wire/v2"
	ltcwire "github.com/ltcsuite/ltcd/wire"
	"go.uber.org/goleak"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testCoins are the three coins on regtest.
func testCoins(tb testing.TB) map[string]coins.Coin {
	tb.Helper()
	found := make(map[string]coins.Coin)
	for name, open := range map[string]func(coins.Network) (coins.Coin, error){"btc": btc.New, "ltc": ltc.New, "doge": doge.New} {
		coin, err := open(coins.Regtest)
		if err != nil {
			tb.Fatal(err)
		}
		found[name] = coin
	}
	return found
}

func eachCoin(t *testing.T, test func(t *testing.T, coin coins.Coin)) {
	for name, coin := range testCoins(t) {
		t.Run(name, func(t *testing.T) { test(t, coin) })
	}
}

func newChain(tb testing.TB, config Config) *Chain {
	tb.Helper()
	c, err := NewChain(config)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// ready returns a chain with coins of its own to spend.
func ready(tb testing.TB, coin coins.Coin, seed uint64) *Chain {
	tb.Helper()
	c := newChain(tb, Config{Coin: coin, Seed: seed, MWEBFrom: 105})
	must(tb, c.Fund(10))
	return c
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func got[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		must(tb, err)
		return v
	}
}

// checkChain holds every block to the coin's walker and the Go decoders, and
// the coin set to one that is built from nothing.
func checkChain(tb testing.TB, c *Chain) {
	tb.Helper()
	for h := coins.Height(0); h <= c.Tip().Height; h++ {
		id, _ := c.BlockID(h)
		raw := got(c.RawBlock(id.Hash))(tb)
		var b coins.Block
		b.Raw = raw
		must(tb, b.Load(c.params.Format, id, coins.VerifyMerkle))
		if h > 0 && !c.params.Format.AuxPoW && !b.Header.MeetsTarget() {
			tb.Fatalf("block %s misses its target", id)
		}
		decodeElsewhere(tb, c, &b)
	}
	other := newChain(tb, c.config)
	for h := coins.Height(1); h <= c.Tip().Height; h++ {
		id, _ := c.BlockID(h)
		must(tb, other.Submit(got(c.RawBlock(id.Hash))(tb)))
	}
	a, b := c.UTXOs(), other.UTXOs()
	if len(a) != len(b) {
		tb.Fatalf("%d coins, %d when built from nothing", len(a), len(b))
	}
	for i := range a {
		if a[i].OutPoint != b[i].OutPoint || a[i].Value != b[i].Value || a[i].Height != b[i].Height || a[i].PegOut != b[i].PegOut {
			tb.Fatalf("coin %d: %+v, %+v when built from nothing", i, a[i], b[i])
		}
	}
}

// decodeElsewhere compares a block with what btcd or ltcd reads.
func decodeElsewhere(tb testing.TB, c *Chain, b *coins.Block) {
	tb.Helper()
	var ids []coins.TxID
	if c.params.Format.MWEB {
		var m ltcwire.MsgBlock
		must(tb, m.Deserialize(bytes.NewReader(b.Raw)))
		for _, tx := range m.Transactions {
			ids = append(ids, coins.TxID(tx.TxHash()))
		}
	} else {
		body := len(b.Raw)
		if b.Layout.TxCount() > 0 {
			body = int(b.Layout.Txs[0].Start) - len(appendSize(nil, b.Layout.TxCount()))
		}
		plain := append(bytes.Clone(b.Raw[:coins.HeaderSize]), b.Raw[body:]...)
		var m btcwire.MsgBlock
		must(tb, m.Deserialize(bytes.NewReader(plain)))
		for _, tx := range m.Transactions {
			ids = append(ids, coins.TxID(tx.TxHash()))
		}
	}
	if len(ids) != b.Layout.TxCount() {
		tb.Fatalf("block %s: %d transactions, %d elsewhere", b.ID, b.Layout.TxCount(), len(ids))
	}
	for i, id := range ids {
		if b.TxID(i) != id {
			tb.Fatalf("block %s transaction %d: %s, %s elsewhere", b.ID, i, b.TxID(i), id)
		}
	}
}

func TestGenesis(t *testing.T) {
	eachCoin(t, func(t *testing.T, coin coins.Coin) {
		c := newChain(t, Config{Coin: coin})
		if c.Tip().Hash != coin.Params().Chain.Genesis {
			t.Fatal(c.Tip())
		}
		checkChain(t, c)
	})
}

func TestOnlyRegtest(t *testing.T) {
	coin, err := btc.New(coins.Main)
	must(t, err)
	if _, err := NewChain(Config{Coin: coin}); !errors.Is(err, ErrNetwork) {
		t.Fatal(err)
	}
}

func TestContents(t *testing.T) {
	eachCoin(t, func(t *testing.T, coin coins.Coin) {
		c := ready(t, coin, 1)
		rng := rand.New(rand.NewPCG(1, 1))
		watched := AnyScript(rng, coin.Params().Format)
		chained := RandomScript(rng, P2PKH)
		got(c.Mine(1,
			Pay(watched, 5*coins.Unit), ChainOf(5, chained, coins.Unit), FanOut(100, 20_000), Data([]byte("hello"))))(t)
		got(c.Mine(1, CoinbaseTo(chained), At(time.Unix(1_900_000_000, 0))))(t)
		if coins := c.UTXOs(watched); len(coins) != 1 {
			t.Fatal(coins)
		}
		if n := len(c.UTXOs(chained)); n != 6 {
			t.Fatal(n, "coins to the chained script, want 5 and a coinbase")
		}
		spent := c.UTXOs(watched)[0]
		got(c.Mine(1, Spend(TxSpec{Inputs: []coins.OutPoint{spent.OutPoint}})))(t)
		if len(c.UTXOs(watched)) != 0 {
			t.Fatal("spent coin is still there")
		}
		if _, err := c.Mine(1, Spend(TxSpec{Inputs: []coins.OutPoint{spent.OutPoint}})); err == nil {
			t.Fatal("spent twice")
		}
		checkChain(t, c)
	})
}

func TestMWEB(t *testing.T) {
	coin := testCoins(t)["ltc"]
	c := ready(t, coin, 3)
	script := RandomScript(rand.New(rand.NewPCG(5, 5)), P2WPKH)
	if _, err := c.Mine(1, PegOut(script, coins.Unit)); !errors.Is(err, ErrNoMWEB) {
		t.Fatal(err)
	}
	got(c.Mine(1, PegIn(20*coins.Unit)))(t)
	got(c.SendPegIn(3 * coins.Unit))(t)
	got(c.SendMWEB())(t)
	got(c.Mine(2))(t)
	if len(c.Mempool()) != 0 {
		t.Fatal("MWEB transactions were not mined")
	}
	got(c.Mine(1, PegOut(script, 2*coins.Unit), PegOut(script, coins.Unit)))(t)
	paid := c.UTXOs(script)
	if len(paid) != 2 || !paid[0].PegOut {
		t.Fatal(paid)
	}
	if _, err := c.NewTx(TxSpec{Inputs: []coins.OutPoint{paid[0].OutPoint}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(TxSpec{Inputs: []coins.OutPoint{paid[0].OutPoint}}); err == nil {
		t.Fatal("a peg-out was spent before it was mature")
	}
	if c.tip().hog.value != 20*coins.Unit {
		t.Fatal(c.tip().hog.value)
	}
	got(c.Mine(6))(t)
	got(c.Send(TxSpec{Inputs: []coins.OutPoint{paid[0].OutPoint}}))(t)
	checkChain(t, c)
	got(c.Reorg(8, 9))(t)
	if len(c.UTXOs(script)) != 0 {
		t.Fatal("a HogEx came back")
	}
	checkChain(t, c)
}

func TestAuxPoW(t *testing.T) {
	c := newChain(t, Config{Coin: testCoins(t)["doge"], Seed: 9})
	got(c.Mine(200))(t)
	merged := 0
	for h := range coins.Height(200) {
		id, _ := c.BlockID(h)
		raw := got(c.RawBlock(id.Hash))(t)
		header := coins.RawHeader(raw[:coins.HeaderSize])
		if !header.HasProof() {
			continue
		}
		merged++
		if h < c.params.Chain.AuxPoWFrom {
			t.Fatal("merge-mined at", h)
		}
		proof := got(coins.ParseProof(raw[coins.HeaderSize:]))(t)
		must(t, proof.Check(id.Hash))
	}
	if merged < 50 || merged > 130 {
		t.Fatal(merged, "merge-mined blocks")
	}
	checkChain(t, c)
}
