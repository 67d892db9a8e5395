package simnode

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"

	"coffer.example/coffer/coins"
)

// hogAddr is the output that holds all coins of the MWEB.
type hogAddr struct {
	op    coins.OutPoint
	value coins.Amount
	// outputs counts the MWEB's outputs: the size of its output tree.
	outputs uint64
}

func (h hogAddr) exists() bool { return h.op != coins.OutPoint{} }

const (
	hogVersion   = 0x58 // OP_8: witness version 8
	pegInVersion = 0x59 // OP_9: witness version 9
)

func isPegIn(script []byte) bool {
	return len(script) == 34 && script[0] == pegInVersion && script[1] == 32
}

// hogAfter returns the HogAddr after a block that is being connected.
func hogAfter(b *block, l *coins.Layout) hogAddr {
	var before hogAddr
	if b.parent != nil {
		before = b.parent.hog
	}
	if !l.HogEx {
		return before
	}
	last := l.TxCount() - 1
	first := int(l.Txs[last].FirstOut)
	before.op = coins.OutPoint{TxID: b.txs[last]}
	before.value = l.Value(b.raw, first)
	before.outputs += uint64(l.Txs[last+1].FirstIn - l.Txs[last].FirstIn)
	return before
}

// hogEx is what a block's MWEB part does.
type hogEx struct {
	pegIns  []Coin
	pegOuts []Out
}

// addHogEx appends the HogEx to the block's transactions, where the chain has
// one, and returns the bytes that follow the last transaction.
func (d *draft) addHogEx() (extension []byte, err error) {
	work := hogEx{pegIns: d.pegIns(), pegOuts: d.pegOuts}
	before := d.parent.hog
	open := d.chain.params.Format.MWEB && d.view.height >= d.chain.config.MWEBFrom
	if !open || (!before.exists() && len(work.pegIns) == 0) {
		if len(d.pegOuts) > 0 {
			return nil, fmt.Errorf("peg-out at height %d: %w", d.view.height, ErrNoMWEB)
		}
		return nil, nil
	}
	block := mwebBlock(d.view.height, before.outputs, work, d.rng)
	hash := sha256.Sum256(block) // a node has BLAKE3 over the MWEB header here
	tx := &Tx{Version: 2, MWEB: []byte{0}}
	value := before.value
	if before.exists() {
		tx.Ins = append(tx.Ins, In{Prev: before.op, Sequence: finalSequence})
	}
	for _, coin := range work.pegIns {
		tx.Ins = append(tx.Ins, In{Prev: coin.OutPoint, Sequence: finalSequence})
		value += coin.Value
	}
	for _, out := range work.pegOuts {
		value -= out.Value
	}
	if value < 0 {
		return nil, fmt.Errorf("peg-outs at height %d: %w", d.view.height, ErrFunds)
	}
	tx.Outs = append(tx.Outs, Out{Value: value, Script: append([]byte{hogVersion, 32}, hash[:]...)})
	tx.Outs = append(tx.Outs, work.pegOuts...)
	return append([]byte{1}, block...), d.include(tx)
}

// pegIns returns the outputs of the block's transactions that peg in.
func (d *draft) pegIns() (found []Coin) {
	for _, tx := range d.txs {
		id := tx.ID()
		for n, out := range tx.Outs {
			coin, unspent := d.view.made[coins.OutPoint{TxID: id, Vout: uint32(n)}]
			if unspent && isPegIn(out.Script) {
				found = append(found, coin)
			}
		}
	}
	return found
}

// Sizes of the MWEB's parts in bytes (Litecoin's libmw).
const (
	sizeCommit    = 33
	sizeKey       = 33
	sizeSignature = 64
	sizeRange     = 675
)

// mwebBlock returns an MWEB block whose framing is Litecoin's: header, then
// inputs, outputs and kernels. Commitments, keys, proofs and signatures are
// seeded bytes.
//
//	height VLQ, 3 roots 32, 2 offsets 32, outputs VLQ, kernels VLQ
//	inputs count, outputs count, kernels count, each with its items
func mwebBlock(height coins.Height, outputs uint64, work hogEx, rng *rand.Rand) []byte {
	kernels := len(work.pegIns) + len(work.pegOuts)
	b := appendVLQ(nil, uint64(height))
	b = append(b, randomBytes(rng, 5*32)...)
	b = appendVLQ(b, outputs+uint64(len(work.pegIns)))
	b = appendVLQ(b, uint64(kernels))
	return appendMWEBBody(b, work, rng)
}

func appendMWEBBody(b []byte, work hogEx, rng *rand.Rand) []byte {
	b = appendSize(b, len(work.pegOuts)) // each spends one MWEB output
	for range work.pegOuts {
		b = append(b, 1) // with the key of a stealth input
		b = append(b, randomBytes(rng, 32+sizeCommit+sizeKey+sizeKey+sizeSignature)...)
	}
	b = appendSize(b, len(work.pegIns))
	for range work.pegIns {
		b = append(b, randomBytes(rng, sizeCommit+2*sizeKey)...)
		b = append(b, 1) // with the standard fields
		b = append(b, randomBytes(rng, sizeKey+1+8+16+sizeRange+sizeSignature)...)
	}
	b = appendSize(b, len(work.pegIns)+len(work.pegOuts))
	for _, coin := range work.pegIns {
		b = appendVLQ(append(b, 0x12), uint64(coin.Value)) // peg-in, stealth excess
		b = append(b, randomBytes(rng, sizeKey+sizeCommit+sizeSignature)...)
	}
	for _, out := range work.pegOuts {
		b = appendVLQ(append(b, 0x15), 3900) // fee, peg-out, stealth excess
		b = appendVLQ(append(b, 1), uint64(out.Value))
		b = appendBytes(b, out.Script)
		b = append(b, randomBytes(rng, sizeKey+sizeCommit+sizeSignature)...)
	}
	return b
}

// mwebTx returns the MWEB data of a transaction in the mempool: 01, the
// kernel and stealth offsets, and the body.
func mwebTx(work hogEx, rng *rand.Rand) []byte {
	return appendMWEBBody(append([]byte{1}, randomBytes(rng, 64)...), work, rng)
}

// appendVLQ appends the variable length integer that Litecoin's MWEB uses: 7
// bits a byte, most significant first, less one for each further byte.
func appendVLQ(dst []byte, n uint64) []byte {
	var reversed []byte
	for {
		more := byte(0x80)
		if len(reversed) == 0 {
			more = 0
		}
		reversed = append(reversed, byte(n&0x7f)|more)
		if n <= 0x7f {
			break
		}
		n = n>>7 - 1
	}
	for i := len(reversed) - 1; i >= 0; i-- {
		dst = append(dst, reversed[i])
	}
	return dst
}

// pegInScript returns an output's script that pegs its value in.
func pegInScript(rng *rand.Rand) []byte {
	return appendPushes([]byte{pegInVersion}, randomBytes(rng, 32))
}

// appendWithoutMWEB appends a block as the peer protocol carries it, which is
// the plain Bitcoin format: the HogEx without its marker and byte, and nothing
// behind it. parts chooses the witnesses.
func appendWithoutMWEB(dst []byte, b *block, l *coins.Layout, parts byte) []byte {
	dst = append(dst, b.raw[:b.body]...)
	dst = appendSize(dst, l.TxCount())
	for i := range l.TxCount() {
		dst = txAt(b.raw, l, i).append(dst, parts&^withMWEB)
	}
	return dst
}
