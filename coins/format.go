package coins

import (
	"encoding/binary"
	"fmt"
)

// Format is what a coin's block and transaction bytes may hold beyond the
// original Bitcoin format.
type Format struct {
	// Segwit allows witnesses (BIP 144).
	Segwit bool
	// MWEB allows Litecoin's extension data and the HogEx (LIP 2, LIP 3).
	MWEB bool
	// AuxPoW allows a merge-mining proof behind the header.
	AuxPoW bool
	// MaxBlock is the longest raw block accepted, in bytes, with proof and
	// extension. At most 1 GiB.
	MaxBlock int

	// bare allows a transaction without outputs: Dogecoin's own regtest miner
	// puts one into the proofs it makes.
	bare bool
}

// Smallest serialized sizes, in bytes: they bound a count before its items are
// read, so that a hostile count costs nothing.
const (
	minTx     = 4 + 1 + minIn + 1 + minOut + 4
	minIn     = OutPointSize + 1 + 4
	minOut    = 8 + 1
	minBlock  = HeaderSize + 1 + minTx
	maxBranch = 64
)

const (
	flagWitness = 0x01
	flagMWEB    = 0x08
)

// TxSpan locates one transaction in the raw bytes.
type TxSpan struct {
	// Start is the offset of the version.
	Start uint32
	// Body is the offset of the input count: Start+4, or Start+6 where a marker
	// and flags stand before it.
	Body uint32
	// Witness is the offset of the byte after the outputs.
	Witness uint32
	// LockTime is the offset of the lock time.
	LockTime uint32
	// End is the offset of the byte after the transaction.
	End uint32
	// FirstIn and FirstOut number the transaction's first input and output
	// among the block's.
	FirstIn, FirstOut uint32
}

// OutSpan locates an output's script in the raw bytes. The value stands in
// the eight bytes before the script's length.
type OutSpan struct {
	Script, Len uint32
}

// Layout locates every part of a raw block or transaction. It is reused from
// one to the next; [Format.Walk] and [Format.WalkTx] overwrite it.
type Layout struct {
	// Txs are the transactions, followed by one sentinel whose FirstIn and
	// FirstOut are the numbers of inputs and outputs of the block.
	Txs []TxSpan
	// Ins are the offsets of the inputs' outpoints ([OutPointSize] bytes each).
	Ins []uint32
	// Outs are the outputs.
	Outs []OutSpan
	// HogEx says that the last transaction is Litecoin's HogEx: its outputs
	// from 1 on are peg-outs.
	HogEx bool
	// MWEBOnly says of a single transaction that it has no transparent inputs
	// or outputs.
	MWEBOnly bool

	mweb bool // some transaction carried MWEB data
}

// TxCount returns the number of transactions.
func (l *Layout) TxCount() int { return max(len(l.Txs)-1, 0) }

func (l *Layout) reset() {
	*l = Layout{Txs: l.Txs[:0], Ins: l.Ins[:0], Outs: l.Outs[:0]}
}

// close appends the sentinel.
func (l *Layout) close() {
	l.Txs = append(l.Txs, TxSpan{FirstIn: uint32(len(l.Ins)), FirstOut: uint32(len(l.Outs))})
}

// Walk finds every transaction, input and output of a raw block in one pass,
// without copying. It checks the framing only: the header's hash, merkle root
// and parent are [Block]'s and the scanner's work. It fails with
// [ErrTruncated], [ErrMalformed] or [ErrTrailing], naming transaction and offset.
func (f Format) Walk(raw []byte, l *Layout) error {
	l.reset()
	if len(raw) > f.MaxBlock {
		return fmt.Errorf("block of %d bytes, limit %d: %w", len(raw), f.MaxBlock, ErrMalformed)
	}
	if len(raw) < minBlock {
		return fmt.Errorf("block of %d bytes: %w", len(raw), ErrTruncated)
	}
	p, err := f.headerEnd(raw)
	if err != nil {
		return err
	}
	count, p := compactSize(raw, p)
	if p < 0 || count == 0 || count > uint64(len(raw)-p)/minTx {
		return fmt.Errorf("transaction count: %w", cutOrBad(count != 0))
	}
	for i := range int(count) {
		if p = f.walkTx(raw, p, l, inBlock); p < 0 {
			return fmt.Errorf("transaction %d of %d: %w", i, count, fault(p))
		}
	}
	l.HogEx = f.MWEB && l.lastIsHogEx(raw)
	l.close()
	return f.checkExtension(raw[p:], l)
}

