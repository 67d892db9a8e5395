package simnode

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"coffer.example/coffer/coins"
)

// Config describes a chain to make. Coin is required.
type Config struct {
	// Coin is the coin, on regtest.
	Coin coins.Coin
	// Seed decides all that is random. The same seed and the same calls make
	// the same chain, byte for byte.
	Seed uint64
	// Start is the time of block 1; zero stands for one interval after the
	// genesis block. Each further block comes one interval later.
	Start time.Time
	// Now, where given, is the time of what is mined and broadcast; Start is
	// then without effect. Chains that are to be the same leave it nil.
	Now func() time.Time
	// TrueWork grinds scrypt on the coins that use it, so that real nodes take
	// the blocks: milliseconds a block. Without it the double SHA-256 of each
	// header meets its target.
	TrueWork bool
	// MWEBFrom is the first height that may have a HogEx; 0 stands for 432, as
	// on Litecoin's regtest. Blocks have one from the first peg-in on.
	MWEBFrom coins.Height
	// AuxPoWShare is how many of 100 blocks are merge-mined where the coin
	// allows it; 0 stands for 50, and a negative value for none.
	AuxPoWShare int
}

// Limits of a simulated chain.
const (
	regtestBits = 0x207fffff
	mwebRegtest = 432
)

// Chain is a tree of real blocks with a coin set, a mempool and a wallet of
// its own that anyone could spend from. It is safe for concurrent use.
type Chain struct {
	config Config
	params *coins.Params
	rules  rules
	own    []byte // the script that the chain pays itself with

	mu     sync.RWMutex
	blocks map[coins.BlockHash]*block
	active []*block // the best chain, by height
	coins  coinSet
	pool   mempool
	feed   feed
	loader coins.Block // reused by every block that is checked
	made   counts
}

// counts never go down.
type counts struct {
	items  uint64 // blocks and transactions made: no two coinbases are alike
	blocks uint64 // known: the first seen wins
}

// block is one block of the tree.
type block struct {
	id     coins.BlockID
	header coins.RawHeader
	raw    []byte
	body   int // offset of the transaction count
	parent *block
	serial uint64
	txs    []coins.TxID
	// invalid says that the block itself was found to break the rules.
	invalid bool
	// spent are the coins that the block spent, in order, while it is connected;
	// connected says that it has been at some time, and so is valid.
	spent     []Coin
	connected bool
	// hog is the HogAddr after the block.
	hog hogAddr
}

// work returns the chain's work up to the block: regtest's target stands for
// two hashes a block.
func (b *block) work() uint64 { return 2 * (uint64(b.id.Height) + 1) }

// valid reports whether neither the block nor one below it is invalid.
func (b *block) valid() bool {
	for ; b != nil; b = b.parent {
		if b.invalid {
			return false
		}
	}
	return true
}

// rules are what tells one coin's blocks from another's, beyond [coins.Params].
type rules struct {
	version  int32 // of a block
	chainID  int32 // of merge mining
	scrypt   bool
	txData   int32 // version of transactions
	subsidy  func(coins.Height) coins.Amount
	shareAux int
}

const halving = 150 // blocks, on every coin's regtest

func rulesOf(config *Config) rules {
	f := config.Coin.Params().Format
	r := rules{version: 0x20000000, txData: 2, subsidy: halvedSubsidy, scrypt: f.MWEB}
	if f.AuxPoW {
		r.chainID = 0x62
		r.version, r.txData, r.scrypt, r.subsidy = r.chainID<<16|4, 1, true, flooredSubsidy
		r.shareAux = config.AuxPoWShare
		if r.shareAux == 0 {
			r.shareAux = 50
		}
	}
	return r
}

func halvedSubsidy(h coins.Height) coins.Amount { return 50 * coins.Unit >> min(h/halving, 63) }

func flooredSubsidy(h coins.Height) coins.Amount {
	if h < 6*halving {
		return 500_000 * coins.Unit >> (h / halving)
	}
	return 10_000 * coins.Unit
}

