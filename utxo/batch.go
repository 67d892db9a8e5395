package utxo

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// batch holds the rows that one or several whole steps write, and reads
// through them: what a step finds is what it would find after they are stored.
type batch struct {
	rows map[string]batchRow
	// blocks counts the blocks in it, size its rows' bytes.
	blocks, size int
	// aside says that there are rows of jobs in it.
	aside bool
}

type batchRow struct {
	value   []byte
	deleted bool
	// fresh rows are not in the store: deleting one leaves nothing to write.
	fresh bool
}

func newBatch() *batch { return &batch{rows: make(map[string]batchRow)} }

// scope is a batch over a snapshot of the store.
type scope struct {
	*batch
	base Reader
	buf  []byte
}

// get returns a row's value, valid until the next get.
func (s *scope) get(key []byte) ([]byte, bool, error) {
	if row, found := s.rows[string(key)]; found {
		return row.value, !row.deleted, nil
	}
	value, found, err := s.base.Get(key, s.buf[:0])
	if value != nil {
		s.buf = value
	}
	return value, found, err
}

// need is get of a row that must be there.
func (s *scope) need(key []byte, noun string) ([]byte, error) {
	value, found, err := s.get(key)
	if err == nil && !found {
		err = fmt.Errorf("%s row %x is missing: %w", noun, key, ErrCorrupt)
	}
	return value, err
}

// put writes a row; the value is the batch's from then on.
func (b *batch) put(key, value []byte) {
	old := b.rows[string(key)]
	b.size += len(key) + len(value)
	b.rows[string(key)] = batchRow{value: value, fresh: old.fresh}
}

// putFresh is put of a row that the store is known not to hold.
func (b *batch) putFresh(key, value []byte) {
	old, known := b.rows[string(key)]
	b.size += len(key) + len(value)
	b.rows[string(key)] = batchRow{value: value, fresh: !known || old.fresh}
}

func (b *batch) del(key []byte) {
	if old := b.rows[string(key)]; old.fresh {
		delete(b.rows, string(key))
		return
	}
	b.size += len(key)
	b.rows[string(key)] = batchRow{deleted: true}
}

// store writes the rows in the order of their keys, in one transaction.
func (b *batch) store(ctx context.Context, to Store) error {
	if len(b.rows) > to.MaxRows() {
		return fmt.Errorf("%d rows, limit %d: %w", len(b.rows), to.MaxRows(), ErrTooManyRows)
	}
	keys := slices.Sorted(maps.Keys(b.rows))
	return to.Update(ctx, func(w Writer) error {
		for _, key := range keys {
			row := b.rows[key]
			var err error
			if row.deleted {
				err = w.Delete([]byte(key))
			} else {
				err = w.Set([]byte(key), row.value)
			}
			if err != nil {
				return fmt.Errorf("write row %x: %w", key, err)
			}
		}
		return nil
	})
}
