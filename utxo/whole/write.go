package whole

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// maxStage is how many bytes of rows one transaction of the store takes. Far
// behind the tip what becomes durable together is larger than that: rows that
// no state row names yet go ahead in transactions of their own, and count from
// the one that writes the state row, which is the last.
const (
	maxStage     = 4 << 20
	maxStageRows = MaxRows / 2
)

// What a store must take in one transaction. Badger's limit is 15 % of the
// memtable by bytes, 9.6 MB of these 64 MiB: a stage, and the row that fills it,
// which is at most a block's outputs.
const (
	MemTable = 64 << 20
	MaxRows  = 100_000
	// LevelBase is the size from which the store's first sorted level is better
	// merged into the next. Runs are large and ascend: with Badger's own 10 MiB,
	// 2.3 GB of blocks cost 210 CPU seconds and with this 116.
	LevelBase = 512 << 20
)

// stage collects rows for the store.
type stage struct {
	store utxo.Store
	limit int // bytes
	rows  []row
	bytes int
}

func (x *Index) stage() stage { return stage{store: x.store, limit: x.opts.Stage} }

// row is a key with its value, or with nil deleted.
type row struct{ key, value []byte }

// emit takes a row; key and value are the stage's from then on.
func (s *stage) emit(ctx context.Context, key, value []byte) error {
	s.rows = append(s.rows, row{key, value})
	s.bytes += len(key) + len(value)
	if s.bytes < s.limit && len(s.rows) < maxStageRows {
		return nil
	}
	return s.flush(ctx)
}

// flush stores what was collected in one transaction.
func (s *stage) flush(ctx context.Context) error {
	rows := s.rows
	if len(rows) == 0 {
		return nil
	}
	err := s.store.Update(ctx, func(w utxo.Writer) error {
		for _, r := range rows {
			var err error
			if r.value == nil {
				err = w.Delete(r.key)
			} else {
				err = w.Set(r.key, r.value)
			}
			if err != nil {
				return fmt.Errorf("write row %x: %w", r.key, err)
			}
		}
		return nil
	})
	s.rows, s.bytes = s.rows[:0], 0
	return err
}

// Sizes of what belongs to a script with many events in one run.
const (
	// maxSmall is how many events stand among others' in a bucket; a script with
	// more has pages of its own.
	maxSmall = 64
	pageSize = 128
)

// runWriter writes the events of a run: scripts in the order of their keys,
// each one's events in the order of the chain.
type runWriter struct {
	run  *run
	emit func(key, value []byte) error

	// value is the bucket's row so far, last the hash before in it.
	value   []byte
	bucket  uint32
	started bool
	last    uint64

	key    scriptKey
	events []event
	big    *bigGroup
}

// bigGroup is what is gathered of a script with pages of its own.
type bigGroup struct {
	sum  sum
	live live
	// maturing are the newest events of coinbases and peg-outs.
	maturing []event
}

// add takes the next event.
func (w *runWriter) add(key scriptKey, e *event) error {
	if key != w.key {
		if err := w.endGroup(); err != nil {
			return err
		}
		w.key = key
	}
	w.run.events++
	w.events = append(w.events, *e)
	if w.big == nil && len(w.events) > maxSmall {
		w.big = &bigGroup{live: live{}}
	}
	if w.big != nil && len(w.events) >= pageSize {
		return w.page()
	}
	return nil
}

// page writes the events gathered as a page of a big group.
func (w *runWriter) page() error {
	for i := range w.events {
		w.big.sum.add(&w.events[i])
		w.big.live.add(&w.events[i])
		if !w.events[i].flags.generated() {
			continue
		}
		if w.big.maturing = append(w.big.maturing, w.events[i]); len(w.big.maturing) == pageSize {
			if err := w.maturing(); err != nil {
				return err
			}
		}
	}
	err := w.emit(keyPage(tablePages, w.run.id, w.key, w.events[0]), appendEvents(nil, w.run.from, w.events))
	w.events = w.events[:0]
	return err
}

