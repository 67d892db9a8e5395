package utxo_test

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
)

// testHelper is what helpers need of a test, a benchmark or a property.
type testHelper interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// testCoin is Bitcoin's regtest.
func testCoin(tb testHelper) coins.Coin {
	tb.Helper()
	coin, err := btc.New(coins.Regtest)
	if err != nil {
		tb.Fatal(err)
	}
	return coin
}

// script returns the n-th test script, of the form of a P2PKH one.
func script(n int) []byte {
	s := append([]byte{0x76, 0xa9, 0x14}, make([]byte, 20)...)
	binary.BigEndian.PutUint64(s[3:], uint64(n)+1)
	return append(s, 0x88, 0xac)
}

// testBlock is a block as btcd has it with the height it stands at.
type testBlock struct {
	height coins.Height
	msg    *wire.MsgBlock
	raw    []byte
}

func (b *testBlock) id() coins.BlockID {
	return coins.BlockID{Height: b.height, Hash: coins.BlockHash(b.msg.Header.BlockHash())}
}

// load makes the block as the scanner would hand it over.
func (b *testBlock) load(tb testHelper, coin coins.Coin) *coins.Block {
	tb.Helper()
	block := &coins.Block{Raw: bytes.Clone(b.raw)}
	if err := block.Load(coin.Params().Format, b.id(), coins.VerifyMerkle); err != nil {
		tb.Fatal(err)
	}
	return block
}

// scribble overwrites a block's memory, as the scanner does with the next.
func scribble(b *coins.Block) {
	clear(b.Raw)
	clear(b.Header[:])
	clear(b.ScriptMarks)
	clear(b.OutPointMarks)
}

// newBlock puts transactions into a block above prev; the salt tells apart
// blocks that are otherwise the same.
func newBlock(prev *testBlock, start coins.Height, salt uint32, txs ...*wire.MsgTx) *testBlock {
	height, parent := start, chainhash.Hash{}
	if prev != nil {
		height, parent = prev.height+1, prev.msg.Header.BlockHash()
	}
	header := wire.BlockHeader{Version: 2, PrevBlock: parent, MerkleRoot: merkle(txs), Timestamp: time.Unix(1_700_000_000+int64(height)*600, 0), Bits: 0x207fffff, Nonce: salt}
	msg := &wire.MsgBlock{Header: header, Transactions: txs}
	var raw bytes.Buffer
	if err := msg.Serialize(&raw); err != nil {
		panic(err)
	}
	return &testBlock{height, msg, raw.Bytes()}
}

func merkle(txs []*wire.MsgTx) chainhash.Hash {
	var level []chainhash.Hash
	for _, tx := range txs {
		level = append(level, tx.TxHash())
	}
	for len(level) > 1 {
		var next []chainhash.Hash
		for i := 0; i < len(level); i += 2 {
			j := min(i+1, len(level)-1)
			next = append(next, chainhash.DoubleHashH(append(level[i].CloneBytes(), level[j][:]...)))
		}
		level = next
	}
	return level[0]
}

// coinbaseTx makes a coinbase; equal tags and outputs make equal ids.
func coinbaseTx(tag uint32, outs ...*wire.TxOut) *wire.MsgTx {
	tx := wire.NewMsgTx(1)
	sig := binary.LittleEndian.AppendUint32([]byte{4}, tag)
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{}, 1<<32-1), sig, nil))
	tx.TxOut = outs
	return tx
}

// spendTx makes a transaction of outpoints and outputs.
func spendTx(salt uint32, ins []wire.OutPoint, outs ...*wire.TxOut) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	for i := range ins {
		tx.AddTxIn(wire.NewTxIn(&ins[i], []byte{1, byte(i)}, nil))
	}
	tx.TxOut, tx.LockTime = outs, salt
	return tx
}

func pay(n int, value int64) *wire.TxOut { return wire.NewTxOut(value, script(n)) }

func outPoint(tx *wire.MsgTx, vout uint32) wire.OutPoint {
	return wire.OutPoint{Hash: tx.TxHash(), Index: vout}
}

func rawTx(tb testHelper, tx *wire.MsgTx) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func outPoints(list ...wire.OutPoint) []wire.OutPoint { return list }

// foreignCoin is another network's.
func foreignCoin(tb testHelper) coins.Coin {
	tb.Helper()
	coin, err := btc.New(coins.Testnet4)
	if err != nil {
		tb.Fatal(err)
	}
	return coin
}

// withHeader makes the block's bytes anew after its header was changed.
func withHeader(b *testBlock) *testBlock {
	var raw bytes.Buffer
	if err := b.msg.Serialize(&raw); err != nil {
		panic(err)
	}
	return &testBlock{b.height, b.msg, raw.Bytes()}
}
