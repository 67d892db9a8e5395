package coins

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
)

// HeaderSize is the length of a block header without its merge-mining proof.
const HeaderSize = 80

// auxPoWBit in a header's version says that a merge-mining proof follows.
const auxPoWBit = 0x100

// RawHeader is a header's 80 bytes as the wire carries them.
type RawHeader [HeaderSize]byte

// Hash returns the block's hash: the double SHA-256 of the 80 bytes.
func (h *RawHeader) Hash() BlockHash { return BlockHash(doubleSHA256(h[:])) }

// Version returns the version; on merge-mined coins its upper half is the
// chain id and bit 0x100 says that a proof follows.
func (h *RawHeader) Version() int32 { return int32(binary.LittleEndian.Uint32(h[0:])) }

// Prev returns the parent's hash.
func (h *RawHeader) Prev() BlockHash { return BlockHash(h[4:36]) }

// MerkleRoot returns the root of the transactions' ids, wire order.
func (h *RawHeader) MerkleRoot() [HashSize]byte { return [HashSize]byte(h[36:68]) }

// Time returns the miner's time in Unix seconds.
func (h *RawHeader) Time() uint32 { return binary.LittleEndian.Uint32(h[68:]) }

// Bits returns the compact target.
func (h *RawHeader) Bits() uint32 { return binary.LittleEndian.Uint32(h[72:]) }

// HasProof reports whether a merge-mining proof follows the header on a coin
// that has them.
func (h *RawHeader) HasProof() bool { return h.Version()&auxPoWBit != 0 }

// Work returns the expected number of hashes behind the header,
// 2^256 / (target + 1), as nodes sum it to compare branches. A header whose
// bits are negative, zero or overflowing has no work.
func (h *RawHeader) Work() *big.Int {
	target, ok := compactTarget(h.Bits())
	if !ok {
		return new(big.Int)
	}
	work := new(big.Int).Lsh(big.NewInt(1), 256)
	return work.Div(work, target.Add(target, big.NewInt(1)))
}

// MeetsTarget reports whether the double SHA-256 of the header meets the target
// in its bits: the proof of work of coins that use SHA-256d.
func (h *RawHeader) MeetsTarget() bool {
	target, ok := compactTarget(h.Bits())
	if !ok {
		return false
	}
	hash := [HashSize]byte(h.Hash())
	reverse(&hash)
	return new(big.Int).SetBytes(hash[:]).Cmp(target) <= 0
}

// compactTarget expands the bits field: one byte of exponent, a sign and 23
// bits of mantissa. It reports false for what consensus refuses.
func compactTarget(bits uint32) (*big.Int, bool) {
	exponent, mantissa := uint(bits>>24), int64(bits&0x007fffff)
	if bits&0x00800000 != 0 || mantissa == 0 {
		return nil, false
	}
	target := big.NewInt(mantissa)
	if exponent <= 3 {
		target.Rsh(target, 8*(3-exponent))
	} else {
		target.Lsh(target, 8*(exponent-3))
	}
	return target, target.Sign() > 0 && target.BitLen() <= 256
}

func doubleSHA256(b []byte) [HashSize]byte {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}
