package whole

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"coffer.example/coffer/coins"
)

// digest is the sum, modulo 2^256, of the SHA-256 of every fact in it: it does
// not depend on the order in which they are met.
type digest [4]uint64

func (d *digest) add(fact []byte) {
	hash := sha256.Sum256(fact)
	carry := uint64(0)
	for i := range d {
		d[i], carry = bits.Add64(d[i], binary.LittleEndian.Uint64(hash[8*i:]), carry)
	}
}

func (d *digest) bytes() (sum [32]byte) {
	for i, word := range d {
		binary.LittleEndian.PutUint64(sum[8*i:], word)
	}
	return sum
}

// Digest returns a digest of tip, transactions, outputs and events: equal for
// two indexes of an equal chain, whatever their runs and whichever way they
// came. Coins and balances follow from it: Check proves that they do. Writers
// wait for it.
func (x *Index) Digest(ctx context.Context) (total [32]byte, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.ready(ctx); err != nil {
		return total, err
	}
	if err := x.flush(ctx); err != nil {
		return total, err
	}
	var d digest
	err = x.view(ctx, func(s *snapshot) error {
		if x.stored.hasTip {
			d.add(append(appendHeight([]byte{tableState}, x.stored.tip.Height), x.stored.tip.Hash[:]...))
		}
		if err := s.chunks(func(height coins.Height, c chunk) error { return digestChunk(&d, height, c) }); err != nil {
			return err
		}
		return mergedGroups(s, x.stored.runs, func(_ scriptKey, e *event) error {
			b := e.coin.append(e.appendPlace([]byte{tableEvents}))
			d.add(binary.BigEndian.AppendUint64(append(b, byte(e.flags)), uint64(e.value)))
			return nil
		})
	})
	return d.bytes(), err
}

func digestChunk(d *digest, height coins.Height, c chunk) error {
	for n := range c.count() {
		id := c.id(n)
		d.add(append(binary.BigEndian.AppendUint64([]byte{tableTxs}, uint64(numberOf(height, c.first+uint32(n)))), id[:]...))
	}
	return c.outputs(func(tx int, vout uint32, out output) bool {
		b := coinRef{numberOf(height, c.first+uint32(tx)), vout}.append([]byte{tableTxs})
		b = append(binary.BigEndian.AppendUint64(b, uint64(out.value)), byte(out.flags))
		d.add(append(b, out.script.bytes()...))
		return true
	})
}

// chunks calls each with every row of transactions, in order.
func (s *snapshot) chunks(each func(height coins.Height, c chunk) error) error {
	return s.r.Scan([]byte{tableTxs}, nil, false, func(key, value []byte) error {
		k := decoder{rest: key[1:]}
		height, first := k.height(), k.u32()
		if err := k.end("transactions"); err != nil {
			return err
		}
		c, err := decodeChunk(value, first*chunkTxs)
		if err != nil {
			return err
		}
		return each(height, c)
	})
}
