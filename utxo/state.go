package utxo

import (
	"encoding/binary"
	"fmt"

	"coffer.example/coffer/coins"
)

// FormatVersion is the version of the stored rows, drawn in the package's text.
const FormatVersion = 1

// identity is what an index is of: written once, read at every open.
type identity struct {
	version uint32
	id      IndexID
	start   coins.Height
	symbol  coins.Symbol
	network coins.Network
	genesis coins.BlockHash
	// resetting says that a reset was begun and has not ended.
	resetting bool
}

func (i identity) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, i.version)
	b = appendHeight(append(b, i.id[:]...), i.start)
	b = append(append(b, i.genesis[:]...), boolByte(i.resetting))
	return appendBytes(appendBytes(b, []byte(i.symbol)), []byte(i.network))
}

// decodeIdentity reads the version first: what follows may be anything in a
// newer format.
func decodeIdentity(value []byte) (i identity, err error) {
	d := decoder{rest: value}
	if i.version = d.u32(); !d.bad && i.version > FormatVersion {
		return i, fmt.Errorf("format %d, this version reads %d: %w", i.version, FormatVersion, ErrNewer)
	}
	copy(i.id[:], d.take(len(i.id)))
	i.start, i.genesis, i.resetting = d.height(), d.hash(), d.u8() != 0
	i.symbol, i.network = coins.Symbol(d.bytes()), coins.Network(d.bytes())
	return i, d.end("identity")
}

// matches says whether the index is of this coin and network.
func (i identity) matches(p *coins.Params) error {
	if i.symbol != p.Symbol || i.network != p.Network || i.genesis != p.Chain.Genesis {
		return fmt.Errorf("index of %s %s (genesis %s) opened as %s %s (genesis %s): %w",
			i.symbol, i.network, i.genesis, p.Symbol, p.Network, p.Chain.Genesis, ErrForeign)
	}
	return nil
}

// state is the one row that every transaction rewrites.
type state struct {
	tip    coins.BlockID
	hasTip bool
	// undoFrom is the lowest height that is ever disconnected.
	undoFrom coins.Height
	lastSeq  Seq
	// lastScript and lastJob are the highest numbers given out.
	lastScript scriptID
	lastJob    JobID
	watched    uint64
	sum        sumRow
}

func (s state) encode() []byte {
	b := appendBlockID([]byte{boolByte(s.hasTip)}, s.tip)
	b = appendHeight(b, s.undoFrom)
	b = binary.BigEndian.AppendUint64(b, uint64(s.lastSeq))
	b = binary.BigEndian.AppendUint32(b, uint32(s.lastScript))
	b = binary.BigEndian.AppendUint64(b, uint64(s.lastJob))
	b = binary.BigEndian.AppendUint64(b, s.watched)
	return s.sum.append(b)
}

func decodeState(value []byte) (s state, err error) {
	d := decoder{rest: value}
	s.hasTip, s.tip, s.undoFrom = d.u8() != 0, d.blockID(), d.height()
	s.lastSeq, s.lastScript, s.lastJob = Seq(d.u64()), scriptID(d.u32()), JobID(d.u64())
	s.watched, s.sum = d.u64(), d.sum()
	return s, d.end("state")
}

// above returns the height of the block that comes next.
func (s *state) above(start coins.Height) coins.Height {
	if s.hasTip {
		return s.tip.Height + 1
	}
	return start
}
