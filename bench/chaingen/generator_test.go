package chaingen_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"go.uber.org/goleak"

	"coffer.example/coffer/bench/chaingen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// full returns a generator at its first full block, and the warm-up blocks.
func full(t testing.TB, p chaingen.Params) (*chaingen.Generator, []chaingen.Block) {
	t.Helper()
	g, err := chaingen.New(p)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []chaingen.Block
	for range chaingen.WarmUp {
		blocks = append(blocks, g.Next())
	}
	return g, blocks
}

func TestBlocksAgainstBtcd(t *testing.T) {
	g, blocks := full(t, chaingen.BitcoinRegtest(7))
	for range 3 {
		blocks = append(blocks, g.Next())
	}
	coins := map[wire.OutPoint]*wire.TxOut{}
	previous := chaingen.BitcoinRegtest(7).Genesis
	for _, b := range blocks {
		block := decode(t, b)
		if block.MsgBlock().Header.PrevBlock != previous {
			t.Fatalf("block %d does not connect", b.Height)
		}
		previous = b.Hash
		checkBlock(t, b, block)
		checkSpends(t, b, block, coins)
	}
}

func decode(t *testing.T, b chaingen.Block) *btcutil.Block {
	t.Helper()
	var m wire.MsgBlock
	if err := m.Deserialize(bytes.NewReader(b.Raw)); err != nil {
		t.Fatalf("block %d: %v", b.Height, err)
	}
	var again bytes.Buffer
	if err := m.Serialize(&again); err != nil || !bytes.Equal(again.Bytes(), b.Raw) {
		t.Fatalf("block %d: btcd writes other bytes than it read (%v)", b.Height, err)
	}
	return btcutil.NewBlock(&m)
}

func checkBlock(t *testing.T, b chaingen.Block, block *btcutil.Block) {
	t.Helper()
	if *block.Hash() != b.Hash {
		t.Fatalf("block %d: hash %x, btcd %s", b.Height, b.Hash, block.Hash())
	}
	header := block.MsgBlock().Header
	if root := blockchain.CalcMerkleRoot(block.Transactions(), false); root != header.MerkleRoot {
		t.Fatalf("block %d: merkle root %s, want %s", b.Height, header.MerkleRoot, root)
	}
	if err := blockchain.ValidateWitnessCommitment(block); err != nil {
		t.Fatalf("block %d: %v", b.Height, err)
	}
	if h, err := blockchain.ExtractCoinbaseHeight(block.Transactions()[0]); err != nil || int(h) != b.Height {
		t.Fatalf("block %d: coinbase says %d, %v", b.Height, h, err)
	}
	if weight := blockchain.GetBlockWeight(block); weight > blockchain.MaxBlockWeight {
		t.Fatalf("block %d weighs %d", b.Height, weight)
	}
	if target := blockchain.CompactToBig(header.Bits); blockchain.HashToBig(block.Hash()).Cmp(target) > 0 {
		t.Fatalf("block %d does not meet its target", b.Height)
	}
}

// checkSpends runs the scripts of every input and counts what the generator says of the block.
func checkSpends(t *testing.T, b chaingen.Block, block *btcutil.Block, coins map[wire.OutPoint]*wire.TxOut) {
	t.Helper()
	inputs, outputs := 0, 0
	for i, tx := range block.Transactions() {
		if i > 0 {
			inputs += len(tx.MsgTx().TxIn)
			checkTx(t, tx.MsgTx(), coins)
		}
		outputs += len(tx.MsgTx().TxOut)
		for n, out := range tx.MsgTx().TxOut {
			coins[wire.OutPoint{Hash: *tx.Hash(), Index: uint32(n)}] = out
		}
	}
	if len(block.Transactions()) != b.Txs || inputs != b.Inputs || outputs != b.Outputs {
		t.Fatalf("block %d has %d transactions, %d inputs, %d outputs; told %d, %d, %d",
			b.Height, len(block.Transactions()), inputs, outputs, b.Txs, b.Inputs, b.Outputs)
	}
}

func checkTx(t *testing.T, tx *wire.MsgTx, coins map[wire.OutPoint]*wire.TxOut) {
	t.Helper()
	balance := int64(0)
	for n, in := range tx.TxIn {
		coin, ok := coins[in.PreviousOutPoint]
		if !ok {
			t.Fatalf("%s spends %s, which is not there", tx.TxHash(), in.PreviousOutPoint)
		}
		delete(coins, in.PreviousOutPoint)
		balance += coin.Value
		fetcher := txscript.NewCannedPrevOutputFetcher(coin.PkScript, coin.Value)
		flags := txscript.ScriptBip16 | txscript.ScriptVerifyWitness
		vm, err := txscript.NewEngine(coin.PkScript, tx, n, flags, nil, nil, coin.Value, fetcher)
		if err == nil {
			err = vm.Execute()
		}
		if err != nil {
			t.Fatalf("%s input %d: %v", tx.TxHash(), n, err)
		}
	}
	for _, out := range tx.TxOut {
		if out.Value < 0 {
			t.Fatalf("%s pays %d", tx.TxHash(), out.Value)
		}
		balance -= out.Value
	}
	if balance < 0 {
		t.Fatalf("%s makes %d out of nothing", tx.TxHash(), -balance)
	}
}

