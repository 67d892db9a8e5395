package utxo

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// CoinQuery asks for unspent coins. Filters that are zero leave nothing out.
type CoinQuery struct {
	// Script whose coins are meant; nil for every watched script's.
	Script []byte
	// Confirmed leaves out what is not in a block.
	Confirmed bool
	// MinConfirmations and MaxConfirmations bound the blocks from a coin's to the
	// tip, both included; an unconfirmed one has none. Max nil is no bound.
	MinConfirmations coins.Height
	MaxConfirmations *coins.Height
	// MinValue and MaxValue bound its value; MaxValue 0 is no bound.
	MinValue, MaxValue coins.Amount
	// Coinbase leaves out all but coinbase outputs.
	Coinbase bool
	// Spendable leaves out what the next block's transactions cannot spend, or
	// should not: what is immature, reserved, spent by an unconfirmed
	// transaction, or of a script whose past is still being read.
	Spendable bool
	// Reserved leaves out what nobody has reserved.
	Reserved bool
	Page
}

// maxExamined is how many rows one page looks at: where filters leave out that
// many, the page is short, or empty, and Next goes on.
const maxExamined = 50_000

// The first byte of a position: in blocks, or behind them among what is
// unconfirmed.
const (
	positionBlock = 'b'
	positionPool  = 'p'
)

// coinPage is one page of coins in the making.
type coinPage struct {
	x     *Index
	q     *CoinQuery
	look  *lookup
	scope cursorScope
	// claims is asked with the time of the query.
	claim func(coins.OutPoint) *Claim
	// low and high bound the height of a coin's block.
	low, high coins.Height
	scanning  map[scriptID]bool
	examined  int
	last      []byte
	list      []Coin
	next      string
}

// Coins returns unspent coins, one page: those in blocks first, a script's
// coinbase outputs and peg-outs behind its others and each in chain order, then
// the unconfirmed ones. Next is empty on the last page; one that filters have
// left short can be followed by others. It fails with [ErrNotWatched] or
// [ErrCursor].
func (x *Index) Coins(ctx context.Context, q CoinQuery) (list []Coin, next string, err error) {
	err = x.query(ctx, func(r Reader) error {
		id := scriptID(0)
		if q.Script != nil {
			if id, _, err = x.scriptID(r, q.Script); err != nil {
				return err
			}
		}
		p := x.newCoinPage(r, &q)
		position, err := p.scope.open(q.Cursor)
		if err != nil {
			return err
		}
		if position == nil || position[0] == positionBlock {
			if err = p.inBlocks(id, position); err == nil && p.next == "" {
				err = p.inPool(id, nil)
			}
		} else {
			err = p.inPool(id, position[1:])
		}
		list, next = p.list, p.next
		return err
	})
	return list, next, err
}

func (x *Index) newCoinPage(r Reader, q *CoinQuery) *coinPage {
	p := &coinPage{x: x, q: q, look: newLookup(r), high: coins.MaxHeight, scanning: map[scriptID]bool{}}
	now := x.opts.Clock()
	p.claim = func(at coins.OutPoint) *Claim { return x.leases.claim(at, now) }
	filters := fmt.Appendf(nil, "%x %t %d %d %d %t %t %t", q.Script, q.Confirmed, q.MinConfirmations, q.MinValue, q.MaxValue, q.Coinbase, q.Spendable, q.Reserved)
	tip := x.state.above(x.self.start) - 1
	if q.MinConfirmations > 0 {
		p.high = max(tip-q.MinConfirmations+1, -1)
	}
	if q.MaxConfirmations != nil {
		filters = fmt.Appendf(filters, " %d", *q.MaxConfirmations)
		p.low = max(tip-*q.MaxConfirmations+1, 0)
	}
	p.scope = x.cursors(cursorCoins, filters)
	return p
}

