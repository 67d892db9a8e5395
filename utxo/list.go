package utxo

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"coffer.example/coffer/coins"
)

// poolCursor starts the cursors of unconfirmed items; blockCursor stands before
// the newest item in a block.
const (
	poolCursor  = "p"
	blockCursor = "b"
)

// lookup reads rows that describe coins and events, each once a page.
type lookup struct {
	r       Reader
	headers map[coins.Height]coins.RawHeader
	scripts map[scriptID][]byte
}

func newLookup(r Reader) *lookup {
	return &lookup{r, map[coins.Height]coins.RawHeader{}, map[scriptID][]byte{}}
}

func (l *lookup) need(key []byte, noun string) ([]byte, error) {
	value, found, err := l.r.Get(key, nil)
	if err == nil && !found {
		err = fmt.Errorf("%s row %x is missing: %w", noun, key, ErrCorrupt)
	}
	return value, err
}

func (l *lookup) block(height coins.Height) (coins.BlockID, time.Time, error) {
	header, known := l.headers[height]
	if !known {
		value, err := l.need(keyHeight(tableHeader, height), "header")
		if err == nil {
			header, err = decodeHeader(value)
		}
		if err != nil {
			return coins.BlockID{}, time.Time{}, err
		}
		l.headers[height] = header
	}
	return coins.BlockID{Height: height, Hash: header.Hash()}, time.Unix(int64(header.Time()), 0).UTC(), nil
}

func (l *lookup) script(id scriptID) ([]byte, error) {
	if script, known := l.scripts[id]; known {
		return script, nil
	}
	value, err := l.need(keyScript(tableWatch, id), "watch")
	if err != nil {
		return nil, err
	}
	script, err := scriptOfWatch(value)
	l.scripts[id] = script
	return script, err
}

func (l *lookup) txID(num txNum) (coins.TxID, error) {
	value, err := l.need(keyTx(num), "transaction")
	if err != nil {
		return coins.TxID{}, err
	}
	row, err := decodeTx(value)
	return row.id, err
}

func (l *lookup) coin(ref coinRef, row coinRow) (c Coin, err error) {
	if c.OutPoint.TxID, err = l.txID(ref.num); err != nil {
		return c, err
	}
	if c.Block, _, err = l.block(ref.num.height()); err != nil {
		return c, err
	}
	c.Script, err = l.script(row.script)
	c.OutPoint.Vout, c.Value, c.Confirmed, c.Index = ref.vout, row.value, true, ref.num.index()
	c.Coinbase, c.PegOut = row.flags&flagCoinbase != 0, row.flags&flagPegOut != 0
	return c, err
}

// Coins returns unspent coins, one page: those in blocks first, a script's
// coinbase outputs and peg-outs behind its others and each in chain order, then
// the unconfirmed ones. Next is empty on the last page. It fails with
// [ErrNotWatched] or [ErrCursor].
func (x *Index) Coins(ctx context.Context, q CoinQuery) (list []Coin, next string, err error) {
	err = x.query(ctx, func(r Reader) error {
		prefix, id := []byte{tableUnspent}, scriptID(0)
		if q.Script != nil {
			if id, _, err = x.scriptID(r, q.Script); err != nil {
				return err
			}
			prefix = keyScript(tableUnspent, id)
		}
		if !strings.HasPrefix(q.Cursor, poolCursor) {
			if list, next, err = x.coinsInBlocks(r, q.Page, prefix); err != nil || next != "" {
				return err
			}
		}
		if !q.Confirmed {
			list, next, err = addPool(list, x.pool.coins(id), q.Page)
		}
		return err
	})
	return list, next, err
}

