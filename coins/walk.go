package coins

// place is where a transaction stands, which decides what it may be without.
type place uint8

const (
	// inBlock has inputs and outputs, and of MWEB data only the HogEx's byte.
	inBlock place = iota
	// alone, in a mempool or message, MWEB data may stand up to the lock time and
	// in place of inputs and outputs.
	alone
	// inProof is a parent's coinbase. A regtest node's own proof has no outputs
	// in it, and nodes do not check that one has.
	inProof
)

// walkTx records the transaction at p and returns the position behind it, or
// a fault.
func (f Format) walkTx(b []byte, p int, l *Layout, at place) int {
	if len(b)-p < minTxHead {
		return cutShort
	}
	span := TxSpan{Start: uint32(p), FirstIn: uint32(len(l.Ins)), FirstOut: uint32(len(l.Outs))}
	p += 4
	flags := byte(0)
	if b[p] == 0 && (f.Segwit || f.MWEB) {
		if flags = b[p+1]; flags == 0 || flags&^f.flags() != 0 {
			return malformed
		}
		p += 2
	}
	span.Body = uint32(p)
	if p = walkIns(b, p, l); p < 0 {
		return p
	}
	if p = walkOuts(b, p, l); p < 0 {
		return p
	}
	span.Witness = uint32(p)
	inputs := len(l.Ins) - int(span.FirstIn)
	if flags&flagWitness != 0 {
		if p = walkWitness(b, p, inputs); p < 0 {
			return p
		}
		// An input without witness takes one byte: where all do, the flag should
		// not be set, and nodes refuse that.
		if p == int(span.Witness)+inputs {
			return malformed
		}
	}
	if flags&flagMWEB != 0 {
		if p = walkMWEB(b, p, at == alone); p < 0 {
			return p
		}
		l.mweb = true
	}
	noIns, noOuts := inputs == 0, len(l.Outs) == int(span.FirstOut)
	switch {
	case at == alone && flags&flagMWEB != 0:
		l.MWEBOnly = noIns && noOuts
	case noIns, noOuts && at != inProof:
		return malformed
	}
	if len(b)-p < 4 {
		return cutShort
	}
	span.LockTime, span.End = uint32(p), uint32(p+4)
	l.Txs = append(l.Txs, span)
	return p + 4
}

// minTxHead is what must be there before a transaction's first bytes are
// looked at: version, marker, flag, and two empty lists and a lock time.
const minTxHead = 4 + 2 + 4

func (f Format) flags() (allowed byte) {
	if f.Segwit {
		allowed = flagWitness
	}
	if f.MWEB {
		allowed |= flagMWEB
	}
	return allowed
}

func walkIns(b []byte, p int, l *Layout) int {
	count, p := compactSize(b, p)
	if p < 0 {
		return p
	}
	if count > uint64(len(b)-p)/minIn {
		return cutShort
	}
	ins := l.Ins
	for range count {
		ins = append(ins, uint32(p))
		script, next := uint64(0), p+OutPointSize
		if oneByte(b, next) {
			script, next = uint64(b[next]), next+1
		} else if script, next = longCompactSize(b, next); next < 0 {
			return next
		}
		// 64-bit arithmetic on a length below 2^63: what is left always fits.
		if len(b)-next < 4 || script > uint64(len(b)-next-4) {
			return cutShort
		}
		p = next + int(script) + 4
	}
	l.Ins = ins
	return p
}

func walkOuts(b []byte, p int, l *Layout) int {
	count, p := compactSize(b, p)
	if p < 0 {
		return p
	}
	if count > uint64(len(b)-p)/minOut {
		return cutShort
	}
	outs := l.Outs
	for range count {
		script, next := uint64(0), p+8
		if oneByte(b, next) {
			script, next = uint64(b[next]), next+1
		} else if script, next = longCompactSize(b, next); next < 0 {
			return next
		}
		if script > uint64(len(b)-next) {
			return cutShort
		}
		outs = append(outs, OutSpan{Script: uint32(next), Len: uint32(script)})
		p = next + int(script)
	}
	l.Outs = outs
	return p
}

func walkWitness(b []byte, p, inputs int) int {
	for range inputs {
		items, next := compactSize(b, p)
		if p = next; p < 0 {
			return p
		}
		if items > uint64(len(b)-p) {
			return cutShort
		}
		for range items {
			item, next := uint64(0), p
			if oneByte(b, next) {
				item, next = uint64(b[next]), next+1
			} else if item, next = longCompactSize(b, next); next < 0 {
				return next
			}
			if item > uint64(len(b)-next) {
				return cutShort
			}
			p = next + int(item)
		}
	}
	return p
}

// walkMWEB steps over MWEB data: one byte 00 in a HogEx; in a transaction on
// its own 01 and everything up to the lock time.
func walkMWEB(b []byte, p int, alone bool) int {
	if p >= len(b) {
		return cutShort
	}
	switch {
	case b[p] == 0:
		return p + 1
	case b[p] == 1 && alone:
		if len(b)-4 <= p+1 {
			return cutShort
		}
		return len(b) - 4
	}
	return malformed
}

// headerEnd returns the offset of the transaction count: behind the header
// and, where there is one, its merge-mining proof.
func (f Format) headerEnd(raw []byte) (int, error) {
	header := RawHeader(raw[:HeaderSize])
	if !f.AuxPoW || !header.HasProof() {
		return HeaderSize, nil
	}
	proof, err := ParseProof(raw[HeaderSize:])
	if err != nil {
		return 0, err
	}
	return HeaderSize + proof.Size, nil
}
