package whole

import (
	"cmp"
	"encoding/binary"

	"coffer.example/coffer/coins"
)

// eventFlags say what an event is, and what its coin is.
type eventFlags byte

const (
	flagSpent eventFlags = 1 << iota
	flagCoinbase
	flagPegOut
	eventFlagBits = 3
)

// generated says that the coin matures.
func (f eventFlags) generated() bool { return f&(flagCoinbase|flagPegOut) != 0 }

// event is an output that a script received, or an input that spent one. n is
// the output's or the input's number; coin is the output itself, which for
// one received is (num, n).
type event struct {
	num   txNum
	n     uint32
	flags eventFlags
	value coins.Amount
	coin  coinRef
}

// compare orders a script's history as the chain does.
func (e *event) compare(o *event) int {
	return cmp.Or(cmp.Compare(e.num, o.num), cmp.Compare(o.flags&flagSpent, e.flags&flagSpent), cmp.Compare(e.n, o.n))
}

// item is an event with whose it is.
type item struct {
	key scriptKey
	event
}

func (a *item) compare(b *item) int {
	if c := a.key.compare(b.key); c != 0 {
		return c
	}
	return a.event.compare(&b.event)
}

// appendEvents appends events, of which the first is above from.
func appendEvents(dst []byte, from coins.Height, events []event) []byte {
	for i := range events {
		e := &events[i]
		height := e.num.height()
		dst = binary.AppendUvarint(dst, uint64(height-from)<<eventFlagBits|uint64(e.flags))
		dst = binary.AppendUvarint(dst, uint64(e.num.place()))
		dst = binary.AppendUvarint(dst, uint64(e.n))
		dst = binary.AppendUvarint(dst, uint64(e.value))
		if e.flags&flagSpent != 0 {
			dst = binary.AppendUvarint(dst, uint64(height-e.coin.num.height()))
			dst = binary.AppendUvarint(dst, uint64(e.coin.num.place()))
			dst = binary.AppendUvarint(dst, uint64(e.coin.vout))
		}
		from = height
	}
	return dst
}

// event reads an event that stands behind one at a height.
func (d *decoder) event(from coins.Height) (e event) {
	head := d.uvarint()
	e.flags = eventFlags(head & (1<<eventFlagBits - 1))
	if head>>eventFlagBits > uint64(coins.MaxHeight-from) {
		d.bad = true
		return e
	}
	height := from + coins.Height(head>>eventFlagBits)
	e.num = numberOf(height, d.uint32())
	e.n = d.uint32()
	e.value = d.amount()
	e.coin = coinRef{e.num, e.n}
	if e.flags&flagSpent != 0 {
		below := d.below(height)
		e.coin = coinRef{numberOf(below, d.uint32()), d.uint32()}
	}
	return e
}

// sum is what events come to.
type sum struct {
	total         coins.Total
	funded, spent uint64
	// generated says that an output that matures is among them, or its spending.
	generated bool
}

func (s *sum) add(e *event) {
	s.generated = s.generated || e.flags.generated()
	if e.flags&flagSpent != 0 {
		s.total = s.total.Sub(e.value)
		s.spent++
		return
	}
	s.total = s.total.Add(e.value)
	s.funded++
}

// take takes an event out again. That one has matured is not forgotten.
func (s *sum) take(e *event) {
	if e.flags&flagSpent != 0 {
		s.total = s.total.Add(e.value)
		s.spent--
		return
	}
	s.total = s.total.Sub(e.value)
	s.funded--
}

func (s *sum) plus(o sum) {
	s.total = s.total.Plus(o.total)
	s.funded += o.funded
	s.spent += o.spent
	s.generated = s.generated || o.generated
}

func (s *sum) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, s.funded)
	dst = binary.AppendUvarint(dst, s.spent)
	return appendBool(s.total.AppendBinary(dst), s.generated)
}

func (d *decoder) sum() (s sum) {
	s.funded, s.spent = d.uvarint(), d.uvarint()
	s.total, s.generated = d.total(), d.u8() != 0
	return s
}

// liveEntry is a coin that a run received and did not spend, or with spent set
// one of an earlier run that it spent.
type liveEntry struct {
	ref   coinRef
	spent bool
	flags eventFlags
	value coins.Amount
}

func appendLive(dst []byte, entries []liveEntry) []byte {
	from := coins.Height(0)
	for _, e := range entries {
		height := e.ref.num.height()
		flags := e.flags &^ flagSpent
		if e.spent {
			flags |= flagSpent
		}
		dst = binary.AppendUvarint(dst, uint64(height-from)<<eventFlagBits|uint64(flags))
		dst = binary.AppendUvarint(dst, uint64(e.ref.num.place()))
		dst = binary.AppendUvarint(dst, uint64(e.ref.vout))
		dst = binary.AppendUvarint(dst, uint64(e.value))
		from = height
	}
	return dst
}

func decodeLive(value []byte) (entries []liveEntry, err error) {
	d, from := decoder{rest: value}, coins.Height(0)
	for len(d.rest) > 0 && !d.bad {
		head := d.uvarint()
		e := liveEntry{flags: eventFlags(head & (1<<eventFlagBits - 1))}
		e.spent, e.flags = e.flags&flagSpent != 0, e.flags&^flagSpent
		if head>>eventFlagBits > uint64(coins.MaxHeight-from) {
			d.bad = true
			break
		}
		from += coins.Height(head >> eventFlagBits)
		e.ref = coinRef{numberOf(from, d.uint32()), d.uint32()}
		e.value = d.amount()
		entries = append(entries, e)
	}
	return entries, d.end("live coins")
}

// live is the set of coins that events leave, those of earlier runs that they
// spend included.
type live map[coinRef]liveEntry

func (l live) add(e *event) {
	if e.flags&flagSpent == 0 {
		l[e.coin] = liveEntry{ref: e.coin, flags: e.flags, value: e.value}
		return
	}
	if c, there := l[e.coin]; there && !c.spent {
		delete(l, e.coin)
		return
	}
	l[e.coin] = liveEntry{ref: e.coin, spent: true, flags: e.flags &^ flagSpent, value: e.value}
}

// undo takes the newest event out again; from is where the run begins.
func (l live) undo(e *event, from coins.Height) {
	if e.flags&flagSpent != 0 && e.coin.num.height() >= from {
		l[e.coin] = liveEntry{ref: e.coin, flags: e.flags &^ flagSpent, value: e.value}
		return
	}
	delete(l, e.coin)
}
