package whole

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// snapshot reads the index as of one moment of the store.
type snapshot struct {
	r   utxo.Reader
	st  *state
	buf []byte
}

// get returns a row's value, valid until the next get; nil where there is none.
func (s *snapshot) get(key []byte) ([]byte, error) {
	value, found, err := s.r.Get(key, s.buf[:0])
	if err != nil {
		return nil, err
	}
	if value != nil {
		s.buf = value
	}
	if !found {
		return nil, nil
	}
	return value, nil
}

func (s *snapshot) need(key []byte, noun string) ([]byte, error) {
	value, err := s.get(key)
	if err == nil && value == nil {
		err = fmt.Errorf("%s row %x is missing: %w", noun, key, utxo.ErrCorrupt)
	}
	return value, err
}

func (s *snapshot) block(height coins.Height) (blockRow, error) {
	value, err := s.need(keyHeader(height), "header")
	if err != nil {
		return blockRow{}, err
	}
	return decodeBlock(value)
}

// chunkOf returns the row that holds a transaction, valid until the next get,
// and its number in it.
func (s *snapshot) chunkOf(num txNum) (chunk, int, error) {
	first := num.place() / chunkTxs
	value, err := s.need(keyChunk(num.height(), first), "transactions")
	if err != nil {
		return chunk{}, 0, err
	}
	c, err := decodeChunk(value, first*chunkTxs)
	n := int(num.place() - c.first)
	if err == nil && n >= c.count() {
		err = fmt.Errorf("transaction %d of block %d is missing: %w", num.place(), num.height(), utxo.ErrCorrupt)
	}
	return c, n, err
}

func (s *snapshot) txID(num txNum) (coins.TxID, error) {
	c, n, err := s.chunkOf(num)
	if err != nil {
		return coins.TxID{}, err
	}
	return c.id(n), nil
}

// output returns what is stored of an output, and false where it is no coin.
// Its script is valid until the next get.
func (s *snapshot) output(ref coinRef) (output, bool, error) {
	c, n, err := s.chunkOf(ref.num)
	if err != nil {
		return output{}, false, err
	}
	out, found, err := c.output(n, ref.vout)
	return out, found && out.script.code != scriptNone, err
}

// find returns the last transaction with an id, and false where there is none.
func (s *snapshot) find(id coins.TxID) (txNum, bool, error) {
	for i := len(s.st.runs) - 1; i >= 0; i-- {
		num, found, err := s.findIn(&s.st.runs[i], id)
		if err != nil || found {
			return num, found, err
		}
	}
	return 0, false, nil
}

func (s *snapshot) findIn(r *run, id coins.TxID) (last txNum, found bool, err error) {
	prefix := prefixOf(id)
	bucket := bucketOf(prefix, r.idBits)
	value, err := s.get(keyBucket(tableIDs, r.id, bucket))
	if err != nil || value == nil {
		return 0, false, err
	}
	ids, err := decodeIDs(value, r, bucket)
	if err != nil {
		return 0, false, err
	}
	for _, it := range ids {
		if it.prefix != prefix || !r.counts(it.num.height()) || found && it.num < last {
			continue
		}
		stored, err := s.txID(it.num)
		if err != nil {
			return 0, false, err
		}
		if stored == id {
			last, found = it.num, true
		}
	}
	return last, found, nil
}

// group is what one run has of one script, disconnected blocks included.
type group struct {
	key scriptKey
	// events are all there are, or with pages none: they stand in rows of their
	// own, and sum is what they come to.
	events []event
	pages  bool
	sum    sum
}

// bucketReader takes a bucket apart.
type bucketReader struct {
	d    decoder
	run  *run
	last uint64
	// g is the group read last; its events are overwritten by the next.
	g group
}

func readBucket(value []byte, r *run, bucket uint32) bucketReader {
	return bucketReader{d: decoder{rest: value}, run: r, last: floorOf(bucket, r.eventBits)}
}

