package utxo

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// HistoryQuery asks for what happened. Filters that are zero leave nothing out.
type HistoryQuery struct {
	// Script whose history is meant; nil for all of them together.
	Script []byte
	// Kind leaves out the other kind.
	Kind EventKind
	// From and To are the first and the last height; To 0 is no bound, and has
	// what is unconfirmed too.
	From, To coins.Height
	// Oldest begins at the old end.
	Oldest bool
	Page
}

// historyPage is one page of events in the making.
type historyPage struct {
	x     *Index
	q     *HistoryQuery
	look  *lookup
	scope cursorScope
	// after is the position to go on behind, last that of the last event taken
	// or left out.
	after, last []byte
	examined    int
	list        []Event
	next        string
}

// History returns what happened to a script, or to all, one page, newest
// first: the unconfirmed first, then by block; within a block the last
// transaction first, its outputs before its inputs. Oldest turns all that
// around. Next is empty on the last page. It fails with [ErrNotWatched] or
// [ErrCursor].
func (x *Index) History(ctx context.Context, q HistoryQuery) (list []Event, next string, err error) {
	err = x.query(ctx, func(r Reader) error {
		id := scriptID(0)
		if q.Script != nil {
			if id, _, err = x.scriptID(r, q.Script); err != nil {
				return err
			}
		}
		filters := fmt.Appendf(nil, "%x %d %d %d %t", q.Script, q.Kind, q.From, q.To, q.Oldest)
		p := &historyPage{x: x, q: &q, look: newLookup(r), scope: x.cursors(cursorHistory, filters)}
		position, err := p.scope.open(q.Cursor)
		if err != nil {
			return err
		}
		err = p.read(id, position)
		list, next = p.list, p.next
		return err
	})
	return list, next, err
}

// read reads blocks and mempool in the order that is asked for.
func (p *historyPage) read(id scriptID, position []byte) error {
	inBlocks := func() error {
		if p.next != "" {
			return nil
		}
		if id == 0 {
			return p.ofAll()
		}
		return p.ofScript(id)
	}
	if position == nil {
		position = []byte{positionPool}
		if p.q.Oldest {
			position = []byte{positionBlock}
		}
	}
	inPool := position[0] == positionPool
	p.after = position[1:]
	switch {
	case p.q.Oldest && inPool:
		return p.inPool(id)
	case p.q.Oldest:
		if err := inBlocks(); err != nil || p.next != "" {
			return err
		}
		p.after = nil
		return p.inPool(id)
	case inPool:
		if err := p.inPool(id); err != nil {
			return err
		}
		p.after = nil
	}
	return inBlocks()
}

// inPool adds the unconfirmed events behind the position while there is room.
func (p *historyPage) inPool(id scriptID) error {
	if p.q.To != 0 {
		return nil
	}
	items := p.x.pool.events(id)
	sortItems(items)
	if p.q.Oldest {
		slices.Reverse(items)
	}
	last := p.after
	for _, it := range items {
		order := bytes.Compare(it.key, p.after)
		if len(p.after) > 0 && (order == 0 || (order > 0) == p.q.Oldest) || (p.q.Kind != 0 && it.item.Kind != p.q.Kind) {
			continue
		}
		if len(p.list) == p.q.limit() {
			p.next = p.scope.seal(append([]byte{positionPool}, last...))
			return nil
		}
		p.list, last = append(p.list, it.item), it.key
	}
	return nil
}

// full seals the page where it has no room for another row.
func (p *historyPage) full() bool {
	if len(p.list) < p.q.limit() && p.examined < maxExamined {
		return false
	}
	p.next = p.scope.seal(append([]byte{positionBlock}, p.last...))
	return true
}

// bounds are the first and last height that are asked for.
func (p *historyPage) bounds() (low, high coins.Height) {
	low, high = max(p.q.From, 0), p.x.state.tip.Height
	if p.q.To != 0 {
		high = min(high, p.q.To)
	}
	return low, high
}