// NewChain returns a chain that holds the coin's true genesis block. It fails
// with [ErrNetwork] or [ErrGenesis].
func NewChain(config Config) (*Chain, error) {
	params := config.Coin.Params()
	if params.Network != coins.Regtest {
		return nil, fmt.Errorf("%s %s: %w", params.Symbol, params.Network, ErrNetwork)
	}
	if config.MWEBFrom == 0 {
		config.MWEBFrom = mwebRegtest
	}
	c := &Chain{
		config: config, params: params, rules: rulesOf(&config), own: ownScript(params.Format),
		blocks: make(map[coins.BlockHash]*block),
	}
	c.coins = newCoinSet(c.own)
	c.pool.reset()
	raw, err := genesisBlock(&params.Chain)
	if err != nil {
		return nil, err
	}
	genesis, err := c.load(raw, nil)
	if err != nil {
		return nil, err
	}
	genesis.connected = true // its output is nobody's to spend
	c.active = []*block{genesis}
	return c, nil
}

// load checks a block's bytes in full and adds it to the tree, unconnected.
func (c *Chain) load(raw []byte, parent *block) (*block, error) {
	b := &block{header: coins.RawHeader(raw[:coins.HeaderSize]), raw: raw, parent: parent}
	b.id.Hash = b.header.Hash()
	if parent != nil {
		b.id.Height = parent.id.Height + 1
	}
	c.loader.Raw = raw
	if err := c.loader.Load(c.params.Format, b.id, coins.VerifyMerkle); err != nil {
		return nil, err
	}
	b.txs = make([]coins.TxID, c.loader.Layout.TxCount())
	for i := range b.txs {
		b.txs[i] = c.loader.TxID(i)
	}
	b.body = int(c.loader.Layout.Txs[0].Start) - len(appendSize(nil, len(b.txs)))
	c.made.blocks++
	b.serial = c.made.blocks
	c.blocks[b.id.Hash] = b
	return b, nil
}

// layout walks a block's bytes. The layout is good until the next call.
func (c *Chain) layout(b *block) (*coins.Layout, error) {
	if err := c.params.Format.Walk(b.raw, &c.loader.Layout); err != nil {
		return nil, fmt.Errorf("block %s: %w", b.id, err)
	}
	return &c.loader.Layout, nil
}

// rng returns the randomness of the next block or transaction: it depends on
// the seed and on what is built upon, so that unrelated calls do not disturb it.
func (c *Chain) rng(salt coins.BlockHash, n uint64) *rand.Rand {
	var mix uint64
	for i, v := range salt[:8] {
		mix |= uint64(v) << (8 * i)
	}
	return rand.New(rand.NewPCG(c.config.Seed^mix, n))
}

func (c *Chain) tip() *block { return c.active[len(c.active)-1] }

func (c *Chain) isActive(b *block) bool {
	return int(b.id.Height) < len(c.active) && c.active[b.id.Height] == b
}

// now returns the time of something that happens on top of a block.
func (c *Chain) now(on *block) time.Time {
	if c.config.Now != nil {
		return c.config.Now()
	}
	return time.Unix(int64(on.header.Time()), 0).UTC()
}

// Params returns the coin's parameters.
func (c *Chain) Params() *coins.Params { return c.params }

// OwnScript returns the script that blocks pay to by default; anyone can spend
// its outputs.
func (c *Chain) OwnScript() []byte { return c.own }

// Tip returns the best block.
func (c *Chain) Tip() coins.BlockID {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.tip().id
}

// BlockID returns the block of the best chain at a height, and false beyond
// its tip.
func (c *Chain) BlockID(height coins.Height) (coins.BlockID, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if height < 0 || int(height) >= len(c.active) {
		return coins.BlockID{}, false
	}
	return c.active[height].id, true
}

// RawBlock returns the bytes of any block known, whichever branch it is on;
// they are not to be changed. It fails with [ErrUnknown].
func (c *Chain) RawBlock(hash coins.BlockHash) ([]byte, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	b, ok := c.blocks[hash]
	if !ok {
		return nil, fmt.Errorf("block %s: %w", hash, ErrUnknown)
	}
	return b.raw, nil
}