func (x *Index) coinsInBlocks(r Reader, p Page, prefix []byte) (list []Coin, next string, err error) {
	from, err := p.key(prefix)
	if err != nil {
		return nil, "", err
	}
	look, last, now := newLookup(r), bytes.Clone(from), x.opts.Clock()
	err = r.Scan(prefix, from, false, func(key, value []byte) error {
		if bytes.Equal(key, from) {
			return nil
		}
		if len(list) == p.limit() {
			next = cursorOf(last, prefix)
			return ErrStop
		}
		last = append(last[:0], key...)
		row, err := decodeUnspent(value)
		if err != nil {
			return err
		}
		row.script = scriptOfKey(key)
		c, err := look.coin(coinRef{numberOfKey(key[5:]), uint32(heightOfKey(key))}, row)
		if err != nil {
			return err
		}
		c.SpentBy, c.Reserved = x.pool.spender(c.OutPoint), x.leases.claim(c.OutPoint, now)
		list = append(list, c)
		return nil
	})
	return list, next, err
}

// poolItem is something unconfirmed with the key that orders it.
type poolItem[T any] struct {
	key  []byte
	item T
}

// addPool appends unconfirmed items behind the page's cursor while it has room.
func addPool[T any](list []T, items []poolItem[T], p Page) ([]T, string, error) {
	var after []byte
	if rest, found := strings.CutPrefix(p.Cursor, poolCursor); found {
		var err error
		if after, err = hex.DecodeString(rest); err != nil {
			return nil, "", fmt.Errorf("cursor %.80q: %w", p.Cursor, ErrCursor)
		}
	}
	slices.SortFunc(items, func(a, b poolItem[T]) int { return bytes.Compare(a.key, b.key) })
	last := after
	for _, it := range items {
		if bytes.Compare(it.key, after) <= 0 {
			continue
		}
		if len(list) >= p.limit() {
			return list, poolCursor + hex.EncodeToString(last), nil
		}
		list, last = append(list, it.item), it.key
	}
	return list, "", nil
}

// History returns what happened to a script, newest first, one page: the
// unconfirmed first, then by block; within a block the last transaction first,
// its outputs before its inputs. Next is empty on the last page. It fails
// with [ErrNotWatched] or [ErrCursor].
func (x *Index) History(ctx context.Context, q HistoryQuery) (list []Event, next string, err error) {
	err = x.query(ctx, func(r Reader) error {
		id, _, err := x.scriptID(r, q.Script)
		if err != nil {
			return err
		}
		prefix := keyScript(tableEvent, id)
		if q.Cursor == "" || strings.HasPrefix(q.Cursor, poolCursor) {
			if list, next, err = addPool(list, x.pool.events(id), q.Page); err != nil || next != "" {
				return err
			}
			q.Cursor = ""
		}
		if q.Cursor == blockCursor {
			q.Cursor = ""
		}
		list, next, err = eventsInBlocks(r, q.Page, prefix, list)
		return err
	})
	return list, next, err
}

func eventsInBlocks(r Reader, p Page, prefix []byte, list []Event) (_ []Event, next string, err error) {
	from, err := p.key(prefix)
	if err != nil {
		return nil, "", err
	}
	look, last := newLookup(r), bytes.Clone(from)
	err = r.Scan(prefix, from, true, func(key, value []byte) error {
		if bytes.Equal(key, from) {
			return nil
		}
		if len(list) == p.limit() {
			if next = blockCursor; last != nil {
				next = cursorOf(last, prefix)
			}
			return ErrStop
		}
		last = append(last[:0], key...)
		stored, err := decodeEvent(key, value)
		if err != nil {
			return err
		}
		e, err := look.event(stored)
		list = append(list, e)
		return err
	})
	return list, next, err
}

func (l *lookup) event(s storedEvent) (e Event, err error) {
	e = Event{Kind: s.kind, Index: s.num.index(), N: s.n, Value: s.value}
	e.OutPoint.Vout = s.coin.vout
	if e.Block, e.Time, err = l.block(s.num.height()); err != nil {
		return e, err
	}
	if e.TxID, err = l.txID(s.num); err != nil {
		return e, err
	}
	e.OutPoint.TxID = e.TxID
	if s.coin.num != s.num {
		e.OutPoint.TxID, err = l.txID(s.coin.num)
	}
	return e, err
}
