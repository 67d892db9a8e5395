package whole

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// lookup reads what describes coins and events, each once a page.
type lookup struct {
	s      *snapshot
	blocks map[coins.Height]blockTime
	ids    map[txNum]coins.TxID
}

type blockTime struct {
	id   coins.BlockID
	time time.Time
}

func newLookup(s *snapshot) *lookup {
	return &lookup{s, map[coins.Height]blockTime{}, map[txNum]coins.TxID{}}
}

func (l *lookup) block(height coins.Height) (blockTime, error) {
	if b, known := l.blocks[height]; known {
		return b, nil
	}
	row, err := l.s.block(height)
	if err != nil {
		return blockTime{}, err
	}
	b := blockTime{coins.BlockID{Height: height, Hash: row.header.Hash()}, time.Unix(int64(row.header.Time()), 0).UTC()}
	l.blocks[height] = b
	return b, nil
}

func (l *lookup) txID(num txNum) (coins.TxID, error) {
	if id, known := l.ids[num]; known {
		return id, nil
	}
	id, err := l.s.txID(num)
	if err == nil {
		l.ids[num] = id
	}
	return id, err
}

func (l *lookup) coin(e liveEntry, script []byte) (c utxo.Coin, err error) {
	block, err := l.block(e.ref.num.height())
	if err != nil {
		return c, err
	}
	id, err := l.txID(e.ref.num)
	return utxo.Coin{
		OutPoint: coins.OutPoint{TxID: id, Vout: e.ref.vout}, Value: e.value, Script: script, Block: block.id, Confirmed: true,
		Index: e.ref.num.place(), Coinbase: e.flags&flagCoinbase != 0, PegOut: e.flags&flagPegOut != 0,
	}, err
}

func (l *lookup) event(e *event) (shown utxo.Event, err error) {
	block, err := l.block(e.num.height())
	if err != nil {
		return shown, err
	}
	shown = utxo.Event{Kind: utxo.Funded, Block: block.id, Time: block.time, Index: e.num.place(), N: e.n, Value: e.value}
	if e.flags&flagSpent != 0 {
		shown.Kind = utxo.Spent
	}
	shown.OutPoint.Vout = e.coin.vout
	if shown.TxID, err = l.txID(e.num); err != nil {
		return shown, err
	}
	shown.OutPoint.TxID, err = l.txID(e.coin.num)
	return shown, err
}

// limit is a page's, with the bounds of package utxo.
func limit(p utxo.Page) int {
	if p.Limit <= 0 {
		return utxo.DefaultPage
	}
	return min(p.Limit, utxo.MaxPage)
}

// cursor reads a cursor of so many bytes; nil is the beginning.
func cursor(p utxo.Page, size int) ([]byte, error) {
	if p.Cursor == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(p.Cursor)
	if err != nil || len(b) != size {
		return nil, fmt.Errorf("cursor %.80q: %w", p.Cursor, utxo.ErrCursor)
	}
	return b, nil
}

const refSize = 8 + 4

// Coins returns a script's unspent coins in blocks in the order of the chain,
// one page. Next is empty on the last page. It fails with [utxo.ErrCursor].
func (x *Index) Coins(ctx context.Context, script []byte, p utxo.Page) (list []utxo.Coin, next string, err error) {
	after, err := cursor(p, refSize)
	if err != nil {
		return nil, "", err
	}
	err = x.query(ctx, func(s *snapshot) error {
		look, last := newLookup(s), coinRef{}
		for e, err := range s.unspentCoins(x.key(script), script, after) {
			if err != nil {
				return err
			}
			if len(list) == limit(p) {
				next = hex.EncodeToString(last.append(nil))
				return nil
			}
			c, err := look.coin(e, slices.Clone(script))
			if err != nil {
				return err
			}
			list, last = append(list, c), e.ref
		}
		return nil
	})
	return list, next, err
}

// unspent says whether a coin of a script is unspent.
func (s *snapshot) unspent(key scriptKey, ref coinRef) (bool, error) {
	for e, err := range s.unspentCoins(key, nil, nil) {
		if err != nil || e.ref == ref {
			return err == nil, err
		}
	}
	return false, nil
}

// unspentCoins goes through a script's unspent coins behind a cursor.
func (s *snapshot) unspentCoins(key scriptKey, script, after []byte) iter.Seq2[liveEntry, error] {
	return func(yield func(liveEntry, error) bool) {
		holdings, err := s.holdings(key, script)
		if err != nil {
			yield(liveEntry{}, err)
			return
		}
		var sources []*liveSource
		for i := range holdings {
			g := &liveSource{}
			var stop func()
			g.next, stop = iter.Pull2(s.liveOf(&holdings[i], after))
			defer stop()
			if err := g.advance(); err != nil {
				yield(liveEntry{}, err)
				return
			}
			sources = append(sources, g)
		}
		for {
			e, there, err := nextLive(sources)
			if err != nil {
				yield(liveEntry{}, err)
			}
			if err != nil || !there || !yield(e, nil) {
				return
			}
		}
	}
}

// liveSource is a run's live coins being read.
type liveSource struct {
	next func() (liveEntry, error, bool)
	head liveEntry
	ok   bool
}

