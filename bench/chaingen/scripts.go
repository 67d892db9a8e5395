package chaingen

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"github.com/btcsuite/btcd/address/v2"
)

// Sizes of what stands in for a signature and a public key.
const (
	signatureSize = 72
	publicKeySize = 33
	schnorrSize   = 64
	programSize   = 12
)

// kind is what a script is; only the first three can be spent here.
type kind uint8

const (
	openP2WSH   kind = iota // spent with a signature and a key
	openSchnorr             // P2WSH too, spent with a Schnorr signature, as taproot outputs are by their key
	openP2SH
	randomP2WPKH
	randomP2TR
	randomP2PKH
	randomP2SH
	nullData
)

// spendable reports whether the generator can spend an output of the kind.
func (k kind) spendable() bool { return k <= openP2SH }

// program appends the locking program of the nonce, see the package comment.
func program(b []byte, k kind, nonce uint64) []byte {
	b = append(b, 8)
	b = binary.LittleEndian.AppendUint64(b, nonce)
	if k == openSchnorr {
		return append(b, 0x75, 0x75, 0x51)
	}
	return append(b, 0x75, 0x6d, 0x51)
}

// appendScript appends the output script of the kind; open kinds are made from the nonce, the others from the hash.
func appendScript(b []byte, k kind, nonce uint64, h *[32]byte) []byte {
	var space [programSize]byte
	switch k {
	case openP2WSH, openSchnorr:
		sum := sha256.Sum256(program(space[:0], k, nonce))
		return append(append(b, 0x00, 0x20), sum[:]...)
	case openP2SH:
		return p2sh(b, address.Hash160(program(space[:0], k, nonce)))
	case randomP2WPKH:
		return append(append(b, 0x00, 0x14), h[:20]...)
	case randomP2TR:
		return append(append(b, 0x51, 0x20), h[:]...)
	case randomP2PKH:
		b = append(append(b, 0x76, 0xa9, 0x14), h[:20]...)
		return append(b, 0x88, 0xac)
	case randomP2SH:
		return p2sh(b, h[:20])
	default:
		return append(append(b, 0x6a, 0x20), h[:]...)
	}
}

func p2sh(b, hash20 []byte) []byte {
	b = append(append(b, 0xa9, 0x14), hash20...)
	return append(b, 0x87)
}

// watched is what WatchScript(seed, i) is made of. Every second script can be spent by the generator, so that a watched
// chain has spends too; the others are of the common types in turn.
func watched(seed uint64, i int) (k kind, nonce uint64, h [32]byte) {
	var text [22]byte
	copy(text[:], "watch ")
	binary.LittleEndian.PutUint64(text[6:], seed)
	binary.LittleEndian.PutUint64(text[14:], uint64(i))
	h = sha256.Sum256(text[:])
	kinds := [8]kind{openP2WSH, randomP2WPKH, openSchnorr, randomP2TR, openP2SH, randomP2PKH, openP2WSH, randomP2SH}
	return kinds[i%8], binary.LittleEndian.Uint64(h[:]), h
}

// WatchScript is script i of the watch list with the seed: what a benchmark watches to find the list's share of outputs.
func WatchScript(seed uint64, i int) []byte {
	k, nonce, h := watched(seed, i)
	return appendScript(nil, k, nonce, &h)
}

// randomKind is the type of an output that will never be spent, by the shares of the main chain.
func randomKind(r *rand.Rand) kind {
	switch n := r.IntN(100); {
	case n < 45:
		return randomP2WPKH
	case n < 70:
		return randomP2TR
	case n < 85:
		return randomP2PKH
	case n < 98:
		return randomP2SH
	default:
		return nullData
	}
}

// fill writes random bytes.
func fill(b []byte, r *rand.Rand) {
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, r.Uint64())
		b = b[8:]
	}
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}
