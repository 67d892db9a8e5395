package utxo

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// record is one row of the change log: the changes of one step, numbered from
// the row's key on.
type record struct {
	kind recordKind
	// block is the one connected or disconnected, or read by a job.
	block   coins.BlockID
	changes []Change
	// job and count stand for the changes of a finished job, which stay in the
	// job's own rows.
	job   JobID
	count uint64
}

type recordKind byte

const (
	recordConnect    recordKind = 1
	recordDisconnect recordKind = 2
	recordMempool    recordKind = 3
	// recordJob refers to what a job found, by number.
	recordJob recordKind = 4
	// recordRepair holds what a job found of a script that was complete.
	recordRepair recordKind = 5
)

// size returns how many sequence numbers the record takes.
func (r *record) size() uint64 {
	switch r.kind {
	case recordJob:
		return r.count
	case recordConnect, recordDisconnect:
		return 1 + uint64(len(r.changes))
	}
	return uint64(len(r.changes))
}

// Bits beside a stored change's coin flags.
const (
	changeOther     = 0x10 // the coin's txid is not the change's: it follows
	changeConfirmed = 0x20 // the coin is in a block
	changeElsewhere = 0x40 // in another block than the record's: it follows
)

func (r *record) encode() []byte {
	b := append(make([]byte, 0, 64+128*len(r.changes)), byte(r.kind))
	b = binary.AppendUvarint(b, r.size())
	switch r.kind {
	case recordJob:
		return binary.BigEndian.AppendUint64(b, uint64(r.job))
	case recordMempool:
	default:
		b = appendBlockID(b, r.block)
	}
	for i := range r.changes {
		b = r.appendChange(b, &r.changes[i])
	}
	return b
}

func (r *record) appendChange(b []byte, c *Change) []byte {
	flags := byte(flagsOf(&c.Coin))
	if c.Coin.OutPoint.TxID != c.TxID {
		flags |= changeOther
	}
	if c.Coin.Confirmed {
		flags |= changeConfirmed
		if c.Coin.Block != r.block {
			flags |= changeElsewhere
		}
	}
	b = append(append(b, byte(c.Kind), flags), c.TxID[:]...)
	if flags&changeOther != 0 {
		b = append(b, c.Coin.OutPoint.TxID[:]...)
	}
	if flags&changeElsewhere != 0 {
		b = appendBlockID(b, c.Coin.Block)
	}
	b = binary.AppendUvarint(b, uint64(c.Coin.Index))
	b = binary.AppendUvarint(b, uint64(c.Coin.OutPoint.Vout))
	b = binary.AppendUvarint(b, uint64(c.Coin.Value))
	return appendBytes(b, c.Coin.Script)
}

func flagsOf(c *Coin) (flags coinFlags) {
	if c.Coinbase {
		flags |= flagCoinbase
	}
	if c.PegOut {
		flags |= flagPegOut
	}
	return flags
}

// decodeRecord reads a record with all its changes; Seq is for the caller.
func decodeRecord(value []byte) (*record, error) {
	d := decoder{rest: value}
	r := &record{kind: recordKind(d.u8())}
	r.count = d.uvarint()
	switch r.kind {
	case recordJob:
		r.job = JobID(d.u64())
		return r, d.end("log")
	case recordConnect, recordDisconnect, recordRepair:
		r.block = d.blockID()
	case recordMempool:
	default:
		return nil, fmt.Errorf("log row of kind %d: %w", r.kind, ErrCorrupt)
	}
	for len(d.rest) > 0 && !d.bad {
		r.changes = append(r.changes, r.change(&d))
	}
	if err := d.end("log"); err != nil {
		return nil, err
	}
	if r.count != r.size() {
		return nil, fmt.Errorf("log row of %d changes says %d: %w", r.size(), r.count, ErrCorrupt)
	}
	return r, nil
}

func (r *record) change(d *decoder) (c Change) {
	c.Kind, c.Block = ChangeKind(d.u8()), r.block
	flags := d.u8()
	c.TxID = d.hash()
	c.Coin.OutPoint.TxID = c.TxID
	if flags&changeOther != 0 {
		c.Coin.OutPoint.TxID = d.hash()
	}
	if c.Coin.Confirmed = flags&changeConfirmed != 0; c.Coin.Confirmed {
		c.Coin.Block = r.block
	}
	if flags&changeElsewhere != 0 {
		c.Coin.Block = d.blockID()
	}
	c.Coin.Coinbase = flags&byte(flagCoinbase) != 0
	c.Coin.PegOut = flags&byte(flagPegOut) != 0
	c.Coin.Index, c.Coin.OutPoint.Vout = d.uint32(), d.uint32()
	c.Coin.Value, c.Coin.Script = coins.Amount(d.uvarint()), slices.Clone(d.bytes())
	c.Historical = r.kind == recordRepair
	return c
}

