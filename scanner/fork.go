package scanner

import (
	"math/big"

	"coffer.example/coffer/coins"
)

// branch is our chain walked down from its tip in search of the block that it
// shares with the node's: what would be disconnected. It is pure data; where
// the headers come from is the caller's.
type branch struct {
	ids  []coins.BlockID // tip first
	work *big.Int        // of ids, summed
	base coins.BlockID   // the block below the last of ids: the next candidate
}

// newBranch starts at our tip, which is itself the first candidate.
func newBranch(tip coins.BlockID) *branch { return &branch{work: new(big.Int), base: tip} }

// descend takes the candidate into the branch, with its header, and moves on
// to its parent. It reports false where the header is not the candidate's: the
// sink contradicts itself.
func (b *branch) descend(header *coins.RawHeader) bool {
	if header.Hash() != b.base.Hash {
		return false
	}
	b.ids = append(b.ids, b.base)
	b.work.Add(b.work, header.Work())
	b.base = coins.BlockID{Height: b.base.Height - 1, Hash: header.Prev()}
	return true
}

// depth is the number of blocks to disconnect.
func (b *branch) depth() coins.Height { return coins.Height(len(b.ids)) }

// lowest returns the block above the base; there must be one.
func (b *branch) lowest() coins.BlockID { return b.ids[len(b.ids)-1] }

// windowAfter returns how many headers to compare next after compared ones: few
// first, since most forks are shallow, then eight times as many each time.
func windowAfter(compared coins.Height) coins.Height {
	const first, most = 16, 1024
	return min(max(first, compared*7), most)
}

// verdict is what to do about a node whose chain does not contain our tip.
type verdict uint8

const (
	verdictWait    verdict = iota // it lags, or has no more work
	verdictLeave                  // disconnect ours, down to the fork
	verdictTooDeep                // the same, but the undo does not reach
	verdictForeign                // no common block at all
)

// findings are what is known about the two branches.
type findings struct {
	found   bool // the fork is at hand
	genesis bool // ours was compared down to its genesis block
	// ours and theirs are the work since the fork; where it was not found, since
	// the deepest block compared.
	ours, theirs *big.Int
	// invalid says that every node reports our tip as breaking consensus.
	invalid bool
}

// decide applies law 4: a branch is left only for one with more work, or when
// it is invalid.
func decide(f findings) verdict {
	switch leave := f.invalid || f.theirs.Cmp(f.ours) > 0; {
	case !leave:
		return verdictWait
	case f.found:
		return verdictLeave
	case f.genesis:
		return verdictForeign
	}
	return verdictTooDeep
}
