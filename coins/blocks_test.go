package coins_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/coinstest"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
	"coffer.example/coffer/internal/need"
)

// rawBlock is a block's bytes with where they come from.
type rawBlock struct {
	name string
	raw  []byte
}

func (b *rawBlock) id() coins.BlockID {
	header := coins.RawHeader(b.raw[:coins.HeaderSize])
	return coins.BlockID{Hash: header.Hash()}
}

// formats of the coins on their main networks.
func formatOf(tb testing.TB, build func(coins.Network) (coins.Coin, error)) coins.Format {
	tb.Helper()
	c, err := build(coins.Main)
	if err != nil {
		tb.Fatal(err)
	}
	return c.Params().Format
}

// fixtures returns published blocks that are not part of this repository, or
// skips: they lie in shared/fixtures beside it, or where COFFER_FIXTURES says.
func fixtures(tb testing.TB, pattern string) []rawBlock {
	tb.Helper()
	folder := os.Getenv("COFFER_FIXTURES")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "fixtures")
	}
	// Others published these blocks and nothing can install them: a checkout on its own skips, in CI too.
	if paths, _ := filepath.Glob(filepath.Join(folder, "real", pattern)); len(paths) == 0 {
		tb.Skip("no published blocks like ", pattern, ": put them into shared/fixtures/real beside the repository, or name that folder's parent in COFFER_FIXTURES")
	}
	return read(tb, filepath.Join(folder, "real", pattern), "put published blocks into shared/fixtures/real beside the repository, or name that folder's parent in COFFER_FIXTURES")
}

// moduleBlocks returns the blocks that a module brings as test data.
func moduleBlocks(tb testing.TB, module, pattern string) []rawBlock {
	tb.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		missing(tb, "go list -m "+module+": run go mod download")
	}
	return read(tb, filepath.Join(strings.TrimSpace(string(out)), pattern), "run go mod download "+module)
}

func read(tb testing.TB, pattern, remedy string) (blocks []rawBlock) {
	tb.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		tb.Fatal(err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		blocks = append(blocks, rawBlock{filepath.Base(path), raw})
	}
	if len(blocks) == 0 {
		missing(tb, "no blocks like "+filepath.Base(pattern)+": "+remedy)
	}
	return blocks
}

func missing(tb testing.TB, reason string) {
	tb.Helper()
	need.Missing(tb, "%s", reason)
}

func bitcoinBlocks(tb testing.TB) []rawBlock {
	tb.Helper()
	return moduleBlocks(tb, "github.com/btcsuite/btcd/wire/v2", "testdata/block-*.blk")
}

func litecoinBlocks(tb testing.TB) []rawBlock {
	tb.Helper()
	return moduleBlocks(tb, "github.com/ltcsuite/ltcd", "wire/testdata/testnet4Block*.dat")
}

// recorded returns the blocks of a chain that a node recorded for this project.
func recorded(tb testing.TB, name string) (blocks []rawBlock) {
	tb.Helper()
	for block, err := range coinstest.ReadFixture(filepath.Join("testdata", name)) {
		var raw []byte
		if err == nil {
			raw, err = block.Raw()
		}
		if err != nil {
			tb.Fatal(err)
		}
		blocks = append(blocks, rawBlock{name + " " + block.Hash.String(), raw})
	}
	return blocks
}

const (
	dogeChain = "doge-regtest.jsonl.gz"
	ltcChain  = "ltc-regtest-mweb.jsonl.gz"
)

// damaged is a block of every kind for the tests that break it.
type damaged struct {
	rawBlock
	format coins.Format
}

// smallBlocks returns one small block of every kind that this repository has:
// plain, merge-mined, with witnesses, with a HogEx and MWEB data.
func smallBlocks(tb testing.TB) (blocks []damaged) {
	tb.Helper()
	dogeFormat, ltcFormat := formatOf(tb, doge.New), formatOf(tb, ltc.New)
	chain := recorded(tb, dogeChain)
	for _, height := range []int{0, 110, 131, 134, 138} {
		blocks = append(blocks, damaged{chain[height], dogeFormat})
	}
	for _, b := range recorded(tb, ltcChain) {
		blocks = append(blocks, damaged{b, ltcFormat})
	}
	btcFormat := formatOf(tb, btc.New)
	return append(blocks, damaged{recorded(tb, ltcChain)[0], btcFormat})
}

// load checks a block to its merkle root.
func load(raw []byte, format coins.Format, id coins.BlockID) (*coins.Block, error) {
	b := &coins.Block{Raw: raw}
	return b, b.Load(format, id, coins.VerifyMerkle)
}

// known reports whether an error is one that the walker documents.
func known(err error) bool {
	for _, sentinel := range []error{coins.ErrTruncated, coins.ErrMalformed, coins.ErrTrailing, coins.ErrBlockHash, coins.ErrProof, coins.ErrMerkleRoot} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}
