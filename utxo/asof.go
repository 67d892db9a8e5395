package utxo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// blockRow is what one block changed, over all scripts.
type blockRow struct {
	// delta is what it added to the index's own sum, less what it took: numbers
	// wrap around.
	delta sumRow
	// coinbase and pegOut are the values of its own outputs of these classes
	// that are unspent.
	coinbase, pegOut coins.Total
}

func (r blockRow) encode() []byte {
	return r.pegOut.AppendBinary(r.coinbase.AppendBinary(r.delta.append(make([]byte, 0, 64))))
}

func decodeBlockRow(value []byte) (blockRow, error) {
	d := decoder{rest: value}
	row := blockRow{d.sum(), d.total(), d.total()}
	return row, d.end("block sum")
}

// plus and minus add up sums of which the counts wrap around.
func (r sumRow) plus(o sumRow) sumRow {
	return sumRow{r.confirmed.Plus(o.confirmed), r.coins + o.coins, r.received + o.received}
}

func (r sumRow) minus(o sumRow) sumRow {
	return sumRow{r.confirmed.Minus(o.confirmed), r.coins - o.coins, r.received - o.received}
}

// sumOf is what a fact changes.
func sumOf(kind EventKind, value coins.Amount) sumRow {
	if kind == Spent {
		return sumRow{}.minus(sumRow{coins.TotalOf(value), 1, 0})
	}
	return sumRow{coins.TotalOf(value), 1, 1}
}

// addBlock changes a block's sums.
func (s *step) addBlock(height coins.Height, change func(*blockRow)) error {
	key := keyHeight(tableBlockSum, height)
	var row blockRow
	value, found, err := s.get(key)
	if err == nil && found {
		row, err = decodeBlockRow(value)
	}
	if err != nil {
		return err
	}
	change(&row)
	if row == (blockRow{}) {
		s.del(key)
	} else {
		s.put(key, row.encode())
	}
	return nil
}

// countInBlocks is count in the blocks' sums.
func (s *step) countInBlocks(height coins.Height, f fact, delta sumRow) error {
	if err := s.addBlock(height, func(row *blockRow) { row.delta = row.delta.plus(delta) }); err != nil {
		return err
	}
	if f.flags.class() != classGenerated {
		return nil
	}
	return s.addBlock(f.coin.num.height(), func(row *blockRow) {
		part := &row.pegOut
		if f.flags&flagCoinbase != 0 {
			part = &row.coinbase
		}
		*part = part.Plus(delta.confirmed)
	})
}

// immatureAll adds up the newest blocks' rows.
func (x *Index) immatureAll(r Reader) (sum coins.Total, err error) {
	from := keyHeight(tableBlockSum, x.window().height())
	err = r.Scan([]byte{tableBlockSum}, from, false, func(key, value []byte) error {
		row, err := decodeBlockRow(value)
		num := numberOf(heightOfKey(key), 0)
		if !x.mature(num, flagCoinbase) {
			sum = sum.Plus(row.coinbase)
		}
		if !x.mature(num, flagPegOut) {
			sum = sum.Plus(row.pegOut)
		}
		return err
	})
	return sum, err
}

// PastBalance is what a script, or all, held in blocks after a block.
type PastBalance struct {
	Block coins.BlockID `json:"block"`
	// Time is in the block's header.
	Time      time.Time   `json:"time"`
	Confirmed coins.Total `json:"confirmed"`
	// Coins counts the outputs unspent then, Received those received till then.
	Coins    uint64 `json:"coins"`
	Received uint64 `json:"received"`
}

// BalanceAt returns what a watched script, or with nil all of them together,
// held after the block at a height: exactly, as far as the script is complete.
// A script's history is read from its nearer end, at most half of it; for all,
// one row a block. It fails with [ErrNotWatched], and with [ErrRange] for a
// height that has no block in this index.
func (x *Index) BalanceAt(ctx context.Context, script []byte, height coins.Height) (past PastBalance, err error) {
	err = x.query(ctx, func(r Reader) error {
		if !x.state.hasTip || height < 0 || height > x.state.tip.Height {
			return fmt.Errorf("height %d, the index ends at %d: %w", height, x.state.above(x.self.start)-1, ErrRange)
		}
		past.Block, past.Time, err = newLookup(r).block(height)
		if errors.Is(err, ErrCorrupt) && height < x.self.start {
			return fmt.Errorf("height %d is below what the index has read, which begins at %d: %w", height, x.self.start, ErrRange)
		}
		if err != nil {
			return err
		}
		at := pastSum{r: r, interrupted: ctx.Err}
		if script == nil {
			at.prefix, at.now = []byte{tableBlockSum}, x.state.sum
			at.end, at.read = keyHeight(tableBlockSum, height+1), readBlockSum
		} else {
			id, _, err := x.scriptID(r, script)
			if err != nil {
				return err
			}
			if at.now, err = readSum(r, id); err != nil {
				return err
			}
			at.prefix, at.read = keyScript(tableEvent, id), readEventSum
			at.end = binary.BigEndian.AppendUint64(keyScript(tableEvent, id), uint64(numberOf(height+1, 0)))
		}
		sum, err := at.sum()
		past.Confirmed, past.Coins, past.Received = sum.confirmed, sum.coins, sum.received
		return err
	})
	return past, err
}

func readSum(r Reader, id scriptID) (sum sumRow, err error) {
	value, found, err := r.Get(keyScript(tableBalance, id), nil)
	if err == nil && found {
		sum, err = decodeSum(value)
	}
	return sum, err
}

func readBlockSum(_, value []byte) (sumRow, error) {
	row, err := decodeBlockRow(value)
	return row.delta, err
}