// list returns the record's changes with the one of the block itself first.
func (r *record) list() []Change {
	kind := BlockConnected
	switch r.kind {
	case recordDisconnect:
		kind = BlockDisconnected
	case recordConnect:
	default:
		return r.changes
	}
	return append([]Change{{Kind: kind, Block: r.block}}, r.changes...)
}

// log puts a record at the end of the log.
func (s *step) log(r *record) {
	if r.size() == 0 {
		return
	}
	s.put(keyNumber(tableLog, uint64(s.state.lastSeq)+1), r.encode())
	s.state.lastSeq += Seq(r.size())
}

// MaxChanges is the most changes that one call returns.
const MaxChanges = 10_000

// Changes returns at most limit changes after a number, in order; none where
// after is the last. Fewer than limit do not mean the end. It fails with
// [ErrSequence], or [ErrPruned] where the next change is no longer kept.
func (x *Index) Changes(ctx context.Context, after Seq, limit int) (list []Change, err error) {
	err = x.query(ctx, func(r Reader) error {
		floor, err := readFloor(r)
		if err == nil {
			err = floor.holds(after, x.state.lastSeq)
		}
		if err != nil || after == x.state.lastSeq {
			return err
		}
		reading := logReader{r: r, want: after + 1, limit: min(max(limit, 1), MaxChanges)}
		from, err := reading.rowOf(reading.want)
		if err != nil {
			return err
		}
		err = r.Scan([]byte{tableLog}, from, false, reading.row)
		list = reading.list
		return err
	})
	return list, err
}

// logReader collects changes from the one it wants next.
type logReader struct {
	r     Reader
	want  Seq
	limit int
	list  []Change
}

// rowOf returns the key of the row that holds a change.
func (l *logReader) rowOf(seq Seq) (key []byte, err error) {
	err = l.r.Scan([]byte{tableLog}, keyNumber(tableLog, uint64(seq)), true, func(k, _ []byte) error {
		key = bytes.Clone(k)
		return ErrStop
	})
	if err == nil && key == nil {
		err = fmt.Errorf("change %d is missing: %w", seq, ErrCorrupt)
	}
	return key, err
}

func (l *logReader) row(key, value []byte) error {
	record, err := decodeRecord(value)
	if err != nil {
		return err
	}
	first := Seq(numberOfKey(key))
	if l.want < first || l.want >= first+Seq(record.size()) {
		return fmt.Errorf("change %d is missing: %w", l.want, ErrCorrupt)
	}
	if record.kind == recordJob {
		err = l.found(first, record)
	} else {
		l.take(first, record.list())
	}
	if err == nil && len(l.list) == l.limit {
		err = ErrStop
	}
	return err
}

// take appends the changes from the wanted one on, of which list's first has
// the number first.
func (l *logReader) take(first Seq, list []Change) {
	for _, c := range list[l.want-first:] {
		if len(l.list) == l.limit {
			return
		}
		c.Seq = l.want
		l.list = append(l.list, c)
		l.want++
	}
}

// found reads the changes that a job kept: the rows of blocks, each with the
// number of changes before it.
func (l *logReader) found(first Seq, record *record) error {
	job, err := readJob(l.r, record.job)
	if err != nil {
		return err
	}
	at, err := l.foundRow(job, uint64(l.want-first))
	if err != nil {
		return err
	}
	return l.r.Scan(keyNumber(tableFound, uint64(record.job)), at, false, func(_, value []byte) error {
		row, err := decodeFound(value)
		if err != nil {
			return err
		}
		if l.take(first+Seq(row.first), row.changes); len(l.list) == l.limit {
			return ErrStop
		}
		return nil
	})
}

// foundRow finds the row that holds a job's change by its place: the last row
// with no more changes before it, by halving the heights.
func (l *logReader) foundRow(job *jobRow, place uint64) (key []byte, err error) {
	prefix := keyNumber(tableFound, uint64(job.ID))
	low, high := job.From, job.Next
	for low < high {
		middle := low + (high-low)/2
		next, first := coins.Height(0), uint64(0)
		found := false
		err := l.r.Scan(prefix, keyFound(job.ID, middle), false, func(k, value []byte) error {
			row, err := decodeFound(value)
			if err != nil {
				return err
			}
			next, first, found = heightOfKey(k), row.first, true
			return ErrStop
		})
		if err != nil {
			return nil, err
		}
		if !found || first > place {
			high = middle
			continue
		}
		key, low = keyFound(job.ID, next), next+1
	}
	if key == nil {
		return nil, fmt.Errorf("change %d of job %d is missing: %w", place, job.ID, ErrCorrupt)
	}
	return key, nil
}