// ofScript reads a script's own history. A position is the key behind the
// script.
func (p *historyPage) ofScript(id scriptID) error {
	prefix := keyScript(tableEvent, id)
	low, high := p.bounds()
	from := binary.BigEndian.AppendUint64(bytes.Clone(prefix), uint64(numberOf(low, 0)))
	if !p.q.Oldest {
		from = binary.BigEndian.AppendUint64(bytes.Clone(prefix), uint64(numberOf(high+1, 0)))
	}
	if len(p.after) > 0 {
		from = append(bytes.Clone(prefix), p.after...)
	}
	p.last = bytes.Clone(p.after)
	return p.look.r.Scan(prefix, from, !p.q.Oldest, func(key, value []byte) error {
		position := key[len(prefix):]
		if len(p.after) > 0 && bytes.Equal(position, p.after) {
			return nil
		}
		e, err := decodeEvent(key, value)
		if err != nil {
			return err
		}
		if height := e.num.height(); height < low || height > high || p.full() {
			return ErrStop
		}
		p.examined++
		p.last = append(p.last[:0], position...)
		return p.add(e)
	})
}

func (p *historyPage) add(e storedEvent) error {
	if p.q.Kind != 0 && e.kind != p.q.Kind {
		return nil
	}
	event, err := p.look.event(e)
	if err == nil {
		event.Script, err = p.look.script(e.script)
	}
	p.list = append(p.list, event)
	return err
}

// ofAll reads what each block did. A position is a transaction, the kind's
// order, the number and the script.
func (p *historyPage) ofAll() error {
	low, high := p.bounds()
	if len(p.after) > 0 {
		if len(p.after) != factPositionSize {
			return fmt.Errorf("position %x: %w", p.after, ErrCursor)
		}
		at := txNum(binary.BigEndian.Uint64(p.after)).height()
		if p.q.Oldest {
			low = max(low, at)
		} else {
			high = min(high, at)
		}
	}
	from := keyHeight(tableUndo, low)
	if !p.q.Oldest {
		from = keyHeight(tableUndo, high)
	}
	p.last = bytes.Clone(p.after)
	watched := map[scriptID]bool{}
	return p.look.r.Scan([]byte{tableUndo}, from, !p.q.Oldest, func(key, value []byte) error {
		height := heightOfKey(key)
		if height < low || height > high {
			return ErrStop
		}
		facts, err := decodeFacts(height, value)
		if err != nil {
			return err
		}
		if !p.q.Oldest {
			slices.Reverse(facts)
		}
		return p.ofBlock(height, facts, watched)
	})
}

const factPositionSize = 8 + 1 + 4 + 4

func (f *fact) position(height coins.Height) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, factPositionSize), uint64(numberOf(height, f.tx)))
	b = binary.BigEndian.AppendUint32(append(b, eventOrder(f.kind)), f.n)
	return binary.BigEndian.AppendUint32(b, uint32(f.script))
}

// ofBlock adds a block's facts behind the position. Those of scripts that are
// watched no more are passed over.
func (p *historyPage) ofBlock(height coins.Height, facts []fact, watched map[scriptID]bool) error {
	for i := range facts {
		f := &facts[i]
		position := f.position(height)
		if order := bytes.Compare(position, p.after); len(p.after) > 0 && (order == 0 || (order > 0) != p.q.Oldest) {
			continue
		}
		there, known := watched[f.script]
		if !known {
			value, found, err := p.look.r.Get(keyScript(tableWatch, f.script), nil)
			if err != nil {
				return err
			}
			if there = found; found {
				_, leaving, err := stateOfWatch(value)
				if err != nil {
					return err
				}
				there = !leaving
			}
			watched[f.script] = there
		}
		if !there {
			continue
		}
		if p.full() {
			return ErrStop
		}
		p.examined++
		p.last = position
		if err := p.add(storedEvent{f.script, numberOf(height, f.tx), f.kind, f.n, eventRow{f.coin, f.value, f.flags}}); err != nil {
			return err
		}
	}
	return nil
}