func readEventSum(key, value []byte) (sumRow, error) {
	e, err := decodeEvent(key, value)
	return sumOf(e.kind, e.value), err
}

// pastSum adds up the rows of a prefix that are before a key, from whichever
// end of the prefix is nearer: it reads from both in turns, longer ones from
// where the heights make the way look shorter. Rows go on with a height.
type pastSum struct {
	r           Reader
	interrupted func() error
	prefix, end []byte
	// now is the sum of all rows.
	now  sumRow
	read func(key, value []byte) (sumRow, error)
}

// pastTurn is how many rows are read from one end before the other's turn, and
// pastFavour how many times as many from the end that looks nearer.
const (
	pastTurn   = 4096
	pastFavour = 4
)

func (p *pastSum) sum() (sumRow, error) {
	var before, after sumRow
	var low, high []byte // where the turns go on
	fromLow, fromHigh, err := p.turns()
	if err != nil {
		return before, err
	}
	for {
		next, err := p.turn(&before, low, fromLow, false)
		if err != nil || next == nil {
			return before, err
		}
		low = next
		if next, err = p.turn(&after, high, fromHigh, true); err != nil || next == nil {
			return p.now.minus(after), err
		}
		high = next
		if err := p.interrupted(); err != nil {
			return sumRow{}, err
		}
	}
}

// turns looks at the heights of both ends, and returns the lengths of the turns.
func (p *pastSum) turns() (low, high int, err error) {
	var ends [2]uint32
	height := func(key []byte) uint32 { return binary.BigEndian.Uint32(key[len(p.prefix):]) }
	for i := range ends {
		err := p.r.Scan(p.prefix, nil, i == 1, func(key, _ []byte) error {
			ends[i] = height(key)
			return ErrStop
		})
		if err != nil {
			return 0, 0, err
		}
	}
	if at := height(p.end); int64(at)-int64(ends[0]) <= int64(ends[1])-int64(at) {
		return pastFavour * pastTurn, pastTurn, nil
	}
	return pastTurn, pastFavour * pastTurn, nil
}

// turn reads some rows from one end; next is where to go on, nil where the key
// or the other end was met.
func (p *pastSum) turn(sum *sumRow, from []byte, most int, backwards bool) (next []byte, err error) {
	rows := 0
	err = p.r.Scan(p.prefix, from, backwards, func(key, value []byte) error {
		if (bytes.Compare(key, p.end) < 0) == backwards {
			next = nil
			return ErrStop
		}
		if rows == most {
			next = bytes.Clone(key)
			return ErrStop
		}
		rows++
		one, err := p.read(key, value)
		*sum = sum.plus(one)
		return err
	})
	return next, err
}

// HeightAt returns the height of the last block of which the header's time is
// not after a time: every block above is later. Headers' times may go
// backwards, but a block's is later than the median of the eleven before it,
// and that never falls. It fails with [ErrRange] where the index has no block
// as old as that.
func (x *Index) HeightAt(ctx context.Context, at time.Time) (height coins.Height, err error) {
	err = x.query(ctx, func(r Reader) error {
		if !x.state.hasTip {
			return fmt.Errorf("the index has no block yet: %w", ErrRange)
		}
		times := blockTimes{r: r, tip: x.state.tip.Height, lowest: x.self.start}
		if err := times.reachBelow(at); err != nil {
			return err
		}
		height, err = times.last(at)
		return err
	})
	return height, err
}

// medianBlocks is how many headers the median time is of, as consensus has it.
const medianBlocks = 11

// blockTimes reads the times of stored headers.
type blockTimes struct {
	r Reader
	// lowest to tip have headers, all of them.
	lowest, tip coins.Height
}

func (b *blockTimes) of(height coins.Height) (int64, error) {
	value, found, err := b.r.Get(keyHeight(tableHeader, height), nil)
	if err == nil && !found {
		err = fmt.Errorf("header %d is missing: %w", height, ErrCorrupt)
	}
	if err != nil {
		return 0, err
	}
	header, err := decodeHeader(value)
	return int64(header.Time()), err
}

// reachBelow extends what is read below the index's start, as far as jobs have
// left headers there without a gap, where the time asked for is older.
func (b *blockTimes) reachBelow(at time.Time) error {
	median, err := b.median(b.lowest)
	if err != nil || median <= at.Unix() || b.lowest == 0 {
		return err
	}
	return b.r.Scan([]byte{tableHeader}, keyHeight(tableHeader, b.lowest-1), true, func(key, _ []byte) error {
		if heightOfKey(key) != b.lowest-1 {
			return ErrStop
		}
		b.lowest--
		return nil
	})
}

// median is the median of the times of a block and of those before it.
func (b *blockTimes) median(height coins.Height) (int64, error) {
	var times []int64
	for h := height; h >= b.lowest && h > height-medianBlocks; h-- {
		t, err := b.of(h)
		if err != nil {
			return 0, err
		}
		times = append(times, t)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// last finds the last block not after a time.
func (b *blockTimes) last(at time.Time) (coins.Height, error) {
	// The first block with a later median is in [low, high]. Below, where there
	// are too few headers for a median, each is looked at.
	high := b.tip + 1
	low := min(b.lowest+medianBlocks-1, high)
	for low < high {
		middle := low + (high-low)/2
		median, err := b.median(middle)
		if err != nil {
			return 0, err
		}
		if median > at.Unix() {
			high = middle
		} else {
			low = middle + 1
		}
	}
	for height := min(low, b.tip); height >= b.lowest; height-- {
		t, err := b.of(height)
		if err != nil || t <= at.Unix() {
			return height, err
		}
	}
	return 0, fmt.Errorf("no block of the index is as old as %s: %w", at.UTC().Format(time.RFC3339), ErrRange)
}
