package utxo

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"coffer.example/coffer/coins"
)

// Moment says what an index held when its rows were dumped.
type Moment struct {
	// ID is the index id, Format the version of the rows.
	ID     IndexID
	Format uint32
	Start  coins.Height
	// Tip is the last block; HasTip is false before the first.
	Tip    coins.BlockID
	HasTip bool
	// Watched counts scripts, LastSeq the changes ever logged.
	Watched uint64
	LastSeq Seq
	// Rows is how many rows there are: an estimate before they have been read.
	Rows uint64
	// Digest is [Index.Digest]'s, known once the rows have been read.
	Digest [32]byte
}

// Dump hands every row of one moment to each, in the order of their keys, while
// the index goes on: the moment is that of the call, at a whole block. Key and
// value are valid during the call only. begin is told what is to come. It fails
// with [ErrResetting] while a reset is under way. What it returns is complete.
func (x *Index) Dump(ctx context.Context, begin func(Moment) error, each func(key, value []byte) error) (m Moment, err error) {
	x.writing.Lock()
	held := true
	release := func() {
		if held {
			held = false
			x.writing.Unlock()
		}
	}
	defer release()
	if err := x.usable(); err != nil {
		return m, err
	}
	if err := x.flush(ctx); err != nil {
		return m, err
	}
	err = x.store.View(ctx, func(r Reader) error {
		release() // what was flushed is what r sees, whatever is written from here on
		return dump(ctx, r, &m, begin, each)
	})
	if err != nil {
		return m, fmt.Errorf("dump: %w", err)
	}
	return m, nil
}

// interruptEvery is after how many rows a dump looks whether it is wanted.
const interruptEvery = 1024

func dump(ctx context.Context, r Reader, m *Moment, begin func(Moment) error, each func(key, value []byte) error) error {
	st, err := readMoment(r, m)
	if err != nil {
		return err
	}
	if err := begin(*m); err != nil {
		return err
	}
	m.Rows = 0
	err = r.Scan(nil, nil, false, func(key, value []byte) error {
		if m.Rows++; m.Rows%interruptEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		return each(key, value)
	})
	if err != nil {
		return err
	}
	var d digest
	if err := digestRows(ctx, r, st, &d); err != nil {
		return err
	}
	m.Digest = d.sum()
	return nil
}

func readMoment(r Reader, m *Moment) (*state, error) {
	value, found, err := r.Get(keyIdentity(), nil)
	if err == nil && !found {
		err = fmt.Errorf("identity row is missing: %w", ErrCorrupt)
	}
	if err != nil {
		return nil, err
	}
	self, err := decodeIdentity(value)
	if err != nil {
		return nil, err
	}
	if self.resetting {
		return nil, ErrResetting
	}
	if value, found, err = r.Get(keyState(), nil); err == nil && !found {
		err = fmt.Errorf("state row is missing: %w", ErrCorrupt)
	}
	if err != nil {
		return nil, err
	}
	st, err := decodeState(value)
	*m = Moment{ID: self.id, Format: self.version, Start: self.start, Tip: st.tip, HasTip: st.hasTip, Watched: st.watched, LastSeq: st.lastSeq}
	m.Rows = uint64(st.above(self.start)-self.start) + 2*st.watched + 2*st.sum.coins + 4*st.sum.received + 2
	return &st, err
}

func (d *digest) sum() (sum [32]byte) {
	for i, word := range d {
		binary.LittleEndian.PutUint64(sum[8*i:], word)
	}
	return sum
}

// IsMark says whether a dumped row is the mark ([Index.SetMark]). Who loads an
// index beside another watch log than the one that it was dumped beside leaves
// it out: it would name a place in that one.
func IsMark(key []byte) bool { return len(key) == 1 && key[0] == tableMark }

// Limits of one Update of a load.
const (
	loadRows  = 20_000
	loadBytes = 8 << 20
)

