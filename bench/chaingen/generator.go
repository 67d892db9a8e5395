package chaingen

import (
	"math/rand/v2"
)

// Shares that keep the pool of spendable coins near its target.
const (
	poolTarget    = 60_000
	openWhenShort = 62 // per cent of outputs that can be spent while the pool is below its target
	openWhenFull  = 46
	legacyPercent = 20 // of those, as P2SH
	keyPercent    = 40 // of those, as P2WSH for a Schnorr signature
	recentPercent = 30 // of inputs, from the newest coins: chains inside a block
	recentWindow  = 2000
)

// coin is an output that the generator can spend.
type coin struct {
	tx      [32]byte
	index   uint32
	value   int64
	nonce   uint64
	kind    kind
	watched bool
}

// Block is one block of a chain.
type Block struct {
	Height     int
	Hash       [32]byte // in the order of the wire
	Raw        []byte
	Txs        int // with the coinbase
	Inputs     int // without the coinbase's
	Outputs    int // with the coinbase's
	WatchedOut int // outputs to scripts of the watch lists
	WatchedIn  int // inputs that spend such outputs
}

// Generator makes the blocks of one chain in order. It is not safe for use by several goroutines.
type Generator struct {
	params   Params
	height   int      // of the last block
	tip      [32]byte // its hash
	random   *rand.Rand
	pool     []coin
	immature [][]coin // outputs of the last coinbases, oldest first
	nonce    uint64   // of the last open output
	scratch  scratch
}

// scratch is space used again for each transaction.
type scratch struct {
	stripped []byte
	witness  []byte
	spent    []coin
	made     []coin
}

// New returns a generator whose first block follows the genesis of the parameters.
func New(p Params) (*Generator, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.Txs == 0 {
		p.Txs = defaultTxs
	}
	return &Generator{params: p, tip: p.Genesis, random: rand.New(rand.NewPCG(p.Seed, 0x636f66666572))}, nil
}

// Next makes the next block. The caller owns its bytes.
func (g *Generator) Next() Block {
	g.height++
	g.mature()
	b := newBuilder(g.height, g.params)
	if g.height > WarmUp {
		for range g.params.Txs {
			g.transaction(b)
		}
	}
	made := g.coinbase(b)
	g.immature = append(g.immature, made)
	raw, hash := b.finish(g.tip)
	g.tip = hash
	b.stats.Height, b.stats.Hash, b.stats.Raw = g.height, hash, raw
	return b.stats
}

// mature moves the coinbase that this block may spend into the pool.
func (g *Generator) mature() {
	if len(g.immature) < coinbaseMaturity {
		return
	}
	g.pool = append(g.pool, g.immature[0]...)
	g.immature = g.immature[1:]
}

// take removes a coin from the pool: often one of the newest, else any.
func (g *Generator) take() coin {
	n := len(g.pool)
	i := g.random.IntN(n)
	if g.random.IntN(100) < recentPercent {
		i = n - 1 - g.random.IntN(min(n, recentWindow))
	}
	c := g.pool[i]
	g.pool[i] = g.pool[n-1]
	g.pool = g.pool[:n-1]
	return c
}

// inputCount is how many inputs a transaction has, 1.6 on average.
func inputCount(r *rand.Rand) int {
	switch n := r.IntN(100); {
	case n < 68:
		return 1
	case n < 90:
		return 2
	case n < 97:
		return 3
	default:
		return 4 + r.IntN(9)
	}
}

// outputCount is how many outputs a transaction has, 3.2 on average: payments with change, and batches.
func outputCount(r *rand.Rand) int {
	switch n := r.IntN(100); {
	case n < 12:
		return 1
	case n < 82:
		return 2
	case n < 92:
		return 3
	case n < 97:
		return 4 + r.IntN(7)
	default:
		return 11 + r.IntN(48)
	}
}
