package utxo

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"

	"coffer.example/coffer/coins"
)

// Cursor says how far a consumer of the log has come. The consumer keeps its
// own in the transaction that stores what it derived; the index keeps the last
// one it was told of, by name, and the changes after it.
type Cursor struct {
	// Name is 1 to [MaxCursorName] bytes of a-z, 0-9, '.', '_' and '-'.
	Name string
	// Index is the id of the index that Seq counts for. After a rebuild or a
	// restore it is another, and the consumer has to resynchronise.
	Index IndexID
	// Seq is the last change taken, 0 before the first.
	Seq Seq
	// Block is where the consumer stood then, zero before its first block.
	Block coins.BlockID
	// Updated is when the index was told.
	Updated time.Time
}

// Limits of cursors.
const (
	MaxCursors    = 64
	MaxCursorName = 64
	// MaxCursorLag is how many changes the log keeps for a consumer that does not
	// come, near 2 GB: one that lags more falls off the tail and has to
	// resynchronise.
	MaxCursorLag Seq = 20_000_000
)

func keyCursor(name string) []byte { return append([]byte{tableCursor}, name...) }

func (c *Cursor) encode() []byte {
	b := binary.BigEndian.AppendUint64(append([]byte{}, c.Index[:]...), uint64(c.Seq))
	return binary.BigEndian.AppendUint64(appendBlockID(b, c.Block), uint64(c.Updated.Unix()))
}

func decodeCursor(key, value []byte) (c Cursor, err error) {
	d := decoder{rest: value}
	c.Name = string(key[1:])
	copy(c.Index[:], d.take(len(c.Index)))
	c.Seq, c.Block, c.Updated = Seq(d.u64()), d.blockID(), time.Unix(int64(d.u64()), 0).UTC()
	return c, d.end("cursor")
}

func checkCursorName(name string) error {
	bad := name == "" || len(name) > MaxCursorName
	for _, c := range []byte(name) {
		bad = bad || (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-'
	}
	if bad {
		return fmt.Errorf("name %.80q: %w", name, ErrCursorName)
	}
	return nil
}

// scanCursors calls each with every cursor, in the order of their names.
func scanCursors(r Reader, each func(Cursor) error) error {
	return r.Scan([]byte{tableCursor}, nil, false, func(key, value []byte) error {
		if len(key) == 1 {
			return nil // the floor
		}
		c, err := decodeCursor(key, value)
		if err != nil {
			return err
		}
		return each(c)
	})
}

// loadSlowest finds the slowest cursor of this index id.
func (x *Index) loadSlowest(r Reader) error {
	x.slowest = math.MaxUint64
	return scanCursors(r, func(c Cursor) error {
		if c.Index == x.self.id {
			x.slowest = min(x.slowest, c.Seq)
		}
		return nil
	})
}

// RegisterCursor makes a cursor that stands behind the change at: 0 for the
// beginning of the log where that is kept still, [Index.LastSeq] for a consumer
// that has just been brought level by other means. It replaces one of the same
// name, as a consumer wants that has resynchronised. It fails with
// [ErrCursorName], [ErrTooManyCursors], [ErrSequence] or [ErrPruned].
func (x *Index) RegisterCursor(ctx context.Context, name string, at Seq) (Cursor, error) {
	if err := checkCursorName(name); err != nil {
		return Cursor{}, fmt.Errorf("register cursor: %w", err)
	}
	c := Cursor{Name: name, Seq: at}
	err := x.writeCursor(ctx, &c, func(s *step) error {
		count, known := 0, false
		err := scanCursors(s.base, func(other Cursor) error {
			count, known = count+1, known || other.Name == name
			return nil
		})
		if err == nil && !known && count >= MaxCursors {
			err = fmt.Errorf("%d cursors: %w", count, ErrTooManyCursors)
		}
		c.Index = x.self.id
		return err
	})
	if err != nil {
		return Cursor{}, fmt.Errorf("register cursor %s: %w", name, err)
	}
	return c, nil
}

// AdvanceCursor tells the index where a consumer stands now; the changes up to
// there need not be kept for it any longer. It may go back as far as the log
// does. It fails with [ErrNoCursor], [ErrOtherIndex], [ErrSequence],
// [ErrPruned], or [ErrRange] where the block's height is negative.
func (x *Index) AdvanceCursor(ctx context.Context, c Cursor) error {
	err := x.writeCursor(ctx, &c, func(s *step) error {
		_, found, err := s.get(keyCursor(c.Name))
		switch {
		case err != nil:
			return err
		case !found:
			return ErrNoCursor
		case c.Index != x.self.id:
			return fmt.Errorf("index %x, the cursor is of %x: %w", x.self.id, c.Index, ErrOtherIndex)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("advance cursor %s: %w", c.Name, err)
	}
	return nil
}

// writeCursor stores a cursor that may be there.
func (x *Index) writeCursor(ctx context.Context, c *Cursor, may func(*step) error) error {
	if c.Block.Height < 0 {
		return fmt.Errorf("at height %d: %w", c.Block.Height, ErrRange)
	}
	return x.changeCursors(ctx, func(s *step) error {
		if err := may(s); err != nil {
			return err
		}
		floor, err := readFloor(s.base)
		if err == nil {
			err = floor.holds(c.Seq, s.state.lastSeq)
		}
		c.Updated = x.opts.Clock().UTC().Truncate(time.Second)
		s.put(keyCursor(c.Name), c.encode())
		return err
	})
}

func (x *Index) changeCursors(ctx context.Context, do func(*step) error) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.usable(); err != nil {
		return err
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	if err := x.write(ctx, false, do); err != nil {
		return err
	}
	err := x.store.View(ctx, x.loadSlowest)
	if err != nil {
		x.slowest = 0 // not known: nothing is pruned
	}
	return err
}

// DropCursor forgets a consumer. It fails with [ErrNoCursor].
func (x *Index) DropCursor(ctx context.Context, name string) error {
	err := x.changeCursors(ctx, func(s *step) error {
		_, found, err := s.get(keyCursor(name))
		if err == nil && !found {
			err = ErrNoCursor
		}
		s.del(keyCursor(name))
		return err
	})
	if err != nil {
		return fmt.Errorf("drop cursor %.80q: %w", name, err)
	}
	return nil
}

// Cursors returns every cursor, in the order of their names.
func (x *Index) Cursors(ctx context.Context) (list []Cursor, err error) {
	err = x.query(ctx, func(r Reader) error {
		return scanCursors(r, func(c Cursor) error {
			list = append(list, c)
			return nil
		})
	})
	return list, err
}

// ChangesSince is [Index.Changes] after a consumer's cursor. It fails with
// [ErrOtherIndex] too, which Changes cannot know.
func (x *Index) ChangesSince(ctx context.Context, c Cursor, limit int) ([]Change, error) {
	if id := x.ID(); c.Index != id {
		return nil, fmt.Errorf("cursor %s of index %x, this is %x: %w", c.Name, c.Index, id, ErrOtherIndex)
	}
	return x.Changes(ctx, c.Seq, limit)
}

// LogFrom returns the first change that the log keeps; one more than
// [Index.LastSeq] where it keeps none.
func (x *Index) LogFrom(ctx context.Context) (from Seq, err error) {
	err = x.query(ctx, func(r Reader) error {
		floor, err := readFloor(r)
		from = floor.from
		return err
	})
	return from, err
}

// renew draws another index id: what cursors say does not hold for what
// follows.
func (i *identity) renew(random io.Reader) error {
	if _, err := io.ReadFull(random, i.id[:]); err != nil {
		return fmt.Errorf("draw the index id: %w", err)
	}
	return nil
}