// inBlocks reads a script's two classes of coins, each from the height where
// the bounds begin; or for 0 the coins of all.
func (p *coinPage) inBlocks(id scriptID, after []byte) error {
	if p.high < p.low {
		return nil
	}
	if after != nil {
		after = append([]byte{tableUnspent}, after[1:]...)
	}
	p.last = bytes.Clone(after)
	if id == 0 {
		return p.scan([]byte{tableUnspent}, after)
	}
	for _, class := range []byte{classPlain, classGenerated} {
		prefix := keyClass(id, class)
		if after != nil && bytes.Compare(after, keyClass(id, class+1)) >= 0 || p.next != "" {
			continue
		}
		from := appendHeight(keyClass(id, class), p.low)
		if after != nil && bytes.Compare(after, from) > 0 {
			from = after
		}
		if err := p.scan(prefix, from); err != nil {
			return err
		}
	}
	return nil
}

func (p *coinPage) scan(prefix, from []byte) error {
	skip := from
	return p.look.r.Scan(prefix, from, false, func(key, value []byte) error {
		if bytes.Equal(key, skip) && len(skip) == unspentKeySize {
			p.last = append(p.last[:0], key...)
			return nil
		}
		num := numberOfKey(key[5:])
		if len(prefix) > 1 && num.height() > p.high {
			return ErrStop
		}
		if len(p.list) == p.q.limit() || p.examined == maxExamined {
			p.next = p.scope.seal(append([]byte{positionBlock}, p.last[1:]...))
			return ErrStop
		}
		p.examined++
		p.last = append(p.last[:0], key...)
		if num.height() < p.low || num.height() > p.high {
			return nil
		}
		return p.take(key, value)
	})
}

// take takes a row into the page, where the filters let it pass; what needs
// other rows is looked at last.
func (p *coinPage) take(key, value []byte) error {
	row, err := decodeUnspent(value)
	if err != nil || !p.valued(row.value) || (p.q.Coinbase && row.flags&flagCoinbase == 0) {
		return err
	}
	row.script = scriptOfKey(key)
	ref := coinRef{numberOfKey(key[5:]), uint32(heightOfKey(key))}
	if p.q.Spendable {
		if ok, err := p.spendable(ref, row); err != nil || !ok {
			return err
		}
	}
	c, err := p.look.coin(ref, row)
	if err == nil {
		p.add(c)
	}
	return err
}

func (p *coinPage) valued(value coins.Amount) bool {
	return value >= p.q.MinValue && (p.q.MaxValue == 0 || value <= p.q.MaxValue)
}

// spendable is what the coin's own rows say to that.
func (p *coinPage) spendable(ref coinRef, row coinRow) (bool, error) {
	if !p.x.mature(ref.num, row.flags) {
		return false, nil
	}
	if row.flags&flagFound == 0 {
		return true, nil
	}
	scanning, known := p.scanning[row.script]
	if !known {
		value, err := p.look.need(keyScript(tableWatch, row.script), "watch")
		if err != nil {
			return false, err
		}
		w, err := decodeWatch(value)
		if err != nil {
			return false, err
		}
		watch, err := watchOf(p.look.r, row.script, w)
		if err != nil {
			return false, err
		}
		scanning = watch.State == Scanning
		p.scanning[row.script] = scanning
	}
	return !scanning, nil
}

// add adds a coin, with what is known of it in memory.
func (p *coinPage) add(c Coin) {
	c.SpentBy, c.Reserved = p.x.pool.spender(c.OutPoint), p.claim(c.OutPoint)
	if p.q.Spendable && (c.SpentBy != coins.TxID{} || c.Reserved != nil) || p.q.Reserved && c.Reserved == nil {
		return
	}
	p.list = append(p.list, c)
}

// inPool adds unconfirmed coins behind a key while the page has room.
func (p *coinPage) inPool(id scriptID, after []byte) error {
	if p.q.Confirmed || p.q.MinConfirmations > 0 || p.q.Coinbase {
		return nil
	}
	items := p.x.pool.coins(id)
	sortItems(items)
	last := after
	for _, it := range items {
		if bytes.Compare(it.key, after) <= 0 || !p.valued(it.item.Value) {
			continue
		}
		if len(p.list) >= p.q.limit() {
			p.next = p.scope.seal(append([]byte{positionPool}, last...))
			return nil
		}
		p.add(it.item)
		last = it.key
	}
	return nil
}

// poolItem is something unconfirmed with the key that orders it.
type poolItem[T any] struct {
	key  []byte
	item T
}

func sortItems[T any](items []poolItem[T]) {
	slices.SortFunc(items, func(a, b poolItem[T]) int { return bytes.Compare(a.key, b.key) })
}
