package whole

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// FormatVersion is the version of the stored rows, drawn in the package's text.
const FormatVersion = 1

// identity is what an index is of: written once, read at every open.
type identity struct {
	version uint32
	id      utxo.IndexID
	salt    [saltSize]byte
	symbol  coins.Symbol
	network coins.Network
	genesis coins.BlockHash
}

func (i *identity) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, i.version)
	b = append(append(append(b, i.id[:]...), i.salt[:]...), i.genesis[:]...)
	return appendBytes(appendBytes(b, []byte(i.symbol)), []byte(i.network))
}

// decodeIdentity reads the version first: what follows may be anything in a
// newer format.
func decodeIdentity(value []byte) (i identity, err error) {
	d := decoder{rest: value}
	if i.version = d.u32(); !d.bad && i.version > FormatVersion {
		return i, fmt.Errorf("format %d, this version reads %d: %w", i.version, FormatVersion, utxo.ErrNewer)
	}
	copy(i.id[:], d.take(len(i.id)))
	copy(i.salt[:], d.take(len(i.salt)))
	i.genesis = d.hash()
	i.symbol, i.network = coins.Symbol(d.bytes()), coins.Network(d.bytes())
	return i, d.end("identity")
}

// matches says whether the index is of this coin and network.
func (i *identity) matches(p *coins.Params) error {
	if i.symbol != p.Symbol || i.network != p.Network || i.genesis != p.Chain.Genesis {
		return fmt.Errorf("index of %s %s (genesis %s) opened as %s %s (genesis %s): %w",
			i.symbol, i.network, i.genesis, p.Symbol, p.Network, p.Chain.Genesis, utxo.ErrForeign)
	}
	return nil
}

// run is one sorted run: the events and transaction ids of a range of blocks.
type run struct {
	id runID
	// from and to are the first and last height in it; blocks from cut on were
	// disconnected since, and count for nothing: cut is to+1 while all count.
	from, to, cut coins.Height
	// events and ids count what is in it, the disconnected too; eventBits and
	// idBits say into how many buckets they are spread.
	events, ids       uint64
	eventBits, idBits uint8
}

// Spread: a bucket, which is a row, has this many items on average.
const (
	bucketEvents = 128
	bucketIDs    = 256
)

// bitsFor returns the bits of the number of buckets for a number of items.
func bitsFor(items uint64, each int) uint8 {
	return uint8(min(31, bits.Len64(items/uint64(each))))
}

// counts says whether what stands at a height is part of the chain.
func (r *run) counts(height coins.Height) bool { return height < r.cut }

func (r *run) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(r.id))
	b = appendHeight(appendHeight(appendHeight(b, r.from), r.to), r.cut)
	b = binary.BigEndian.AppendUint64(b, r.events)
	b = binary.BigEndian.AppendUint64(b, r.ids)
	return append(b, r.eventBits, r.idBits)
}

func (d *decoder) run() (r run) {
	r.id = runID(d.u32())
	r.from, r.to, r.cut = d.height(), d.height(), d.height()
	r.events, r.ids = d.u64(), d.u64()
	r.eventBits, r.idBits = d.u8(), d.u8()
	return r
}

// state is the one row that every commit rewrites: what it names is the index,
// whatever other rows the store holds.
type state struct {
	tip    coins.BlockID
	hasTip bool
	// lastRun is the highest run ever given a number.
	lastRun runID
	// txs counts transactions; sum is of all events.
	txs uint64
	sum sum
	// runs are in the order of their blocks; dropped ones have rows left to
	// delete.
	runs    []run
	dropped []runID
}

// maxRuns bounds what a state row may name.
const maxRuns = 1 << 16

func (s *state) encode() []byte {
	b := appendBool(make([]byte, 0, 128+len(s.runs)*34), s.hasTip)
	b = append(appendHeight(b, s.tip.Height), s.tip.Hash[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(s.lastRun))
	b = binary.BigEndian.AppendUint64(b, s.txs)
	b = s.sum.append(b)
	b = binary.AppendUvarint(b, uint64(len(s.runs)))
	for i := range s.runs {
		b = s.runs[i].append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(s.dropped)))
	for _, id := range s.dropped {
		b = binary.BigEndian.AppendUint32(b, uint32(id))
	}
	return b
}

func decodeState(value []byte) (s state, err error) {
	d := decoder{rest: value}
	s.hasTip, s.tip.Height, s.tip.Hash = d.u8() != 0, d.height(), d.hash()
	s.lastRun, s.txs, s.sum = runID(d.u32()), d.u64(), d.sum()
	for n := d.count(); n > 0; n-- {
		s.runs = append(s.runs, d.run())
	}
	for n := d.count(); n > 0; n-- {
		s.dropped = append(s.dropped, runID(d.u32()))
	}
	return s, d.end("state")
}

// count reads how many items follow.
func (d *decoder) count() uint64 {
	n := d.uvarint()
	if n > maxRuns {
		d.bad = true
		return 0
	}
	return n
}

// next returns the height of the block that comes next.
func (s *state) next() coins.Height {
	if s.hasTip {
		return s.tip.Height + 1
	}
	return 0
}

// blockRow is what is stored of a block beside its transactions.
type blockRow struct {
	header coins.RawHeader
	txs    uint32
	sum    sum
}

func (r *blockRow) encode() []byte {
	b := append(make([]byte, 0, coins.HeaderSize+32), r.header[:]...)
	return r.sum.append(binary.AppendUvarint(b, uint64(r.txs)))
}

func decodeBlock(value []byte) (r blockRow, err error) {
	d := decoder{rest: value}
	copy(r.header[:], d.take(coins.HeaderSize))
	r.txs, r.sum = d.uint32(), d.sum()
	return r, d.end("header")
}
