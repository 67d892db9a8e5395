package chaingen

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

const (
	txVersion   = 2
	sequence    = 0xfffffffd
	dustLike    = 600 // base units: what an output that is never spent carries at least, where there is enough
	lastingPart = 40  // and at most a share of an input's value, one part of this many
)

// transaction adds one transaction to the block and its spendable outputs to the pool.
func (g *Generator) transaction(b *builder) {
	s := &g.scratch
	s.spent, s.made = s.spent[:0], s.made[:0]
	var value int64
	segwit := false
	for range min(inputCount(g.random), len(g.pool)) {
		c := g.take()
		s.spent = append(s.spent, c)
		value += c.value
		segwit = segwit || c.kind != openP2SH
		b.stats.Inputs++
		if c.watched {
			b.stats.WatchedIn++
		}
	}
	t := binary.LittleEndian.AppendUint32(s.stripped[:0], txVersion)
	t = g.inputs(t)
	t = g.outputs(t, value, b)
	t = binary.LittleEndian.AppendUint32(t, 0)
	s.stripped = t
	var witness []byte
	if segwit {
		s.witness = g.witnesses(s.witness[:0])
		witness = s.witness
	}
	txid := b.addTx(t, witness)
	for i := range s.made {
		s.made[i].tx = txid
	}
	g.pool = append(g.pool, s.made...)
}

func (g *Generator) inputs(t []byte) []byte {
	t = appendVarInt(t, uint64(len(g.scratch.spent)))
	for i := range g.scratch.spent {
		c := &g.scratch.spent[i]
		t = append(t, c.tx[:]...)
		t = binary.LittleEndian.AppendUint32(t, c.index)
		if c.kind == openP2SH {
			t = append(t, 1+signatureSize+1+publicKeySize+1+programSize)
			t = g.unlock(t, c)
		} else {
			t = append(t, 0)
		}
		t = binary.LittleEndian.AppendUint32(t, sequence)
	}
	return t
}

// unlock appends the items that open a coin, each after its length: one byte both as a push and as a witness item.
func (g *Generator) unlock(t []byte, c *coin) []byte {
	if c.kind == openSchnorr {
		t = g.item(t, schnorrSize)
	} else {
		t = g.item(t, signatureSize)
		t = g.item(t, publicKeySize)
	}
	return program(append(t, programSize), c.kind, c.nonce)
}

// item appends random bytes after their length. They do not compress, as signatures and keys do not.
func (g *Generator) item(t []byte, size int) []byte {
	t = append(t, byte(size))
	at := len(t)
	t = slices.Grow(t, size)[:at+size]
	fill(t[at:], g.random)
	return t
}

func (g *Generator) witnesses(t []byte) []byte {
	for i := range g.scratch.spent {
		c := &g.scratch.spent[i]
		switch c.kind {
		case openP2SH:
			t = append(t, 0)
		case openSchnorr:
			t = g.unlock(append(t, 2), c)
		default:
			t = g.unlock(append(t, 3), c)
		}
	}
	return t
}

// output is what one output of a transaction pays to.
type output struct {
	kind    kind
	nonce   uint64
	hash    [32]byte
	watched bool
}

// outputs appends the outputs: those that are never spent get little, the others share the rest equally.
func (g *Generator) outputs(t []byte, value int64, b *builder) []byte {
	var plan [64]output
	count := outputCount(g.random)
	open := int64(0)
	for i := range count {
		plan[i] = g.plan()
		if plan[i].kind.spendable() {
			open++
		}
	}
	little := min(value/int64(lastingPart*count), dustLike+g.random.Int64N(4*dustLike))
	share := int64(0)
	if open > 0 {
		share = (value - little*(int64(count)-open)) / open
	}
	b.stats.Outputs += count
	t = appendVarInt(t, uint64(count))
	for i := range count {
		o := &plan[i]
		amount := little
		if o.kind.spendable() {
			amount = share
			g.scratch.made = append(g.scratch.made, coin{
				index: uint32(i), value: share, nonce: o.nonce, kind: o.kind, watched: o.watched,
			})
		}
		if o.watched {
			b.stats.WatchedOut++
		}
		t = appendOutput(t, amount, o)
	}
	return t
}

func appendOutput(t []byte, amount int64, o *output) []byte {
	if o.kind == nullData {
		amount = 0
	}
	t = binary.LittleEndian.AppendUint64(t, uint64(amount))
	t = append(t, 0)
	at := len(t)
	t = appendScript(t, o.kind, o.nonce, &o.hash)
	t[at-1] = byte(len(t) - at) // every script here is shorter than 253 bytes
	return t
}

// plan decides what an output pays to.
func (g *Generator) plan() output {
	share := g.random.IntN(1000)
	for _, w := range g.params.Watch {
		if share < w.Permille {
			k, nonce, h := watched(w.Seed, g.random.IntN(w.Count))
			return output{kind: k, nonce: nonce, hash: h, watched: true}
		}
		share -= w.Permille
	}
	open := openWhenFull
	if len(g.pool) < poolTarget {
		open = openWhenShort
	}
	if g.random.IntN(100) < open {
		return g.openOutput()
	}
	o := output{kind: randomKind(g.random)}
	fill(o.hash[:], g.random)
	return o
}

func (g *Generator) openOutput() output {
	g.nonce++
	o := output{kind: openP2WSH, nonce: g.nonce}
	switch n := g.random.IntN(100); {
	case n < legacyPercent:
		o.kind = openP2SH
	case n < legacyPercent+keyPercent:
		o.kind = openSchnorr
	}
	return o
}

func appendVarInt(b []byte, n uint64) []byte {
	switch {
	case n < 0xfd:
		return append(b, byte(n))
	case n <= 0xffff:
		return binary.LittleEndian.AppendUint16(append(b, 0xfd), uint16(n))
	default:
		return binary.LittleEndian.AppendUint32(append(b, 0xfe), uint32(n))
	}
}

func doubleSHA256(b []byte) [32]byte {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}
