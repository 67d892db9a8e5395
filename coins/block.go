package coins

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"coffer.example/coffer/coins/sha256d"
)

// Verify says how far a block from a node is checked before it is used. Its
// own hash is recomputed and its framing walked in every case.
type Verify uint8

const (
	// VerifyMerkle also computes every transaction id and the merkle root.
	VerifyMerkle Verify = iota
	// VerifyHeader trusts the node for the transactions' bytes; ids are computed
	// only where something matches.
	VerifyHeader
)

// Block is a raw block with its layout. One Block is reused for many blocks:
// the scanner loads it, the index reads it, and nobody keeps a slice of it
// after giving it back.
type Block struct {
	ID     BlockID
	Header RawHeader
	Raw    []byte
	Layout Layout

	// More is set by the scanner while the blocks after this one are known and
	// on their way: the index may then make several durable at once. Unset, at
	// the tip, a block is durable when it has been connected.
	More bool

	// ScriptMarks and OutPointMarks are room for the index's hashes of every
	// output's script and every input's outpoint, computed ahead of its turn.
	ScriptMarks, OutPointMarks []uint64

	ids     [][HashSize]byte // all, once the merkle root is verified; else empty
	tree    [][HashSize]byte
	hasher  *sha256d.Hasher // made when first needed
	scratch []byte
	last    computedID
}

// computedID is the id that was computed last where the root is not verified:
// a transaction with many outputs is asked for its id for each.
type computedID struct {
	tx    int
	id    TxID
	known bool
}

// Load walks b.Raw, which the caller has filled, as the block id of a format,
// and verifies it. Nothing of the block's former content stays. It fails with
// the errors of [Format.Walk], [ErrBlockHash], [ErrProof] and [ErrMerkleRoot].
func (b *Block) Load(f Format, id BlockID, verify Verify) error {
	b.ID, b.ids, b.More, b.last = id, b.ids[:0], false, computedID{}
	b.ScriptMarks, b.OutPointMarks = b.ScriptMarks[:0], b.OutPointMarks[:0]
	if err := f.Walk(b.Raw, &b.Layout); err != nil {
		return fmt.Errorf("block %s: %w", id, err)
	}
	b.Header = RawHeader(b.Raw[:HeaderSize])
	if got := b.Header.Hash(); got != id.Hash {
		return fmt.Errorf("block %s: got %s: %w", id, got, ErrBlockHash)
	}
	if verify == VerifyHeader {
		return nil
	}
	if f.AuxPoW && b.Header.HasProof() {
		proof, err := ParseProof(b.Raw[HeaderSize:])
		if err == nil {
			err = proof.Check(id.Hash)
		}
		if err != nil {
			return fmt.Errorf("block %s: %w", id, err)
		}
	}
	return b.verifyMerkle()
}

func (b *Block) verifyMerkle() error {
	if b.hasher == nil {
		b.hasher = sha256d.New()
	}
	count := b.Layout.TxCount()
	b.ids = slices.Grow(b.ids, count)[:count]
	b.hasher.Start(b.ids)
	for i := range count {
		b.hasher.Add(b.Layout.plain(b.Raw, i))
	}
	b.hasher.Finish()
	b.tree = append(b.tree[:0], b.ids...)
	root, unique := merkleRoot(b.hasher, b.tree)
	if !unique || root != b.Header.MerkleRoot() {
		return fmt.Errorf("block %s: %w", b.ID, ErrMerkleRoot)
	}
	return nil
}

// plain returns what transaction i's id covers: everything but its witness and
// MWEB data. A transaction without these is one part.
func (l *Layout) plain(raw []byte, i int) (version, body, lockTime []byte) {
	span := &l.Txs[i]
	if span.Body == span.Start+4 {
		return nil, raw[span.Start:span.End], nil
	}
	return raw[span.Start : span.Start+4], raw[span.Body:span.Witness], raw[span.LockTime:span.End]
}

// txID hashes transaction i of raw, using scratch to bring its parts together.
func (l *Layout) txID(raw []byte, i int, scratch []byte) (TxID, []byte) {
	version, plain, lockTime := l.plain(raw, i)
	if len(version) > 0 {
		scratch = append(scratch[:0], version...)
		scratch = append(scratch, plain...)
		scratch = append(scratch, lockTime...)
		plain = scratch
	}
	return TxID(doubleSHA256(plain)), scratch
}

// TxID returns the id of transaction i of the block.
func (b *Block) TxID(i int) TxID {
	if i < len(b.ids) {
		return TxID(b.ids[i])
	}
	if !b.last.known || i != b.last.tx {
		b.last.id, b.scratch = b.Layout.txID(b.Raw, i, b.scratch)
		b.last.tx, b.last.known = i, true
	}
	return b.last.id
}

// TxID returns the id of the single transaction that [Format.WalkTx] walked.
func (l *Layout) TxID(raw []byte) TxID {
	id, _ := l.txID(raw, 0, nil)
	return id
}

// TxOfOut returns the number of the transaction that output n of the block
// belongs to.
func (l *Layout) TxOfOut(n int) int {
	return sort.Search(l.TxCount(), func(i int) bool { return int(l.Txs[i+1].FirstOut) > n })
}

// TxOfIn returns the number of the transaction that input n of the block
// belongs to.
func (l *Layout) TxOfIn(n int) int {
	return sort.Search(l.TxCount(), func(i int) bool { return int(l.Txs[i+1].FirstIn) > n })
}

// Script returns output n's script. It shares the raw bytes.
func (l *Layout) Script(raw []byte, n int) []byte {
	out := l.Outs[n]
	return raw[out.Script : out.Script+out.Len : out.Script+out.Len]
}

// Value returns output n's value in base units. A node that sends a negative
// value is malformed; consensus keeps values within [0, MaxMoney].
func (l *Layout) Value(raw []byte, n int) Amount {
	out := l.Outs[n]
	start := out.Script - uint32(compactSizeLen(out.Len)) - 8
	return Amount(binary.LittleEndian.Uint64(raw[start:]))
}

// OutPoint returns the outpoint that input n spends.
func (l *Layout) OutPoint(raw []byte, n int) OutPoint {
	return OutPointFromWire(raw[l.Ins[n] : l.Ins[n]+OutPointSize])
}

// PegOut reports whether output n is a peg-out: an output of the HogEx but the
// HogAddr at its output 0.
func (l *Layout) PegOut(n int) bool {
	return l.HogEx && n > int(l.Txs[l.TxCount()-1].FirstOut)
}

// Coinbase reports whether output n is the coinbase transaction's.
func (l *Layout) Coinbase(n int) bool { return n < int(l.Txs[1].FirstOut) }

func compactSizeLen(n uint32) int {
	switch {
	case n < 0xfd:
		return 1
	case n < 1<<16:
		return 3
	}
	return 5
}
