package utxo

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"

	"coffer.example/coffer/coins"
)

// marker hashes scripts and outpoints to 64 bits, by folded multiplications
// with keys drawn for this process. Scripts up to longestInline bytes, which
// all standard forms are, take two or three of them and no call. Equal hashes
// of different scripts cost a look into the store and nothing else; without
// the keys nobody can make them on purpose.
type marker struct {
	seed maphash.Seed
	keys [6]uint64
}

const (
	shortestInline = 16
	longestInline  = 48
)

func newMarker() *marker {
	m := &marker{seed: maphash.MakeSeed()}
	for i := range m.keys {
		m.keys[i] = maphash.Comparable(m.seed, i)
	}
	return m
}

// fold multiplies to 128 bits and brings both halves together.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// script returns a script's mark. Four words, the first two and the last two,
// cover 32 bytes; what lies between them in a longer script takes two more.
func (m *marker) script(script []byte) uint64 {
	n := len(script)
	if n < shortestInline || n > longestInline {
		return maphash.Bytes(m.seed, script)
	}
	mark := fold(word(script, 0)^m.keys[0], word(script, 8)^m.keys[1]) +
		fold(word(script, n-16)^m.keys[2], word(script, n-8)^m.keys[3]^uint64(n))
	if n > 32 {
		mark ^= fold(word(script, 16)^m.keys[4], word(script, n-24)^m.keys[5])
	}
	return mark
}

// wire returns the mark of an outpoint as it stands in a block.
func (m *marker) wire(at []byte) uint64 {
	at = at[:coins.OutPointSize]
	vout := uint64(binary.LittleEndian.Uint32(at[coins.HashSize:]))
	return fold(word(at, 0)^m.keys[0], word(at, 8)^m.keys[1]^vout) + fold(word(at, 16)^m.keys[2], word(at, 24)^m.keys[3])
}

func (m *marker) outPoint(at coins.OutPoint) uint64 {
	var wire [coins.OutPointSize]byte
	copy(wire[:], at.TxID[:])
	binary.LittleEndian.PutUint32(wire[coins.HashSize:], at.Vout)
	return m.wire(wire[:])
}

func word(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
