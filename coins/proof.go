package coins

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Proof is the merge-mining proof behind a header (AuxPoW): a parent chain's
// block commits to ours in its coinbase. Slices share the raw bytes.
type Proof struct {
	// Coinbase is the parent block's raw coinbase transaction.
	Coinbase []byte
	// CoinbaseID is the coinbase's transaction id.
	CoinbaseID TxID
	// Branch leads from the coinbase to the parent's merkle root; its hashes are
	// [HashSize] bytes each. Index is the coinbase's place, always 0.
	Branch []byte
	Index  uint32
	// ChainBranch leads from our hash to the root in the coinbase's script.
	ChainBranch []byte
	ChainIndex  uint32
	// Parent is the header that carries the work.
	Parent RawHeader
	// Size is the proof's length in bytes.
	Size int
}

// parentFormat is what a parent chain's coinbase may look like: any parent may
// have segwit; nodes serialize the proof's coinbase with its witness.
func parentFormat(max int) Format { return Format{Segwit: true, MaxBlock: max, bare: true} }

// ParseProof reads the proof at the start of b. It checks the framing, not
// what the proof proves: see [Proof.Check]. It fails with [ErrTruncated] or
// [ErrMalformed].
func ParseProof(b []byte) (Proof, error) {
	var layout Layout
	var proof Proof
	p := parentFormat(len(b)).walkTx(b, 0, &layout, inProof)
	if p < 0 {
		return Proof{}, fmt.Errorf("merge-mining proof: coinbase: %w", fault(p))
	}
	proof.Coinbase = b[:p]
	proof.CoinbaseID, _ = layout.txID(b, 0, nil)
	p += HashSize // the parent block's hash, which its header gives too
	proof.Branch, proof.Index, p = parseBranch(b, p)
	proof.ChainBranch, proof.ChainIndex, p = parseBranch(b, p)
	if p < 0 {
		return Proof{}, fmt.Errorf("merge-mining proof: branch: %w", fault(p))
	}
	if len(b)-p < HeaderSize {
		return Proof{}, fmt.Errorf("merge-mining proof: parent header: %w", ErrTruncated)
	}
	proof.Parent = RawHeader(b[p : p+HeaderSize])
	proof.Size = p + HeaderSize
	return proof, nil
}

// parseBranch reads a count, its hashes and the index behind them.
func parseBranch(b []byte, p int) (branch []byte, index uint32, next int) {
	if p < 0 {
		return nil, 0, p
	}
	count, p := compactSize(b, p)
	switch {
	case p < 0:
		return nil, 0, p
	case count > maxBranch:
		return nil, 0, malformed
	case len(b)-p < int(count)*HashSize+4:
		return nil, 0, cutShort
	}
	end := p + int(count)*HashSize
	return b[p:end], binary.LittleEndian.Uint32(b[end:]), end + 4
}

// Check verifies that the proof commits to a block: the coinbase is in the
// parent block, and its input script carries the root that our hash leads to.
// The parent's own work (scrypt, for Dogecoin) is not computed: the node that
// serves the block has done so. It fails with [ErrProof].
func (p *Proof) Check(block BlockHash) error {
	root := foldBranch(p.CoinbaseID, p.Branch, p.Index)
	if p.Index != 0 || root != p.Parent.MerkleRoot() {
		return fmt.Errorf("coinbase is not in the parent block: %w", ErrProof)
	}
	chainRoot := foldBranch([HashSize]byte(block), p.ChainBranch, p.ChainIndex)
	reverse(&chainRoot)
	if !bytes.Contains(p.Coinbase, chainRoot[:]) {
		return fmt.Errorf("parent coinbase does not name block %s: %w", block, ErrProof)
	}
	return nil
}

// foldBranch hashes a leaf up a merkle branch.
func foldBranch(leaf [HashSize]byte, branch []byte, index uint32) [HashSize]byte {
	var pair [2 * HashSize]byte
	for ; len(branch) > 0; branch, index = branch[HashSize:], index>>1 {
		if index&1 == 0 {
			copy(pair[:], leaf[:])
			copy(pair[HashSize:], branch[:HashSize])
		} else {
			copy(pair[:], branch[:HashSize])
			copy(pair[HashSize:], leaf[:])
		}
		leaf = doubleSHA256(pair[:])
	}
	return leaf
}