// WalkTx finds the parts of one raw transaction, as [Format.Walk] does for a
// block. MWEB data of a mempool transaction is stepped over; a transaction
// with nothing else sets MWEBOnly.
func (f Format) WalkTx(raw []byte, l *Layout) error {
	l.reset()
	if len(raw) > f.MaxBlock {
		return fmt.Errorf("transaction of %d bytes, limit %d: %w", len(raw), f.MaxBlock, ErrMalformed)
	}
	p := f.walkTx(raw, 0, l, alone)
	if p < 0 {
		return fmt.Errorf("transaction: %w", fault(p))
	}
	if p != len(raw) {
		return fmt.Errorf("transaction of %d bytes, %d given: %w", p, len(raw), ErrTrailing)
	}
	l.close()
	return nil
}

// lastIsHogEx knows the HogEx by position: last, not the coinbase, output 0
// pays to a HogAddr (witness version 8, 32 bytes).
func (l *Layout) lastIsHogEx(raw []byte) bool {
	last := len(l.Txs) - 1
	if last < 1 {
		return false
	}
	out := l.Outs[l.Txs[last].FirstOut]
	return out.Len == 34 && raw[out.Script] == 0x58 && raw[out.Script+1] == 0x20
}

// checkExtension accepts what may follow the transactions: nothing, or after a
// HogEx that carried its MWEB byte the optional MWEB block.
func (f Format) checkExtension(rest []byte, l *Layout) error {
	switch {
	case len(rest) == 0:
		return nil
	case !l.HogEx || !l.mweb:
		return fmt.Errorf("%d bytes after the last transaction: %w", len(rest), ErrTrailing)
	case rest[0] == 1 && len(rest) > 1, rest[0] == 0 && len(rest) == 1:
		return nil
	}
	return fmt.Errorf("MWEB block: %w", ErrMalformed)
}

// Positions below zero are faults.
const (
	cutShort  = -1
	malformed = -2
)

func fault(p int) error { return cutOrBad(p == cutShort) }

func cutOrBad(cut bool) error {
	if cut {
		return ErrTruncated
	}
	return ErrMalformed
}

// compactSize reads Bitcoin's variable length integer at p and returns it with
// the position behind it, or a fault. Non-canonical forms are malformed, as
// nodes have it. Where every nanosecond counts, [oneByte] comes before: it is
// inlined, this is not.
func compactSize(b []byte, p int) (uint64, int) {
	if oneByte(b, p) {
		return uint64(b[p]), p + 1
	}
	return longCompactSize(b, p)
}

// oneByte says whether the variable length integer at p is its first byte, as
// nearly all are.
func oneByte(b []byte, p int) bool { return uint(p) < uint(len(b)) && b[p] < 0xfd }

func longCompactSize(b []byte, p int) (uint64, int) {
	if uint(p) >= uint(len(b)) {
		return 1, cutShort
	}
	width := 2 << (b[p] - 0xfd)
	if len(b)-p-1 < width {
		return 1, cutShort
	}
	var n, least uint64
	switch p++; width {
	case 2:
		n, least = uint64(binary.LittleEndian.Uint16(b[p:])), 0xfd
	case 4:
		n, least = uint64(binary.LittleEndian.Uint32(b[p:])), 1<<16
	default:
		n, least = binary.LittleEndian.Uint64(b[p:]), 1<<32
	}
	if n < least {
		return 0, malformed
	}
	return n, p + width
}
