package memkv

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"

	"coffer.example/coffer/utxo"
)

// ErrClosed says that the store was closed.
var ErrClosed = errors.New("store is closed")

var _ utxo.Store = (*Store)(nil)

// Store is an ordered, transactional map in memory.
type Store struct {
	root    atomic.Pointer[node]
	writing sync.Mutex
	closed  atomic.Bool
	seed    maphash.Seed
	maxRows int
}

// node is a row with the rows before and after it.
type node struct {
	key         string
	value       []byte
	priority    uint64
	left, right *node
}

// New returns an empty store that takes maxRows rows in one transaction.
func New(maxRows int) *Store { return &Store{seed: maphash.MakeSeed(), maxRows: maxRows} }

// Reopen returns a store with the same rows, as a file opened anew would be.
func (s *Store) Reopen() *Store {
	again := &Store{seed: s.seed, maxRows: s.maxRows}
	again.root.Store(s.root.Load())
	return again
}

// View implements [utxo.Store].
func (s *Store) View(ctx context.Context, read func(utxo.Reader) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	return read(&txn{root: s.root.Load(), store: s})
}

// Update implements [utxo.Store].
func (s *Store) Update(ctx context.Context, write func(utxo.Writer) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	t := &txn{root: s.root.Load(), store: s}
	if err := write(t); err != nil {
		return err
	}
	s.root.Store(t.root)
	return nil
}

func (s *Store) usable(ctx context.Context) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// MaxRows implements [utxo.Store].
func (s *Store) MaxRows() int { return s.maxRows }

// Compact implements [utxo.Store]; there is nothing to give back.
func (s *Store) Compact(ctx context.Context) error { return s.usable(ctx) }

// Collect implements [utxo.Store]; there is nothing to give back.
func (s *Store) Collect(ctx context.Context) (files int, err error) { return 0, s.usable(ctx) }

// Close implements [utxo.Store].
func (s *Store) Close() error {
	s.closed.Store(true)
	return nil
}

// txn is a transaction: a root of its own.
type txn struct {
	root  *node
	store *Store
	rows  int
}

func (t *txn) Get(key, dst []byte) (value []byte, found bool, err error) {
	for n := t.root; n != nil; {
		switch c := strings.Compare(string(key), n.key); {
		case c == 0:
			return append(dst, n.value...), true, nil
		case c < 0:
			n = n.left
		default:
			n = n.right
		}
	}
	return dst, false, nil
}

func (t *txn) Scan(prefix, from []byte, backwards bool, each func(key, value []byte) error) error {
	walk := walker{prefix: string(prefix), from: string(from), bounded: from != nil, each: each}
	err := error(nil)
	if backwards {
		err = walk.down(t.root)
	} else {
		err = walk.up(t.root)
	}
	if errors.Is(err, utxo.ErrStop) {
		return nil
	}
	return err
}

// walker visits the rows of a prefix in order.
type walker struct {
	prefix, from string
	bounded      bool
	each         func(key, value []byte) error
}

// visit shows a row that is spoilt when the call has ended: who kept a part of it
// beyond, which stores on disk do not allow, reads nonsense in every test.
func (w *walker) visit(n *node) error {
	key, value := []byte(n.key), bytes.Clone(n.value)
	err := w.each(key, value)
	for _, spoilt := range [][]byte{key, value} {
		for i := range spoilt {
			spoilt[i] = 0xdb
		}
	}
	return err
}

func (w *walker) up(n *node) error {
	if n == nil {
		return nil
	}
	before := n.key < w.prefix || (w.bounded && n.key < w.from)
	inside := strings.HasPrefix(n.key, w.prefix)
	if !before {
		if err := w.up(n.left); err != nil {
			return err
		}
		if inside {
			if err := w.visit(n); err != nil {
				return err
			}
		}
		if !inside && n.key > w.prefix {
			return nil
		}
	}
	return w.up(n.right)
}

func (w *walker) down(n *node) error {
	if n == nil {
		return nil
	}
	inside := strings.HasPrefix(n.key, w.prefix)
	behind := (!inside && n.key > w.prefix) || (w.bounded && n.key > w.from)
	if !behind {
		if err := w.down(n.right); err != nil {
			return err
		}
		if inside {
			if err := w.visit(n); err != nil {
				return err
			}
		}
		if n.key < w.prefix {
			return nil
		}
	}
	return w.down(n.left)
}

func (t *txn) Set(key, value []byte) error {
	if t.rows++; t.rows > t.store.maxRows {
		return utxo.ErrTooManyRows
	}
	n := &node{key: string(key), value: bytes.Clone(value), priority: maphash.Bytes(t.store.seed, key)}
	left, _, right := split(t.root, n.key)
	t.root = merge(merge(left, n), right)
	return nil
}

func (t *txn) Delete(key []byte) error {
	if t.rows++; t.rows > t.store.maxRows {
		return utxo.ErrTooManyRows
	}
	left, _, right := split(t.root, string(key))
	t.root = merge(left, right)
	return nil
}

// split returns the rows before a key, its own and those after it.
func split(n *node, key string) (left, at, right *node) {
	if n == nil {
		return nil, nil, nil
	}
	switch c := strings.Compare(key, n.key); {
	case c == 0:
		return n.left, n, n.right
	case c < 0:
		left, at, right = split(n.left, key)
		return left, at, &node{n.key, n.value, n.priority, right, n.right}
	}
	left, at, right = split(n.right, key)
	return &node{n.key, n.value, n.priority, n.left, left}, at, right
}

// merge joins two trees, all of left's keys before right's.
func merge(left, right *node) *node {
	switch {
	case left == nil:
		return right
	case right == nil:
		return left
	case left.priority > right.priority:
		return &node{left.key, left.value, left.priority, left.left, merge(left.right, right)}
	}
	return &node{right.key, right.value, right.priority, merge(left, right.left), right.right}
}
