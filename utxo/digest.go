package utxo

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
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

// Digest returns a digest of coins, history and tip: equal for two indexes of
// an equal chain and watch set, whatever order things came in. Undo is in it
// by way of history: Check proves that the two say the same, and how far back
// undo reaches depends on the way to the tip. The log, jobs, the mempool and
// times are not in it. Writers wait for it.
func (x *Index) Digest(ctx context.Context) (sum [32]byte, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.usable(); err != nil {
		return sum, err
	}
	if err := x.flush(ctx); err != nil {
		return sum, err
	}
	var d digest
	err = x.store.View(ctx, func(r Reader) error {
		return digestRows(ctx, r, &x.state, &d)
	})
	return d.sum(), err
}

func digestRows(ctx context.Context, r Reader, st *state, d *digest) error {
	if st.hasTip {
		d.add(appendBlockID([]byte{tableState}, st.tip))
	}
	look, rows := newLookup(r), 0
	for _, table := range []struct {
		name byte
		row  func(key, value []byte) ([]byte, error)
	}{
		{tableUnspent, func(key, value []byte) ([]byte, error) { return look.digestCoin(key, value) }},
		{tableEvent, func(key, value []byte) ([]byte, error) { return look.digestEvent(key, value) }},
	} {
		err := r.Scan([]byte{table.name}, nil, false, func(key, value []byte) error {
			if rows++; rows%interruptEvery == 0 {
				clear(look.scripts) // they come in order, each once
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			fact, err := table.row(key, value)
			if len(fact) > 0 {
				d.add(append([]byte{table.name}, fact...))
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("digest of table %c: %w", table.name, err)
		}
	}
	return nil
}

// appendFact appends what identifies a fact without the numbers of this index.
func (l *lookup) appendFact(b []byte, at txNum, ref coinRef, row coinRow) ([]byte, error) {
	script, err := l.script(row.script)
	if err != nil {
		return nil, err
	}
	id, err := l.txID(ref.num)
	if err != nil {
		return nil, err
	}
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	b = binary.BigEndian.AppendUint64(b, uint64(ref.num))
	b = coins.OutPoint{TxID: id, Vout: ref.vout}.AppendWire(b)
	b = binary.BigEndian.AppendUint64(b, uint64(row.value))
	return append(append(b, byte(row.flags&^flagFound)), script...), nil
}

func (l *lookup) digestCoin(key, value []byte) ([]byte, error) {
	row, err := decodeUnspent(value)
	if err != nil {
		return nil, err
	}
	row.script = scriptOfKey(key)
	ref := coinRef{numberOfKey(key[5:]), uint32(heightOfKey(key))}
	return l.appendFact(nil, ref.num, ref, row)
}

func (l *lookup) digestEvent(key, value []byte) ([]byte, error) {
	e, err := decodeEvent(key, value)
	if err != nil {
		return nil, err
	}
	b := binary.BigEndian.AppendUint32([]byte{byte(e.kind)}, e.n)
	return l.appendFact(b, e.num, e.coin, coinRow{e.script, e.value, e.flags})
}
