package chaingen

import (
	"encoding/hex"
	"fmt"
)

// Shape of a full block, per mille and counts, from measured.md: 551 blocks, 627 MB, 1.77 M transactions, 5.68 M outputs,
// 2.83 M inputs.
const (
	defaultTxs = 3212

	// WarmUp is the number of small blocks that a chain begins with. Block WarmUp+1 is the first full one.
	WarmUp = coinbaseMaturity + fundingBlocks

	coinbaseMaturity = 100
	fundingBlocks    = 10   // coinbases that are split for the full blocks to spend
	fundingOutputs   = 5000 // outputs of each
	halving          = 150  // blocks, both on Bitcoin's and Litecoin's regtest
	initialSubsidy   = 50_0000_0000
	blockSpacing     = 600 // seconds between block times
	maxTxs           = 7000
)

// Work is a chain's proof of work.
type Work int

// The proofs of work that can be made.
const (
	SHA256d Work = iota // Bitcoin
	Scrypt              // Litecoin
)

// WatchList is a share of outputs that pays to scripts which can be made again by WatchScript(Seed, 0…Count-1).
type WatchList struct {
	Seed     uint64
	Count    int // scripts in the list, each paid equally often
	Permille int // of all outputs but the coinbases'
}

// Params say what chain to make.
type Params struct {
	Genesis [32]byte // hash of the block before the first, in the order of the wire
	Time    uint32   // that block's time; each block is 600 s later than the one before it
	Work    Work
	Seed    uint64
	Txs     int // transactions of a full block beside the coinbase; 0: 3,212
	Watch   []WatchList
}

// BitcoinRegtest returns parameters of a chain on Bitcoin's regtest genesis.
func BitcoinRegtest(seed uint64, watch ...WatchList) Params {
	return Params{
		Genesis: hash("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"),
		Time:    1296688602, Work: SHA256d, Seed: seed, Watch: watch,
	}
}

// LitecoinRegtest returns parameters of a chain on Litecoin's regtest genesis. It has no MWEB: the node must run with
// -vbparams=mweb:-2:0.
func LitecoinRegtest(seed uint64, watch ...WatchList) Params {
	return Params{
		Genesis: hash("530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9"),
		Time:    1296688602, Work: Scrypt, Seed: seed, Watch: watch,
	}
}

func (p Params) check() error {
	if p.Txs < 0 || p.Txs > maxTxs {
		return fmt.Errorf("%w: %d transactions a block, want 1 to %d (0 for %d)", ErrParams, p.Txs, maxTxs, defaultTxs)
	}
	if p.Work != SHA256d && p.Work != Scrypt {
		return fmt.Errorf("%w: unknown proof of work %d", ErrParams, p.Work)
	}
	total := 0
	for _, w := range p.Watch {
		if w.Count <= 0 || w.Permille < 0 {
			return fmt.Errorf("%w: watch list of %d scripts with %d per mille of outputs", ErrParams, w.Count, w.Permille)
		}
		total += w.Permille
	}
	if total > 1000 {
		return fmt.Errorf("%w: watch lists take %d per mille of outputs", ErrParams, total)
	}
	return nil
}

// hash turns a hash as nodes print it into the order of the wire. The text is a constant of this package.
func hash(printed string) [32]byte {
	raw, err := hex.DecodeString(printed)
	assertThat(err == nil && len(raw) == 32, "hash constant "+printed)
	var h [32]byte
	for i, b := range raw {
		h[31-i] = b
	}
	return h
}

// assertThat holds a programmer's assumption.
func assertThat(holds bool, what string) {
	if !holds {
		panic("chaingen: " + what)
	}
}
