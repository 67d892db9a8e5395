package utxo

import (
	"encoding/binary"

	"coffer.example/coffer/coins"
)

// The tables, each a first byte of the key. doc.go draws the rows.
const (
	tableBalance  = 'b'
	tableCursor   = 'c'
	tableBlockSum = 'a'
	tableUndo     = 'd'
	tableEvent    = 'e'
	tableHeader   = 'h'
	tableIdentity = 'i'
	tableJob      = 'j'
	tableLease    = 'r'
	tableLog      = 'l'
	tableMark     = 'm'
	tableOrigin   = 'y'
	tableOwed     = 'z'
	tablePool     = 'p'
	tableFound    = 'q'
	tableSource   = 'o'
	tableState    = 's'
	tableTxID     = 't'
	tableUnspent  = 'u'
	tableWatch    = 'w'
	tableTx       = 'x'
)

// scriptID numbers watched scripts in the order of their import, from 1, and
// is never given out again.
type scriptID uint32

// txNum numbers a transaction in chain order: its height in the upper half,
// its place in the block in the lower one.
type txNum uint64

func numberOf(height coins.Height, index uint32) txNum {
	return txNum(height)<<32 | txNum(index)
}

func (n txNum) height() coins.Height { return coins.Height(n >> 32) }
func (n txNum) index() uint32        { return uint32(n) }

// Lengths of keys that are taken apart.
const (
	txKeySize      = 1 + 8
	coinKeySize    = txKeySize + 4
	unspentKeySize = 1 + 4 + 1 + 8 + 4
	eventKeySize   = 1 + 4 + 8 + 1 + 4
	txidPrefix     = 8
)

func keyIdentity() []byte { return []byte{tableIdentity} }
func keyState() []byte    { return []byte{tableState} }

func keyHeight(table byte, height coins.Height) []byte {
	return binary.BigEndian.AppendUint32([]byte{table}, uint32(height))
}

func keyScript(table byte, id scriptID) []byte {
	return binary.BigEndian.AppendUint32([]byte{table}, uint32(id))
}

func keyNumber(table byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{table}, number)
}

func keyTx(num txNum) []byte { return keyNumber(tableTx, uint64(num)) }

func keyCoin(num txNum, vout uint32) []byte {
	key := make([]byte, 0, coinKeySize)
	key = binary.BigEndian.AppendUint64(append(key, tableTx), uint64(num))
	return binary.BigEndian.AppendUint32(key, vout)
}

// keyTxID shortens the id to eight bytes: the row lists every transaction that
// shares them, and the transaction's own row proves which one it is.
func keyTxID(id coins.TxID) []byte { return append([]byte{tableTxID}, id[:txidPrefix]...) }

func keyPool(id coins.TxID) []byte { return append([]byte{tablePool}, id[:]...) }

// Classes of unspent coins: those that mature stand apart, so that the
// immature ones are found without reading the others.
const (
	classPlain     = 0
	classGenerated = 1
)

func keyUnspent(id scriptID, c coinRef, flags coinFlags) []byte {
	key := make([]byte, 0, unspentKeySize)
	key = binary.BigEndian.AppendUint32(append(key, tableUnspent), uint32(id))
	key = binary.BigEndian.AppendUint64(append(key, flags.class()), uint64(c.num))
	return binary.BigEndian.AppendUint32(key, c.vout)
}

func keyClass(id scriptID, class byte) []byte {
	return append(keyScript(tableUnspent, id), class)
}

// keyEvent orders a script's history as the chain does: within a transaction
// inputs come before outputs.
func keyEvent(id scriptID, num txNum, kind EventKind, n uint32) []byte {
	key := make([]byte, 0, eventKeySize)
	key = binary.BigEndian.AppendUint32(append(key, tableEvent), uint32(id))
	key = binary.BigEndian.AppendUint64(key, uint64(num))
	return binary.BigEndian.AppendUint32(append(key, eventOrder(kind)), n)
}

func eventOrder(kind EventKind) byte {
	if kind == Spent {
		return 0
	}
	return 1
}

func keyFound(job JobID, height coins.Height) []byte {
	return binary.BigEndian.AppendUint32(keyNumber(tableFound, uint64(job)), uint32(height))
}

// heightOfKey reads the height that ends a key.
func heightOfKey(key []byte) coins.Height {
	return coins.Height(binary.BigEndian.Uint32(key[len(key)-4:]))
}

func scriptOfKey(key []byte) scriptID { return scriptID(binary.BigEndian.Uint32(key[1:])) }

func numberOfKey(key []byte) txNum { return txNum(binary.BigEndian.Uint64(key[1:])) }