func TestSameParametersSameBytes(t *testing.T) {
	hashAt := func(seed uint64) [32]byte {
		g, _ := full(t, chaingen.BitcoinRegtest(seed, chaingen.WatchList{Seed: 1, Count: 10, Permille: 5}))
		g.Next()
		return g.Next().Hash
	}
	one, again, other := hashAt(1), hashAt(1), hashAt(2)
	if one != again {
		t.Error("the same parameters gave two chains")
	}
	if one == other {
		t.Error("two seeds gave one chain")
	}
}

func TestShapeOfFullBlocks(t *testing.T) {
	const count = 40
	g, _ := full(t, chaingen.BitcoinRegtest(3))
	var size, txs, inputs, outputs int
	for range count {
		b := g.Next()
		size, txs, inputs, outputs = size+len(b.Raw), txs+b.Txs, inputs+b.Inputs, outputs+b.Outputs
	}
	for _, c := range []struct {
		what      string
		got, want int
	}{{"bytes", size, 1_138_000}, {"transactions", txs, 3213}, {"inputs", inputs, 5136}, {"outputs", outputs, 10308}} {
		mean := float64(c.got) / count
		if math.Abs(mean/float64(c.want)-1) > 0.05 {
			t.Errorf("%.0f %s a block, want %d within 5 %%", mean, c.what, c.want)
		}
		t.Logf("%.0f %s a block", mean, c.what)
	}
}

func TestWatchListsGetTheirShare(t *testing.T) {
	lists := []chaingen.WatchList{{Seed: 1, Count: 50, Permille: 1}, {Seed: 2, Count: 50, Permille: 9}, {Seed: 3, Count: 50, Permille: 90}}
	g, _ := full(t, chaingen.BitcoinRegtest(5, lists...))
	list := map[string]int{}
	for i, w := range lists {
		for n := range w.Count {
			list[string(chaingen.WatchScript(w.Seed, n))] = i
		}
	}
	if len(list) != 150 {
		t.Fatalf("%d distinct scripts, want 150", len(list))
	}
	var found [3]int
	outputs, told, spends := 0, 0, 0
	for range 25 {
		b := g.Next()
		told, spends = told+b.WatchedOut, spends+b.WatchedIn
		for _, tx := range decode(t, b).MsgBlock().Transactions {
			for _, out := range tx.TxOut {
				outputs++
				if i, ok := list[string(out.PkScript)]; ok {
					found[i]++
				}
			}
		}
	}
	if sum := found[0] + found[1] + found[2]; sum != told {
		t.Errorf("%d outputs to the lists, told %d", sum, told)
	}
	if spends == 0 {
		t.Error("no watched output is ever spent")
	}
	for i, w := range lists {
		if share := float64(found[i]) / float64(outputs) * 1000; math.Abs(share/float64(w.Permille)-1) > 0.2 {
			t.Errorf("list %d gets %.2f per mille, want %d", i, share, w.Permille)
		}
	}
}

// The lists are named in benchmarks and their figures: a change of what they pay to must be seen.
func TestWatchScriptGolden(t *testing.T) {
	if len(goldenScripts()) != 8 {
		t.Fatal("one golden script for each type is wanted")
	}
	for i, want := range goldenScripts() {
		if got := hex.EncodeToString(chaingen.WatchScript(1, i)); got != want {
			t.Errorf("WatchScript(1, %d) = %s, want %s", i, got, want)
		}
	}
}

func TestBadParams(t *testing.T) {
	for name, p := range map[string]chaingen.Params{
		"transactions": {Txs: 100_000},
		"work":         {Work: 9},
		"empty list":   {Watch: []chaingen.WatchList{{Permille: 1}}},
		"too much":     {Watch: []chaingen.WatchList{{Count: 1, Permille: 600}, {Count: 1, Permille: 600}}},
	} {
		if _, err := chaingen.New(p); !errors.Is(err, chaingen.ErrParams) {
			t.Errorf("%s: %v, want ErrParams", name, err)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	g, _ := full(b, chaingen.BitcoinRegtest(1))
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(g.Next().Raw)))
	}
}
