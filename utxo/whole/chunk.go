package whole

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// appendTx appends what is stored of transaction i of a block behind the ids
// of its chunk: outputs with script and value.
func appendTx(dst []byte, b *coins.Block, i int) []byte {
	first, end := int(b.Layout.Txs[i].FirstOut), int(b.Layout.Txs[i+1].FirstOut)
	head := uint64(end-first) << 1
	if b.Layout.HogEx && i == b.Layout.TxCount()-1 {
		head |= 1
	}
	dst = binary.AppendUvarint(dst, head)
	for n := first; n < end; n++ {
		if !countable(b, n) {
			dst = append(dst, scriptNone)
			continue
		}
		dst = appendScript(dst, b.Layout.Script(b.Raw, n))
		dst = binary.AppendUvarint(dst, uint64(b.Layout.Value(b.Raw, n)))
	}
	return dst
}

// countable says whether an output is a coin: nothing of the genesis block can
// be spent, nor what is unspendable by its script.
func countable(b *coins.Block, out int) bool {
	return b.ID.Height > 0 && !coins.Unspendable(b.Layout.Script(b.Raw, out))
}

// appendChunks calls each with the rows of a block's transactions, which are
// made in buf.
func appendChunks(b *coins.Block, buf []byte, each func(key, value []byte)) []byte {
	for first := 0; first < b.Layout.TxCount(); first += chunkTxs {
		end := min(first+chunkTxs, b.Layout.TxCount())
		value := append(buf[:0], byte(end-first))
		for i := first; i < end; i++ {
			id := b.TxID(i)
			value = append(value, id[:]...)
		}
		for i := first; i < end; i++ {
			value = appendTx(value, b, i)
		}
		each(keyChunk(b.ID.Height, uint32(first/chunkTxs)), bytes.Clone(value))
		buf = value
	}
	return buf
}

// output is what is stored of an output.
type output struct {
	script stored
	value  coins.Amount
	flags  eventFlags
}

// chunk is a row of transactions, taken apart as far as was asked for.
type chunk struct {
	ids  []byte
	body []byte
	// first is the place of its first transaction.
	first uint32
}

func decodeChunk(value []byte, first uint32) (c chunk, err error) {
	d := decoder{rest: value}
	count := int(d.u8())
	c = chunk{ids: d.take(count * coins.HashSize), body: d.rest, first: first}
	if d.bad || count == 0 || count > chunkTxs {
		return c, fmt.Errorf("transactions row: %w", utxo.ErrCorrupt)
	}
	return c, nil
}

func (c chunk) count() int { return len(c.ids) / coins.HashSize }

func (c chunk) id(n int) coins.TxID { return coins.TxID(c.ids[n*coins.HashSize:][:coins.HashSize]) }

// outputs calls each with every output, by the transaction's number in the
// chunk and the output's in it; each returns false to end early.
func (c chunk) outputs(each func(tx int, vout uint32, out output) bool) error {
	d := decoder{rest: c.body}
	for tx := range c.count() {
		head := d.uvarint()
		if head>>1 > uint64(len(d.rest)) {
			d.bad = true
		}
		for vout := uint32(0); !d.bad && uint64(vout) < head>>1; vout++ {
			out := output{script: d.script()}
			if out.script.code != scriptNone {
				out.value = d.amount()
			}
			if c.first == 0 && tx == 0 {
				out.flags |= flagCoinbase
			}
			if head&1 != 0 && vout > 0 {
				out.flags |= flagPegOut
			}
			if !d.bad && !each(tx, vout, out) {
				return nil
			}
		}
	}
	return d.end("transactions")
}

// output returns one output, and false where there is none.
func (c chunk) output(tx int, vout uint32) (found output, ok bool, err error) {
	err = c.outputs(func(t int, v uint32, out output) bool {
		if t == tx && v == vout {
			found, ok = out, true
		}
		return !ok && t <= tx
	})
	return found, ok, err
}