// Load stores dumped rows in an empty store, some at a time, as an index under
// a new id: cursors of the one that was dumped say nothing of what follows.
// rows calls back with each row, in the order of their keys. Until Load has
// returned nil the store holds no index. It fails with [ErrForeign], [ErrNewer],
// or [ErrCorrupt] where the rows are not those of an index.
func Load(ctx context.Context, store Store, coin coins.Coin, random io.Reader, rows func(each func(key, value []byte) error) error) error {
	l := &loader{store: store, rows: map[string][]byte{}}
	empty := true
	err := store.View(ctx, func(r Reader) error {
		return r.Scan(nil, nil, false, func([]byte, []byte) error {
			empty = false
			return ErrStop
		})
	})
	if err == nil && !empty {
		err = fmt.Errorf("the store is not empty: %w", ErrCorrupt)
	}
	if err == nil {
		err = rows(func(key, value []byte) error { return l.take(ctx, key, value) })
	}
	if err == nil {
		err = l.end(ctx, coin, random)
	}
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return nil
}

// loader collects rows until they are worth a transaction.
type loader struct {
	store    Store
	last     []byte
	keys     []string
	rows     map[string][]byte
	size     int
	identity []byte
	state    bool
}

func (l *loader) take(ctx context.Context, key, value []byte) error {
	if len(key) == 0 || bytes.Compare(key, l.last) <= 0 {
		return fmt.Errorf("row %x follows row %x: %w", key, l.last, ErrCorrupt)
	}
	l.last = append(l.last[:0], key...)
	if bytes.Equal(key, keyIdentity()) {
		l.identity = bytes.Clone(value) // stored last: what has none is no index
		return nil
	}
	l.state = l.state || bytes.Equal(key, keyState())
	l.keys = append(l.keys, string(key))
	l.rows[string(key)] = bytes.Clone(value)
	if l.size += len(key) + len(value); l.size < loadBytes && len(l.keys) < loadRows {
		return nil
	}
	return l.flush(ctx)
}

func (l *loader) flush(ctx context.Context) error {
	err := l.store.Update(ctx, func(w Writer) error {
		for _, key := range l.keys {
			if err := w.Set([]byte(key), l.rows[key]); err != nil {
				return err
			}
		}
		return nil
	})
	l.keys, l.size = l.keys[:0], 0
	clear(l.rows)
	return err
}

func (l *loader) end(ctx context.Context, coin coins.Coin, random io.Reader) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	if l.identity == nil || !l.state {
		return fmt.Errorf("no identity row or no state row: %w", ErrCorrupt)
	}
	self, err := decodeIdentity(l.identity)
	if err == nil {
		err = self.matches(coin.Params())
	}
	if err == nil && self.resetting {
		err = ErrResetting
	}
	if err == nil {
		err = self.renew(random)
	}
	if err != nil {
		return err
	}
	return l.store.Update(ctx, func(w Writer) error { return w.Set(keyIdentity(), self.encode()) })
}

// Proof is what a check found at one moment.
type Proof struct {
	ID     IndexID
	Tip    coins.BlockID
	HasTip bool
	Digest [32]byte
}

// Prove is [Index.Check] and [Index.Digest] at one moment. The digest is not
// taken of an index that is not sound.
func (x *Index) Prove(ctx context.Context, progress func(table string, rows int)) (p Proof, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.check(ctx, progress); err != nil {
		return Proof{ID: x.self.id, Tip: x.state.tip, HasTip: x.state.hasTip}, err
	}
	var d digest
	err = x.store.View(ctx, func(r Reader) error { return digestRows(ctx, r, &x.state, &d) })
	return Proof{ID: x.self.id, Tip: x.state.tip, HasTip: x.state.hasTip, Digest: d.sum()}, err
}

// Compact gives back the space that deleted and overwritten rows hold; the
// index is used meanwhile.
func (x *Index) Compact(ctx context.Context) error { return x.store.Compact(ctx) }

// Collect is a small Compact, for now and then; it returns how many files of
// the store were written anew.
func (x *Index) Collect(ctx context.Context) (files int, err error) { return x.store.Collect(ctx) }
