package simnode

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"coffer.example/coffer/coins"
)

// In is a transaction's input.
type In struct {
	Prev     coins.OutPoint
	Script   []byte
	Witness  [][]byte
	Sequence uint32
}

// Out is a transaction's output.
type Out struct {
	Value  coins.Amount
	Script []byte
}

// Tx is a transaction. It is not changed once it has been handed to a chain.
type Tx struct {
	Version  int32
	Ins      []In
	Outs     []Out
	LockTime uint32
	// MWEB is Litecoin's extension data, from its first byte: 00 in a HogEx, 01
	// and more in what waits in a mempool. Nil where there is none.
	MWEB []byte
}

// Parts of a transaction's bytes beyond the original format.
const (
	withWitness = 0x01
	withMWEB    = 0x08
)

// ID returns the transaction's id. One that is MWEB data alone is known by a
// hash of that data, as its node knows it by its first kernel's.
func (tx *Tx) ID() coins.TxID {
	if len(tx.Ins) == 0 && len(tx.Outs) == 0 && len(tx.MWEB) > 0 {
		return sha256d(tx.MWEB)
	}
	return sha256d(tx.append(nil, 0))
}

// WitnessID returns the hash over the witnesses too (BIP 141).
func (tx *Tx) WitnessID() coins.TxID { return sha256d(tx.append(nil, withWitness)) }

// Raw returns the bytes with witnesses and MWEB data.
func (tx *Tx) Raw() []byte { return tx.append(nil, withWitness|withMWEB) }

// VSize returns the virtual size in bytes (BIP 141).
func (tx *Tx) VSize() coins.VBytes { return tx.weight().VBytes() }

func (tx *Tx) weight() coins.Weight {
	plain := len(tx.append(nil, 0))
	return coins.Weight(3*plain + len(tx.append(nil, withWitness)))
}

func (tx *Tx) hasWitness() bool {
	for i := range tx.Ins {
		if len(tx.Ins[i].Witness) > 0 {
			return true
		}
	}
	return false
}

// append appends the bytes with those of parts that the transaction has.
func (tx *Tx) append(dst []byte, parts byte) []byte {
	flags := byte(0)
	if tx.hasWitness() {
		flags = parts & withWitness
	}
	if tx.MWEB != nil {
		flags |= parts & withMWEB
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(tx.Version))
	if flags != 0 {
		dst = append(dst, 0, flags)
	}
	dst = appendSize(dst, len(tx.Ins))
	for i := range tx.Ins {
		in := &tx.Ins[i]
		dst = appendBytes(in.Prev.AppendWire(dst), in.Script)
		dst = binary.LittleEndian.AppendUint32(dst, in.Sequence)
	}
	dst = appendSize(dst, len(tx.Outs))
	for _, out := range tx.Outs {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(out.Value))
		dst = appendBytes(dst, out.Script)
	}
	if flags&withWitness != 0 {
		for i := range tx.Ins {
			dst = appendWitness(dst, tx.Ins[i].Witness)
		}
	}
	if flags&withMWEB != 0 {
		dst = append(dst, tx.MWEB...)
	}
	return binary.LittleEndian.AppendUint32(dst, tx.LockTime)
}

func appendWitness(dst []byte, items [][]byte) []byte {
	dst = appendSize(dst, len(items))
	for _, item := range items {
		dst = appendBytes(dst, item)
	}
	return dst
}

// appendSize appends a CompactSize.
func appendSize(dst []byte, n int) []byte {
	switch {
	case n < 0xfd:
		return append(dst, byte(n))
	case n < 1<<16:
		return binary.LittleEndian.AppendUint16(append(dst, 0xfd), uint16(n))
	}
	return binary.LittleEndian.AppendUint32(append(dst, 0xfe), uint32(n))
}

// appendBytes appends bytes behind their length.
func appendBytes(dst, b []byte) []byte { return append(appendSize(dst, len(b)), b...) }

// readSize reads a CompactSize that the coin's walker has already accepted.
func readSize(b []byte) (n int, rest []byte) {
	switch b[0] {
	case 0xfd:
		return int(binary.LittleEndian.Uint16(b[1:])), b[3:]
	case 0xfe:
		return int(binary.LittleEndian.Uint32(b[1:])), b[5:]
	case 0xff:
		return int(binary.LittleEndian.Uint64(b[1:])), b[9:]
	}
	return int(b[0]), b[1:]
}

func readBytes(b []byte) (item, rest []byte) {
	n, b := readSize(b)
	return b[:n:n], b[n:]
}

// ParseTx reads a raw transaction of a format. It shares raw's memory. It
// fails with the errors of [coins.Format.WalkTx].
func ParseTx(f coins.Format, raw []byte) (*Tx, error) {
	var layout coins.Layout
	if err := f.WalkTx(raw, &layout); err != nil {
		return nil, fmt.Errorf("parse transaction: %w", err)
	}
	return txAt(raw, &layout, 0), nil
}

// txAt reads transaction i of bytes that have been walked.
func txAt(raw []byte, l *coins.Layout, i int) *Tx {
	span, next := &l.Txs[i], &l.Txs[i+1]
	tx := &Tx{
		Version:  int32(binary.LittleEndian.Uint32(raw[span.Start:])),
		LockTime: binary.LittleEndian.Uint32(raw[span.LockTime:]),
		Ins:      make([]In, 0, next.FirstIn-span.FirstIn),
		Outs:     make([]Out, 0, next.FirstOut-span.FirstOut),
	}
	for n := span.FirstIn; n < next.FirstIn; n++ {
		script, rest := readBytes(raw[l.Ins[n]+coins.OutPointSize:])
		tx.Ins = append(tx.Ins, In{
			Prev: l.OutPoint(raw, int(n)), Script: script, Sequence: binary.LittleEndian.Uint32(rest),
		})
	}
	for n := int(span.FirstOut); n < int(next.FirstOut); n++ {
		tx.Outs = append(tx.Outs, Out{Value: l.Value(raw, n), Script: l.Script(raw, n)})
	}
	tx.readTail(raw[span.Witness:span.LockTime], flagsOf(raw, span))
	return tx
}

func flagsOf(raw []byte, span *coins.TxSpan) byte {
	if span.Body == span.Start+4 {
		return 0
	}
	return raw[span.Start+5]
}

// readTail reads what stands between the outputs and the lock time.
func (tx *Tx) readTail(tail []byte, flags byte) {
	if flags&withWitness != 0 {
		for i := range tx.Ins {
			var count int
			count, tail = readSize(tail)
			items := make([][]byte, count)
			for k := range items {
				items[k], tail = readBytes(tail)
			}
			tx.Ins[i].Witness = items
		}
	}
	if flags&withMWEB != 0 {
		tx.MWEB = tail
	}
}

func sha256d(b []byte) [32]byte {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}

// merkleRoot returns the root over hashes, and the branch from the first of
// them to it.
func merkleRoot(hashes [][32]byte) (root [32]byte, branch [][32]byte) {
	level := append([][32]byte(nil), hashes...)
	var pair [64]byte
	for len(level) > 1 {
		branch = append(branch, level[1])
		half := (len(level) + 1) / 2
		for i := range half {
			copy(pair[:32], level[2*i][:])
			copy(pair[32:], level[min(2*i+1, len(level)-1)][:])
			level[i] = sha256d(pair[:])
		}
		level = level[:half]
	}
	return level[0], branch
}
