package badgerkv

import (
	"bytes"
	"errors"
	"fmt"

	"coffer.example/coffer/utxo"
	"github.com/dgraph-io/badger/v4"
)

// txn is one Badger transaction as the index sees it.
type txn struct{ t *badger.Txn }

func (t txn) Get(key, dst []byte) (value []byte, found bool, err error) {
	item, err := t.t.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return dst, false, nil
	}
	if err != nil {
		return dst, false, fmt.Errorf("get %x: %w", key, err)
	}
	err = item.Value(func(v []byte) error {
		dst = append(dst, v...)
		return nil
	})
	return dst, err == nil, err
}

func (t txn) Scan(prefix, from []byte, backwards bool, each func(key, value []byte) error) error {
	opts := badger.DefaultIteratorOptions
	opts.Reverse = backwards
	// Nearly every value stands beside its key; fetching ahead costs a goroutine a row.
	opts.PrefetchValues = false
	if !backwards {
		opts.Prefix = prefix
	}
	it := t.t.NewIterator(opts)
	defer it.Close()
	var key []byte
	visit := func(value []byte) error { return each(key, value) }
	for it.Seek(seek(prefix, from, backwards)); it.Valid(); it.Next() {
		item := it.Item()
		key = item.Key()
		if !bytes.HasPrefix(key, prefix) {
			if backwards && bytes.Compare(key, prefix) > 0 {
				continue
			}
			return nil
		}
		err := item.Value(visit)
		if errors.Is(err, utxo.ErrStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// seek returns the key to begin at. Backwards without one it lies behind every
// key of the prefix.
func seek(prefix, from []byte, backwards bool) []byte {
	switch {
	case from != nil && !backwards && bytes.Compare(from, prefix) < 0:
		return prefix
	case from != nil:
		return from
	case backwards:
		return append(bytes.Clone(prefix), bytes.Repeat([]byte{0xff}, keyLimit)...)
	}
	return prefix
}

// keyLimit is longer than any key of the index.
const keyLimit = 64

func (t txn) Set(key, value []byte) error { return t.t.Set(key, value) }

func (t txn) Delete(key []byte) error { return t.t.Delete(key) }

// logger passes Badger's warnings on and drops the rest: every error also
// comes back from the call that met it.
type logger struct{ warn func(string) }

func (l logger) Errorf(format string, args ...any) { l.Warningf(format, args...) }

func (l logger) Warningf(format string, args ...any) {
	if l.warn != nil {
		l.warn(fmt.Sprintf(format, args...))
	}
}

func (logger) Infof(string, ...any)  {}
func (logger) Debugf(string, ...any) {}
