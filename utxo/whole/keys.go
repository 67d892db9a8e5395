package whole

import (
	"crypto/sha256"
	"encoding/binary"

	"coffer.example/coffer/coins"
)

// The tables, each a first byte of the key. doc.go draws the rows.
const (
	tableEvents   = 'e'
	tablePages    = 'g'
	tableHeader   = 'h'
	tableIdentity = 'i'
	tableLive     = 'l'
	tableMaturing = 'm'
	tableState    = 's'
	tableIDs      = 't'
	tableTxs      = 'x'
)

// runTables are those of which each key begins with a run.
func runTables() []byte { return []byte{tableEvents, tablePages, tableLive, tableMaturing, tableIDs} }

// txNum numbers a transaction in chain order: its height in the upper half,
// its place in the block in the lower one.
type txNum uint64

func numberOf(height coins.Height, place uint32) txNum { return txNum(height)<<32 | txNum(place) }

func (n txNum) height() coins.Height { return coins.Height(n >> 32) }
func (n txNum) place() uint32        { return uint32(n) }

// coinRef names an output by its transaction's number.
type coinRef struct {
	num  txNum
	vout uint32
}

// before orders coins as the chain does.
func (r coinRef) before(o coinRef) bool { return r.num < o.num || r.num == o.num && r.vout < o.vout }

// saltSize is the length of what is drawn for each index and hashed before
// every script, so that nobody can prepare two scripts with the same key.
const saltSize = 16

// scriptKey stands for a script: twelve bytes of SHA-256 over salt and script.
// hi sorts first.
type scriptKey struct {
	hi uint64
	lo uint32
}

// keyOf hashes a script; buf holds the salt and is room for the script.
func keyOf(buf, script []byte) (scriptKey, []byte) {
	buf = append(buf[:saltSize], script...)
	hash := sha256.Sum256(buf)
	return scriptKey{binary.BigEndian.Uint64(hash[:]), binary.BigEndian.Uint32(hash[8:])}, buf
}

func (k scriptKey) compare(o scriptKey) int {
	switch {
	case k.hi < o.hi || k.hi == o.hi && k.lo < o.lo:
		return -1
	case k == o:
		return 0
	}
	return 1
}

func (k scriptKey) append(b []byte) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, k.hi), k.lo)
}

// bucketOf returns which of 2^bits equal shares of all hashes one falls in.
func bucketOf(hi uint64, bits uint8) uint32 {
	if bits == 0 {
		return 0
	}
	return uint32(hi >> (64 - bits))
}

// floorOf returns the lowest hash of a bucket.
func floorOf(bucket uint32, bits uint8) uint64 {
	if bits == 0 {
		return 0
	}
	return uint64(bucket) << (64 - bits)
}

// prefixOf is the part of a transaction's id that finds it.
func prefixOf(id coins.TxID) uint64 { return binary.BigEndian.Uint64(id[:]) }

func keyIdentity() []byte { return []byte{tableIdentity} }
func keyState() []byte    { return []byte{tableState} }

func keyHeader(height coins.Height) []byte { return appendHeight([]byte{tableHeader}, height) }

// chunkTxs is how many transactions share a row.
const chunkTxs = 16

func keyChunk(height coins.Height, chunk uint32) []byte {
	return binary.BigEndian.AppendUint32(appendHeight([]byte{tableTxs}, height), chunk)
}

// runID numbers runs in the order of their making, from 1.
type runID uint32

func keyRun(table byte, run runID) []byte {
	return binary.BigEndian.AppendUint32([]byte{table}, uint32(run))
}

func keyBucket(table byte, run runID, bucket uint32) []byte {
	return binary.BigEndian.AppendUint32(keyRun(table, run), bucket)
}

// keyGroup is the beginning of the keys of one script's rows in a run.
func keyGroup(table byte, run runID, key scriptKey) []byte { return key.append(keyRun(table, run)) }

// place of an event in its script's history: transaction, inputs before
// outputs, number.
const placeSize = 8 + 1 + 4

func keyPage(table byte, run runID, key scriptKey, first event) []byte {
	return first.appendPlace(keyGroup(table, run, key))
}

func (e event) appendPlace(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(e.num))
	order := byte(1)
	if e.flags&flagSpent != 0 {
		order = 0
	}
	return binary.BigEndian.AppendUint32(append(b, order), e.n)
}

func keyLive(run runID, key scriptKey, first coinRef) []byte {
	return first.append(keyGroup(tableLive, run, key))
}

func (r coinRef) append(b []byte) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, uint64(r.num)), r.vout)
}