func (g *liveSource) advance() (err error) {
	g.head, err, g.ok = g.next()
	return err
}

// nextLive returns the next coin that one run received and none spent.
func nextLive(sources []*liveSource) (coin liveEntry, found bool, err error) {
	for {
		var ref coinRef
		some := false
		for _, g := range sources {
			if g.ok && (!some || g.head.ref.before(ref)) {
				ref, some = g.head.ref, true
			}
		}
		if !some {
			return coin, false, nil
		}
		spent := false
		for _, g := range sources {
			if !g.ok || g.head.ref != ref {
				continue
			}
			if g.head.spent {
				spent = true
			} else {
				coin = g.head
			}
			if err := g.advance(); err != nil {
				return coin, false, err
			}
		}
		if !spent {
			return coin, true, nil
		}
	}
}

// liveOf goes through what one run leaves of a script, behind a cursor.
func (s *snapshot) liveOf(h *holding, after []byte) iter.Seq2[liveEntry, error] {
	behind := func(e liveEntry) bool { return after == nil || bytes.Compare(e.ref.append(nil), after) > 0 }
	if !h.pages {
		set := live{}
		for i := range h.events {
			set.add(&h.events[i])
		}
		return sorted(set, behind)
	}
	changed := live{}
	gone := map[coinRef]bool{}
	for i := range h.dead {
		e := &h.dead[i]
		changed.undo(e, h.run.from)
		_, there := changed[e.coin]
		gone[e.coin] = !there
	}
	return func(yield func(liveEntry, error) bool) {
		next, stop := iter.Pull2(sorted(changed, behind))
		defer stop()
		extra, _, more := next()
		for e, err := range s.livePages(h, after) {
			if err != nil {
				yield(e, err)
				return
			}
			if _, known := gone[e.ref]; known || !behind(e) {
				continue
			}
			for more && extra.ref.before(e.ref) {
				if !yield(extra, nil) {
					return
				}
				extra, _, more = next()
			}
			if !yield(e, nil) {
				return
			}
		}
		for more && yield(extra, nil) {
			extra, _, more = next()
		}
	}
}

func sorted(set live, take func(liveEntry) bool) iter.Seq2[liveEntry, error] {
	list := slices.SortedFunc(maps.Values(set), compareLive)
	return func(yield func(liveEntry, error) bool) {
		for _, e := range list {
			if take(e) && !yield(e, nil) {
				return
			}
		}
	}
}

func compareLive(a, b liveEntry) int {
	switch {
	case a.ref.before(b.ref):
		return -1
	case a.ref == b.ref:
		return 0
	}
	return 1
}

// livePages goes through the stored pages from the one that holds a cursor on.
func (s *snapshot) livePages(h *holding, after []byte) iter.Seq2[liveEntry, error] {
	prefix := keyGroup(tableLive, h.run.id, h.key)
	return func(yield func(liveEntry, error) bool) {
		var from []byte
		if after != nil {
			err := s.r.Scan(prefix, append(bytes.Clone(prefix), after...), true, func(key, _ []byte) error {
				from = bytes.Clone(key)
				return utxo.ErrStop
			})
			if err != nil {
				yield(liveEntry{}, err)
				return
			}
		}
		err := s.r.Scan(prefix, from, false, func(_, value []byte) error {
			entries, err := decodeLive(value)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return errStopped
				}
			}
			return nil
		})
		if err != nil && err != errStopped {
			yield(liveEntry{}, err)
		}
	}
}

// History returns what happened to a script in blocks, newest first, one page;
// within a block the last transaction first, its outputs before its inputs.
// Next is empty on the last page. It fails with [utxo.ErrCursor].
func (x *Index) History(ctx context.Context, script []byte, p utxo.Page) (list []utxo.Event, next string, err error) {
	before, err := cursor(p, placeSize)
	if err != nil {
		return nil, "", err
	}
	err = x.query(ctx, func(s *snapshot) error {
		look := newLookup(s)
		var last event
		return s.backwards(x.key(script), script, before, func(e *event) error {
			if len(list) == limit(p) {
				next = hex.EncodeToString(last.appendPlace(nil))
				return utxo.ErrStop
			}
			shown, err := look.event(e)
			list, last = append(list, shown), *e
			return err
		})
	})
	return list, next, err
}

// backwards calls each with a script's events before a place, the newest first.
func (s *snapshot) backwards(key scriptKey, script, before []byte, each func(*event) error) error {
	holdings, err := s.holdings(key, script)
	if err != nil {
		return err
	}
	ended := false
	tell := func(h *holding, events []event) error {
		for i := len(events) - 1; i >= 0; i-- {
			e := &events[i]
			if !h.run.counts(e.num.height()) || before != nil && bytes.Compare(e.appendPlace(nil), before) >= 0 {
				continue
			}
			if err := each(e); err != nil {
				ended = true
				return err
			}
		}
		return nil
	}
	for i := len(holdings) - 1; i >= 0 && !ended; i-- {
		h := &holdings[i]
		if before != nil && h.run.from > txNum(binary.BigEndian.Uint64(before)).height() {
			continue
		}
		if h.pages {
			err = s.pages(h.run, key, before, true, func(events []event) error { return tell(h, events) })
		} else if err = tell(h, h.events); err == utxo.ErrStop {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
