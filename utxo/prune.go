package utxo

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"coffer.example/coffer/coins"
)

// floor is where the log begins: what is below it has been pruned.
type floor struct {
	// row is the key of the first row kept, from the first change; from lies
	// behind row where a job's changes are dropped some at a time.
	row, from Seq
	// next is the height from which on the job's changes are still kept.
	next coins.Height
}

func keyFloor() []byte { return []byte{tableCursor} }

func (f floor) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(f.row))
	return appendHeight(binary.BigEndian.AppendUint64(b, uint64(f.from)), f.next)
}

func decodeFloor(value []byte) (f floor, err error) {
	d := decoder{rest: value}
	f.row, f.from, f.next = Seq(d.u64()), Seq(d.u64()), d.height()
	return f, d.end("floor of the log")
}

// readFloor returns where the log begins: with the first change while nothing
// was pruned.
func readFloor(r Reader) (floor, error) {
	value, found, err := r.Get(keyFloor(), nil)
	if err != nil || !found {
		return floor{row: 1, from: 1}, err
	}
	return decodeFloor(value)
}

// holds says whether the log can be read on after a change.
func (f floor) holds(after, last Seq) error {
	switch {
	case after > last:
		return fmt.Errorf("change %d, the last is %d: %w", after, last, ErrSequence)
	case after+1 < f.from:
		return fmt.Errorf("change %d, the log begins with %d: %w", after+1, f.from, ErrPruned)
	}
	return nil
}

// pruneRows is the most rows that one block's commit prunes; less where the
// commit is large already.
const pruneRows = 2048

// pruneLog drops rows from the front of the log: what every cursor has passed,
// and what came before the blocks that can be disconnected. A row between two
// blocks is as old as the one before it.
func (x *Index) pruneLog(s *step) error {
	budget := min(pruneRows, maxPendingRows-len(s.rows))
	if budget <= 0 {
		return nil
	}
	passed := x.slowest
	if lag := s.state.lastSeq; lag > x.maxLag() {
		passed = max(passed, lag-x.maxLag())
	}
	value, found, err := s.get(keyFloor())
	at := floor{row: 1, from: 1}
	if err == nil && found {
		at, err = decodeFloor(value)
	}
	before := at
	for more := true; more && err == nil; {
		more, err = s.pruneRow(&at, passed, &budget)
	}
	if err == nil && at != before {
		s.put(keyFloor(), at.encode())
	}
	return err
}

func (x *Index) maxLag() Seq {
	if x.opts.MaxCursorLag > 0 {
		return x.opts.MaxCursorLag
	}
	return MaxCursorLag
}

// pruneRow drops the first row where that may go, and says whether the next one
// is worth looking at.
func (s *step) pruneRow(at *floor, passed Seq, budget *int) (more bool, err error) {
	if *budget <= 0 || at.row > s.state.lastSeq {
		return false, nil
	}
	value, err := s.need(keyNumber(tableLog, uint64(at.row)), "log")
	if err != nil {
		return false, err
	}
	head, err := decodeHead(value)
	if err != nil {
		return false, err
	}
	last := at.row + Seq(head.count) - 1
	if last > passed || head.kind == recordConnect && head.block.Height >= s.state.undoFrom {
		return false, nil
	}
	if head.kind == recordJob {
		if whole, err := s.pruneFound(at, head.job, budget); err != nil || !whole {
			return false, err
		}
	}
	s.del(keyNumber(tableLog, uint64(at.row)))
	*budget--
	*at = floor{row: last + 1, from: last + 1}
	return true, nil
}

// pruneFound drops what a job has kept, some rows at a time, and says whether
// that was all.
func (s *step) pruneFound(at *floor, job JobID, budget *int) (whole bool, err error) {
	whole = true
	err = s.base.Scan(keyNumber(tableFound, uint64(job)), keyFound(job, at.next), false, func(key, value []byte) error {
		row, err := decodeFound(value)
		if err != nil {
			return err
		}
		if *budget <= 0 {
			whole = false
			return ErrStop
		}
		s.del(bytes.Clone(key))
		*budget--
		at.from = at.row + Seq(row.first) + Seq(len(row.changes))
		at.next = heightOfKey(key) + 1
		return nil
	})
	return whole, err
}

// decodeHead reads a log row without its changes.
func decodeHead(value []byte) (*record, error) {
	d := decoder{rest: value}
	r := &record{kind: recordKind(d.u8()), count: d.uvarint()}
	switch r.kind {
	case recordJob:
		r.job = JobID(d.u64())
	case recordConnect, recordDisconnect, recordRepair:
		r.block = d.blockID()
	case recordMempool:
	default:
		return nil, fmt.Errorf("log row of kind %d: %w", r.kind, ErrCorrupt)
	}
	d.rest = nil
	return r, d.end("log")
}
