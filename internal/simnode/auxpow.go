package simnode

import (
	"encoding/binary"

	"coffer.example/coffer/coins"
)

// auxProof returns the merge-mining proof of a block: a parent block's
// coinbase that carries the root of a tree with our hash in it, the branches
// of both trees, and the parent's header with the work. The tree's sizes, and
// whether the coinbase has an output (those of the node's own regtest miner
// have none), are seeded.
func (d *draft) auxProof(hash coins.BlockHash) ([]byte, error) {
	const magic = "\xfa\xbemm"
	chainDepth, nonce := d.rng.IntN(4), d.rng.Uint32N(1000)
	index := chainIndex(nonce, d.chain.rules.chainID, chainDepth)
	chainRoot, chainBranch := d.climb(hash, chainDepth, index)
	script := []byte(magic)
	for i := range chainRoot {
		script = append(script, chainRoot[31-i])
	}
	script = binary.LittleEndian.AppendUint32(script, 1<<chainDepth)
	script = binary.LittleEndian.AppendUint32(script, nonce)
	coinbase := &Tx{
		Version: 1,
		Ins:     []In{{Prev: coinbasePrev(), Script: appendPushes(nil, script), Sequence: finalSequence}},
	}
	if d.rng.IntN(3) > 0 {
		coinbase.Outs = []Out{{Value: 25 * coins.Unit, Script: RandomScript(d.rng, P2PKH)}}
	}
	root, branch := d.climb(coinbase.ID(), d.rng.IntN(4), 0)
	parent := makeHeader(2, coins.BlockHash(randomBytes(d.rng, 32)), root, d.time)
	if err := d.chain.grind(&parent); err != nil {
		return nil, err
	}
	parentHash := parent.Hash()
	proof := append(coinbase.append(nil, 0), parentHash[:]...)
	proof = appendBranch(proof, branch, 0)
	proof = appendBranch(proof, chainBranch, index)
	return append(proof, parent[:]...), nil
}

// climb makes a branch of a depth of seeded hashes, and the root it leads to.
func (d *draft) climb(leaf [32]byte, depth int, index uint32) (root [32]byte, branch [][32]byte) {
	for ; depth > 0; depth, index = depth-1, index>>1 {
		other := [32]byte(randomBytes(d.rng, 32))
		branch = append(branch, other)
		if index&1 == 0 {
			leaf = sha256d(append(leaf[:], other[:]...))
		} else {
			leaf = sha256d(append(other[:], leaf[:]...))
		}
	}
	return leaf, branch
}

func appendBranch(dst []byte, branch [][32]byte, index uint32) []byte {
	dst = appendSize(dst, len(branch))
	for _, hash := range branch {
		dst = append(dst, hash[:]...)
	}
	return binary.LittleEndian.AppendUint32(dst, index)
}

// chainIndex returns the place that a chain has to take in a merge-mining tree,
// so that one proof cannot serve the same chain twice (CAuxPow's
// getExpectedIndex).
func chainIndex(nonce uint32, chainID int32, depth int) uint32 {
	mixed := nonce*1103515245 + 12345
	mixed += uint32(chainID)
	mixed = mixed*1103515245 + 12345
	return mixed % (1 << depth)
}
