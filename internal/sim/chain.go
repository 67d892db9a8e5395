package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"coffer.example/coffer/coins"
)

// Targets of simulated blocks. Branches differ in work as well as in length.
const (
	bitsEasy = 0x207fffff // work 2
	bitsHard = 0x201fffff // work 8
)

// tx is a transaction with what the model needs of it.
type tx struct {
	id   coins.TxID
	raw  []byte
	ins  []coins.OutPoint // none for a coinbase
	outs []output
}

type output struct {
	value  coins.Amount
	script string
}

// block is one block of the tree.
type block struct {
	id     coins.BlockID
	header coins.RawHeader
	raw    []byte
	parent *block
	txs    []*tx
	work   uint64 // of the chain up to it
	// invalid says that the node has found the block to break the rules.
	invalid bool
}

// at returns the block's ancestor at a height, itself included; nil above it.
func (b *block) at(height coins.Height) *block {
	for b != nil && b.id.Height > height {
		b = b.parent
	}
	if b == nil || b.id.Height < height {
		return nil
	}
	return b
}

// on reports whether b is tip or an ancestor of it.
func (b *block) on(tip *block) bool { return tip.at(b.id.Height) == b }

// broken reports whether the block or one below it is invalid.
func (b *block) broken() bool {
	for ; b != nil; b = b.parent {
		if b.invalid {
			return true
		}
	}
	return false
}

// path returns the chain from genesis up to the block.
func (b *block) path() []*block {
	list := make([]*block, b.id.Height+1)
	for ; b != nil; b = b.parent {
		list[b.id.Height] = b
	}
	return list
}

// forkOf returns the last block that two chains share.
func forkOf(a, b *block) *block {
	for a != b {
		if a.id.Height >= b.id.Height {
			a = a.parent
		} else {
			b = b.parent
		}
	}
	return a
}

// scriptOf returns the n-th script of the simulation, of the form of a P2PKH one.
func scriptOf(n int) string {
	s := append([]byte{0x76, 0xa9, 0x14}, make([]byte, 20)...)
	binary.BigEndian.PutUint64(s[3:], uint64(n)+1)
	return string(append(s, 0x88, 0xac))
}

// newTx makes a transaction; equal salts, inputs and outputs make equal ids. A
// coinbase has no ins.
func newTx(salt uint32, ins []coins.OutPoint, outs []output) *tx {
	raw := binary.LittleEndian.AppendUint32(nil, 2)
	raw = append(raw, byte(max(len(ins), 1)))
	for i, in := range ins {
		raw = in.AppendWire(raw)
		raw = append(raw, 2, 1, byte(i))
		raw = binary.LittleEndian.AppendUint32(raw, 0xfffffffd)
	}
	if len(ins) == 0 {
		raw = coins.OutPoint{Vout: 1<<32 - 1}.AppendWire(raw)
		raw = binary.LittleEndian.AppendUint32(append(raw, 4), salt)
		raw = binary.LittleEndian.AppendUint32(raw, 1<<32-1)
	}
	raw = append(raw, byte(len(outs)))
	for _, out := range outs {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(out.value))
		raw = append(append(raw, byte(len(out.script))), out.script...)
	}
	raw = binary.LittleEndian.AppendUint32(raw, salt)
	return &tx{id: coins.TxID(sha256d(raw)), raw: raw, ins: slices.Clone(ins), outs: outs}
}

func (t *tx) outPoint(n int) coins.OutPoint { return coins.OutPoint{TxID: t.id, Vout: uint32(n)} }

// newBlock makes a block above parent (nil: a genesis block) with the work of
// its bits.
func newBlock(parent *block, salt, bits uint32, txs []*tx) *block {
	b := &block{parent: parent, txs: txs}
	var prev coins.BlockHash
	if parent != nil {
		b.id.Height, prev, b.work = parent.id.Height+1, parent.id.Hash, parent.work
	}
	root := merkle(txs)
	h := &b.header
	binary.LittleEndian.PutUint32(h[0:], 0x20000000)
	copy(h[4:], prev[:])
	copy(h[36:], root[:])
	binary.LittleEndian.PutUint32(h[68:], 1_700_000_000+600*uint32(b.id.Height)+salt%500)
	binary.LittleEndian.PutUint32(h[72:], bits)
	for nonce := salt; ; nonce++ {
		binary.LittleEndian.PutUint32(h[76:], nonce)
		if b.id.Hash = h.Hash(); b.id.Hash[31] < byte(bits>>16) {
			break
		}
	}
	b.work += h.Work().Uint64()
	b.raw = append(append(b.raw, h[:]...), byte(len(txs)))
	for _, t := range txs {
		b.raw = append(b.raw, t.raw...)
	}
	return b
}

func merkle(txs []*tx) [32]byte {
	level := make([][32]byte, len(txs))
	for i, t := range txs {
		level[i] = t.id
	}
	for len(level) > 1 {
		var next [][32]byte
		for i := 0; i < len(level); i += 2 {
			right := level[min(i+1, len(level)-1)]
			next = append(next, sha256d(append(slices.Clone(level[i][:]), right[:]...)))
		}
		level = next
	}
	return level[0]
}

func sha256d(b []byte) [32]byte {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}

// coinSet is the unspent outputs of a chain, in the order they were made.
type coinSet struct {
	list []coins.OutPoint
	made map[coins.OutPoint]output
}

// unspentAt returns what a transaction above the block can spend.
func unspentAt(tip *block) *coinSet {
	set := &coinSet{made: map[coins.OutPoint]output{}}
	for _, b := range tip.path()[1:] { // the genesis block's outputs are nobody's
		for _, t := range b.txs {
			set.apply(t)
		}
	}
	return set
}

func (c *coinSet) holds(t *tx) bool {
	for i, in := range t.ins {
		if _, there := c.made[in]; !there || slices.Contains(t.ins[:i], in) {
			return false
		}
	}
	return true
}

func (c *coinSet) apply(t *tx) {
	for _, in := range t.ins {
		delete(c.made, in)
	}
	for n, out := range t.outs {
		at := t.outPoint(n)
		if _, there := c.made[at]; !there {
			c.list = append(c.list, at)
		}
		c.made[at] = out
	}
}

// spendable returns the outputs that are there, oldest first.
func (c *coinSet) spendable() []coins.OutPoint {
	c.list = slices.DeleteFunc(c.list, func(at coins.OutPoint) bool { _, there := c.made[at]; return !there })
	return c.list
}
