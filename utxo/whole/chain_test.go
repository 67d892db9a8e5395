package whole_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
)

// testHelper is what helpers need of a test or a benchmark.
type testHelper interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func testCoin(tb testHelper) coins.Coin {
	tb.Helper()
	coin, err := btc.New(coins.Regtest)
	if err != nil {
		tb.Fatal(err)
	}
	return coin
}

// testScript returns the n-th test script, of every form in turn.
func testScript(n int) []byte {
	hash := binary.BigEndian.AppendUint64(make([]byte, 0, 40), uint64(n)+1)
	hash = append(hash, make([]byte, 32)...)
	switch n % 9 {
	case 0:
		return bytes.Join([][]byte{{0x76, 0xa9, 0x14}, hash[:20], {0x88, 0xac}}, nil)
	case 1:
		return bytes.Join([][]byte{{0xa9, 0x14}, hash[:20], {0x87}}, nil)
	case 2:
		return append([]byte{0x00, 0x14}, hash[:20]...)
	case 3:
		return append([]byte{0x00, 0x20}, hash[:32]...)
	case 4:
		return append([]byte{0x51, 0x20}, hash[:32]...)
	case 5:
		return bytes.Join([][]byte{{0x21}, hash[:33], {0xac}}, nil)
	case 6:
		return append([]byte{0x6a}, hash[:8]...) // nothing can spend it
	case 7:
		return hash[:8]
	}
	return nil
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
}

// genesis is regtest's.
func genesis() *testBlock {
	header := wire.BlockHeader{Version: 1, Timestamp: time.Unix(1296688602, 0), Bits: 0x207fffff, Nonce: 2}
	tx := wire.NewMsgTx(1)
	message := "The Times 03/Jan/2009 Chancellor on brink of second bailout for banks"
	sig := append([]byte{4, 0xff, 0xff, 0, 0x1d, 1, 4, byte(len(message))}, message...)
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{}, 1<<32-1), sig, nil))
	key := []byte("\x04\x67\x8a\xfd\xb0\xfe\x55\x48\x27\x19\x67\xf1\xa6\x71\x30\xb7\x10\x5c\xd6\xa8\x28\xe0\x39\x09\xa6\x79\x62\xe0\xea\x1f\x61\xde" +
		"\xb6\x49\xf6\xbc\x3f\x4c\xef\x38\xc4\xf3\x55\x04\xe5\x1e\xc1\x12\xde\x5c\x38\x4d\xf7\xba\x0b\x8d\x57\x8a\x4c\x70\x2b\x6b\xf1\x1d\x5f")
	tx.AddTxOut(wire.NewTxOut(50e8, bytes.Join([][]byte{{0x41}, key, {0xac}}, nil)))
	header.MerkleRoot = tx.TxHash()
	return serialized(0, header, []*wire.MsgTx{tx})
}

func serialized(height coins.Height, header wire.BlockHeader, txs []*wire.MsgTx) *testBlock {
	msg := &wire.MsgBlock{Header: header, Transactions: txs}
	var raw bytes.Buffer
	if err := msg.Serialize(&raw); err != nil {
		panic(err)
	}
	return &testBlock{height, msg, raw.Bytes()}
}

func newBlock(prev *testBlock, salt uint32, txs ...*wire.MsgTx) *testBlock {
	header := wire.BlockHeader{Version: 2, PrevBlock: prev.msg.Header.BlockHash(), MerkleRoot: merkle(txs),
		Timestamp: time.Unix(1_700_000_000+int64(prev.height)*600, 0), Bits: 0x207fffff, Nonce: salt}
	return serialized(prev.height+1, header, txs)
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

func spendTx(salt uint32, ins []wire.OutPoint, outs ...*wire.TxOut) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	for i := range ins {
		tx.AddTxIn(wire.NewTxIn(&ins[i], []byte{1, byte(i)}, nil))
	}
	tx.TxOut, tx.LockTime = outs, salt
	return tx
}

func outPoint(tx *wire.MsgTx, vout uint32) wire.OutPoint {
	return wire.OutPoint{Hash: tx.TxHash(), Index: vout}
}

// maker makes random chains of blocks that spend what is there.
type maker struct {
	*rand.Rand
	salt uint32
	// busy makes the first scripts receive most, by many outputs at once.
	busy bool
}

func (m *maker) outs() []*wire.TxOut {
	n := 1 + m.IntN(4)
	if m.busy && m.IntN(4) == 0 {
		n = 20 + m.IntN(150)
	}
	var outs []*wire.TxOut
	for range n {
		script := m.IntN(testScripts)
		if m.busy && m.IntN(10) > 0 {
			script = m.IntN(3)
		}
		outs = append(outs, wire.NewTxOut(m.Int64N(1000), testScript(script)))
	}
	return outs
}

// testScripts is how many scripts a random chain pays.
const testScripts = 40

// block makes a block on a chain, of which coins are unspent.
func (m *maker) block(chain []*testBlock) *testBlock {
	m.salt++
	coinbase := coinbaseTx(m.salt, m.outs()...)
	twin := coinbaseTx(1<<30, wire.NewTxOut(50, testScript(0)), wire.NewTxOut(7, testScript(1)), wire.NewTxOut(1, testScript(6)))
	if m.IntN(12) == 0 {
		coinbase = twin
	}
	txs := []*wire.MsgTx{coinbase}
	free := unspent(chain)
	for range m.IntN(6) {
		var ins []wire.OutPoint
		most := 3
		if m.busy && m.IntN(3) == 0 {
			most = 80
		}
		for range 1 + m.IntN(most) {
			if len(free) == 0 {
				break
			}
			i := m.IntN(len(free))
			ins = append(ins, free[i])
			free[i] = free[len(free)-1]
			free = free[:len(free)-1]
		}
		if len(ins) == 0 {
			break
		}
		m.salt++
		tx := spendTx(m.salt, ins, m.outs()...)
		for n, out := range tx.TxOut {
			if !coins.Unspendable(out.PkScript) {
				free = append(free, outPoint(tx, uint32(n)))
			}
		}
		txs = append(txs, tx)
	}
	return newBlock(chain[len(chain)-1], m.salt, txs...)
}