// maturing writes a page of the events of what matures, which a balance reads
// without the others.
func (w *runWriter) maturing() error {
	list := w.big.maturing
	if len(list) == 0 {
		return nil
	}
	w.big.maturing = nil
	return w.emit(keyPage(tableMaturing, w.run.id, w.key, list[0]), appendEvents(nil, w.run.from, list))
}

// endGroup puts the script into its bucket.
func (w *runWriter) endGroup() error {
	if len(w.events) == 0 && w.big == nil {
		return nil
	}
	if err := w.seek(bucketOf(w.key.hi, w.run.eventBits)); err != nil {
		return err
	}
	w.value = binary.AppendUvarint(w.value, w.key.hi-w.last)
	w.value = binary.BigEndian.AppendUint32(w.value, w.key.lo)
	w.last = w.key.hi
	if w.big == nil {
		w.value = binary.AppendUvarint(w.value, uint64(len(w.events)))
		w.value = appendEvents(w.value, w.run.from, w.events)
		w.events = w.events[:0]
		return nil
	}
	if len(w.events) > 0 {
		if err := w.page(); err != nil {
			return err
		}
	}
	w.value = binary.AppendUvarint(w.value, 0)
	w.value = w.big.sum.append(w.value)
	if err := w.maturing(); err != nil {
		return err
	}
	err := w.livePages(w.big.live)
	w.big = nil
	return err
}

func (w *runWriter) livePages(set live) error {
	entries := slices.SortedFunc(maps.Values(set), compareLive)
	for page := range slices.Chunk(entries, pageSize) {
		if err := w.emit(keyLive(w.run.id, w.key, page[0].ref), appendLive(nil, page)); err != nil {
			return err
		}
	}
	return nil
}

// seek ends the bucket before another.
func (w *runWriter) seek(bucket uint32) error {
	if w.started && bucket == w.bucket {
		return nil
	}
	err := w.endBucket()
	w.started, w.bucket, w.last = true, bucket, floorOf(bucket, w.run.eventBits)
	return err
}

func (w *runWriter) endBucket() error {
	if len(w.value) == 0 {
		return nil
	}
	err := w.emit(keyBucket(tableEvents, w.run.id, w.bucket), slices.Clone(w.value))
	w.value = w.value[:0]
	return err
}

// close writes what is left.
func (w *runWriter) close() error {
	if err := w.endGroup(); err != nil {
		return err
	}
	return w.endBucket()
}

// idItem is a transaction with the part of its id that finds it.
type idItem struct {
	prefix uint64
	num    txNum
}

// idWriter writes the transaction ids of a run, ascending.
type idWriter struct {
	run     *run
	emit    func(key, value []byte) error
	value   []byte
	bucket  uint32
	started bool
	last    uint64
}

func (w *idWriter) add(it idItem) error {
	if bucket := bucketOf(it.prefix, w.run.idBits); !w.started || bucket != w.bucket {
		if err := w.close(); err != nil {
			return err
		}
		w.started, w.bucket, w.last = true, bucket, floorOf(bucket, w.run.idBits)
	}
	w.value = appendID(w.value, w.last, w.run.from, it)
	w.last = it.prefix
	w.run.ids++
	return nil
}

func appendID(dst []byte, last uint64, from coins.Height, it idItem) []byte {
	dst = binary.AppendUvarint(dst, it.prefix-last)
	dst = binary.AppendUvarint(dst, uint64(it.num.height()-from))
	return binary.AppendUvarint(dst, uint64(it.num.place()))
}

func (w *idWriter) close() error {
	if len(w.value) == 0 {
		return nil
	}
	err := w.emit(keyBucket(tableIDs, w.run.id, w.bucket), slices.Clone(w.value))
	w.value = w.value[:0]
	return err
}

// decodeIDs reads a bucket of transaction ids.
func decodeIDs(value []byte, r *run, bucket uint32) (ids []idItem, err error) {
	d, last := decoder{rest: value}, floorOf(bucket, r.idBits)
	for len(d.rest) > 0 && !d.bad {
		step := d.uvarint()
		if last+step < last {
			d.bad = true
		}
		last += step
		height := d.above(r.from)
		ids = append(ids, idItem{last, numberOf(height, d.uint32())})
	}
	return ids, d.end("transaction ids")
}
