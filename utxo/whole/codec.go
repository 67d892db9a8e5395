package whole

import (
	"encoding/binary"
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// decoder reads a stored value from front to back. A fault sticks: what is
// read after it is zero, and end names the row.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || len(d.rest) < n {
		d.bad = true
		return nil
	}
	taken := d.rest[:n:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) u8() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// uint32 reads a uvarint that must fit 32 bits.
func (d *decoder) uint32() uint32 {
	v := d.uvarint()
	if v > 1<<32-1 {
		d.bad = true
		return 0
	}
	return uint32(v)
}

func (d *decoder) height() coins.Height {
	v := d.u32()
	if v > uint32(coins.MaxHeight) {
		d.bad = true
		return 0
	}
	return coins.Height(v)
}

// above reads a height as its distance from another.
func (d *decoder) above(from coins.Height) coins.Height {
	v := d.uvarint()
	if v > uint64(coins.MaxHeight-from) {
		d.bad = true
		return from
	}
	return from + coins.Height(v)
}

// below reads a height as its distance down from another.
func (d *decoder) below(from coins.Height) coins.Height {
	v := d.uvarint()
	if v > uint64(from) {
		d.bad = true
		return 0
	}
	return from - coins.Height(v)
}

// amount reads a value in base units, which is never negative.
func (d *decoder) amount() coins.Amount {
	v := d.uvarint()
	if v > 1<<63-1 {
		d.bad = true
		return 0
	}
	return coins.Amount(v)
}

func (d *decoder) hash() (h [coins.HashSize]byte) {
	copy(h[:], d.take(coins.HashSize))
	return h
}

func (d *decoder) total() coins.Total {
	if b := d.take(coins.TotalSize); b != nil {
		return coins.TotalFromBinary(b)
	}
	return coins.Total{}
}

func (d *decoder) bytes() []byte { return d.take(int(d.uint32())) }

// end reports a fault, or bytes left over, in the row called noun.
func (d *decoder) end(noun string) error {
	if d.bad || len(d.rest) != 0 {
		return fmt.Errorf("%s row: %w", noun, utxo.ErrCorrupt)
	}
	return nil
}

func appendHeight(dst []byte, h coins.Height) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(h))
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}