// next reads a group, and returns false at the end or a fault.
func (b *bucketReader) next() bool {
	if b.d.bad || len(b.d.rest) == 0 {
		return false
	}
	step := b.d.uvarint()
	if b.last+step < b.last {
		b.d.bad = true
		return false
	}
	b.last += step
	b.g = group{key: scriptKey{b.last, b.d.u32()}, events: b.g.events[:0]}
	count := b.d.uvarint()
	if b.g.pages = count == 0; b.g.pages {
		b.g.sum = b.d.sum()
		return !b.d.bad
	}
	from := b.run.from
	for ; count > 0 && !b.d.bad; count-- {
		e := b.d.event(from)
		from = e.num.height()
		b.g.events = append(b.g.events, e)
	}
	return !b.d.bad
}

// group returns what a run has of a script, and false where that is nothing.
func (s *snapshot) group(r *run, key scriptKey) (group, bool, error) {
	bucket := bucketOf(key.hi, r.eventBits)
	value, err := s.get(keyBucket(tableEvents, r.id, bucket))
	if err != nil || value == nil {
		return group{}, false, err
	}
	b := readBucket(value, r, bucket)
	for b.next() {
		switch c := b.g.key.compare(key); {
		case c == 0:
			return b.g, true, nil
		case c > 0:
			return group{}, false, nil
		}
	}
	return group{}, false, b.d.end("events")
}

// decodePage reads a page of events.
func decodePage(value []byte, r *run) (events []event, err error) {
	d, from := decoder{rest: value}, r.from
	for len(d.rest) > 0 && !d.bad {
		e := d.event(from)
		from = e.num.height()
		events = append(events, e)
	}
	return events, d.end("events page")
}

// pages calls each with a big group's pages: ascending, or backwards from the
// page that holds from on (nil: the last). It ends early with utxo.ErrStop.
func (s *snapshot) pages(r *run, key scriptKey, from []byte, backwards bool, each func([]event) error) error {
	prefix := keyGroup(tablePages, r.id, key)
	if from != nil {
		from = append(bytes.Clone(prefix), from...)
	}
	return s.r.Scan(prefix, from, backwards, eachPage(r, each))
}

// maturing calls each with a big group's pages of what matures, the newest
// first. It ends early with utxo.ErrStop.
func (s *snapshot) maturing(r *run, key scriptKey, each func([]event) error) error {
	return s.r.Scan(keyGroup(tableMaturing, r.id, key), nil, true, eachPage(r, each))
}

func eachPage(r *run, each func([]event) error) func(_, value []byte) error {
	return func(_, value []byte) error {
		events, err := decodePage(value, r)
		if err != nil {
			return err
		}
		return each(events)
	}
}

// dead returns a big group's events of blocks that were disconnected, the
// newest first.
func (s *snapshot) dead(r *run, key scriptKey) (list []event, err error) {
	if r.cut > r.to {
		return nil, nil
	}
	err = s.pages(r, key, nil, true, func(events []event) error {
		for i := len(events) - 1; i >= 0; i-- {
			if r.counts(events[i].num.height()) {
				return utxo.ErrStop
			}
			list = append(list, events[i])
		}
		return nil
	})
	return list, err
}

// groups goes through a run in the order of its keys. What it yields last, when
// the error is set, is to be thrown away. A group's events are valid until the
// next.
func (s *snapshot) groups(r *run) iter.Seq2[*group, error] {
	return func(yield func(*group, error) bool) {
		var b bucketReader
		err := s.r.Scan(keyRun(tableEvents, r.id), nil, false, func(key, value []byte) error {
			b = bucketReader{d: decoder{rest: value}, run: r, g: b.g}
			b.last = floorOf(binary.BigEndian.Uint32(key[5:]), r.eventBits)
			for b.next() {
				if !yield(&b.g, nil) {
					return errStopped
				}
			}
			return b.d.end("events")
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

// ids goes through a run's transactions in the order of their ids.
func (s *snapshot) ids(r *run) iter.Seq2[idItem, error] {
	return func(yield func(idItem, error) bool) {
		err := s.r.Scan(keyRun(tableIDs, r.id), nil, false, func(key, value []byte) error {
			ids, err := decodeIDs(value, r, binary.BigEndian.Uint32(key[5:]))
			if err != nil {
				return err
			}
			for _, it := range ids {
				if !yield(it, nil) {
					return errStopped
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(idItem{}, err)
		}
	}
}

// errStopped ends a scan because the reader wants no more.
var errStopped = errors.New("stopped")
