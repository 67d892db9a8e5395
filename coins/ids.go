package coins

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// HashSize is the length of a transaction id or block hash in bytes.
const HashSize = 32

// TxID identifies a transaction: the double SHA-256 of its bytes without
// witnesses and without MWEB data, in the byte order of the wire.
type TxID [HashSize]byte

// BlockHash identifies a block: the double SHA-256 of the first 80 bytes of
// its header, for every coin whatever its proof of work, in the byte order of
// the wire.
type BlockHash [HashSize]byte

// String writes the id as nodes do: hexadecimal, bytes reversed.
func (id TxID) String() string { return reversedHex(id) }

// String writes the hash as nodes do: hexadecimal, bytes reversed.
func (h BlockHash) String() string { return reversedHex(h) }

// MarshalText writes the id as in [TxID.String].
func (id TxID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// MarshalText writes the hash as in [BlockHash.String].
func (h BlockHash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what [ParseTxID] reads.
func (id *TxID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseTxID(string(text))
	return err
}

// UnmarshalText reads what [ParseBlockHash] reads.
func (h *BlockHash) UnmarshalText(text []byte) (err error) {
	*h, err = ParseBlockHash(string(text))
	return err
}

// ParseTxID reads 64 hexadecimal digits, bytes reversed; it fails with [ErrHash].
func ParseTxID(text string) (TxID, error) {
	hash, err := parseReversedHex(text)
	return TxID(hash), err
}

// ParseBlockHash reads 64 hexadecimal digits, bytes reversed; it fails with [ErrHash].
func ParseBlockHash(text string) (BlockHash, error) {
	hash, err := parseReversedHex(text)
	return BlockHash(hash), err
}

func reversedHex(hash [HashSize]byte) string {
	reverse(&hash)
	return hex.EncodeToString(hash[:])
}

func parseReversedHex(text string) (hash [HashSize]byte, err error) {
	if len(text) != 2*HashSize {
		return hash, fmt.Errorf("%q: %w", clip(text), ErrHash)
	}
	if _, err := hex.Decode(hash[:], []byte(text)); err != nil {
		return hash, fmt.Errorf("%q: %w", clip(text), ErrHash)
	}
	reverse(&hash)
	return hash, nil
}

func reverse(hash *[HashSize]byte) {
	for i, j := 0, HashSize-1; i < j; i, j = i+1, j-1 {
		hash[i], hash[j] = hash[j], hash[i]
	}
}

// Height is a block's distance from the genesis block, 0 to 2^31−1. The one
// integer type for heights everywhere. It is signed so that differences are
// plain arithmetic; a negative Height is never stored nor passed.
type Height int32

// MaxHeight is the largest height.
const MaxHeight Height = 1<<31 - 1

// BlockID names a block by height and hash.
type BlockID struct {
	Height Height    `json:"height"`
	Hash   BlockHash `json:"hash"`
}

// String writes "height hash".
func (id BlockID) String() string { return strconv.Itoa(int(id.Height)) + " " + id.Hash.String() }

// OutPoint names one output of one transaction.
type OutPoint struct {
	TxID TxID
	Vout uint32
}

// OutPointSize is the length of an outpoint on the wire: id and a little
// endian output number.
const OutPointSize = HashSize + 4

// String writes "txid:output".
func (o OutPoint) String() string {
	return o.TxID.String() + ":" + strconv.FormatUint(uint64(o.Vout), 10)
}

// MarshalText writes the outpoint as in [OutPoint.String].
func (o OutPoint) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what [ParseOutPoint] reads.
func (o *OutPoint) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOutPoint(string(text))
	return err
}

// ParseOutPoint reads "txid:output"; it fails with [ErrOutPoint].
func ParseOutPoint(text string) (OutPoint, error) {
	id, vout, found := strings.Cut(text, ":")
	txid, err := ParseTxID(id)
	if !found || err != nil {
		return OutPoint{}, fmt.Errorf("%q: %w", clip(text), ErrOutPoint)
	}
	n, err := strconv.ParseUint(vout, 10, 32)
	if err != nil || (len(vout) > 1 && vout[0] == '0') {
		return OutPoint{}, fmt.Errorf("%q: %w", clip(text), ErrOutPoint)
	}
	return OutPoint{TxID: txid, Vout: uint32(n)}, nil
}

// OutPointFromWire reads an outpoint's [OutPointSize] bytes as inputs carry them.
func OutPointFromWire(b []byte) OutPoint {
	return OutPoint{TxID: TxID(b[:HashSize]), Vout: binary.LittleEndian.Uint32(b[HashSize:OutPointSize])}
}

// AppendWire appends the outpoint as inputs carry it.
func (o OutPoint) AppendWire(dst []byte) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, o.TxID[:]...), o.Vout)
}

// IsCoinbase reports whether an input's outpoint is a coinbase's: all
// zeros and output 0xffffffff.
func (o OutPoint) IsCoinbase() bool { return o.TxID == TxID{} && o.Vout == 1<<32-1 }
