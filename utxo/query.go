package utxo

import (
	"context"
	"fmt"

	"coffer.example/coffer/coins"
)

// Page asks for one page of a list.
type Page struct {
	// Limit is the most items, 1 to [MaxPage]; 0 is [DefaultPage], and more than
	// MaxPage is MaxPage.
	Limit int
	// Cursor continues where the page that gave it ended; empty is the beginning.
	Cursor string
}

// Page sizes.
const (
	DefaultPage = 100
	MaxPage     = 10_000
)

func (p Page) limit() int {
	if p.Limit <= 0 {
		return DefaultPage
	}
	return min(p.Limit, MaxPage)
}

// Stats are counts of what the index holds.
type Stats struct {
	Tip    coins.BlockID `json:"tip"`
	HasTip bool          `json:"has_tip"`
	Start  coins.Height  `json:"start"`
	// UndoFrom is the lowest height that can be disconnected.
	UndoFrom coins.Height `json:"undo_from"`
	LastSeq  Seq          `json:"last_seq"`
	Watched  uint64       `json:"watched"`
	Coins    uint64       `json:"coins"`
	Received uint64       `json:"received"`
	// Unconfirmed counts transactions that touch watched scripts, Mempool all
	// that are known.
	Unconfirmed int `json:"unconfirmed"`
	Mempool     int `json:"mempool"`
	// SetBytes is the memory of the sets that blocks are matched against.
	SetBytes int `json:"set_bytes"`
}

// Stats returns counts of what the index holds; none is counted row by row.
func (x *Index) Stats(context.Context) (Stats, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := &x.state
	return Stats{Tip: s.tip, HasTip: s.hasTip, Start: x.self.start, UndoFrom: s.undoFrom, LastSeq: s.lastSeq,
		Watched: s.watched, Coins: s.sum.coins, Received: s.sum.received,
		Unconfirmed: len(x.pool.touching), Mempool: len(x.pool.txs), SetBytes: x.scripts.size() + x.coinBytes}, nil
}

// LastSeq returns the number of the last change.
func (x *Index) LastSeq() Seq {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.state.lastSeq
}

// WatchCount returns how many scripts are watched.
func (x *Index) WatchCount() uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.state.watched
}

// query reads the store and the mempool as of one moment.
func (x *Index) query(ctx context.Context, read func(Reader) error) error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if err := x.usable(); err != nil {
		return err
	}
	return x.store.View(ctx, read)
}

// scriptID finds a watched script; x.mu or x.writing is held.
func (x *Index) scriptID(r Reader, script []byte) (scriptID, *watchRow, error) {
	mark := x.scriptMark(script)
	if !x.scripts.mayHold(mark) {
		return 0, nil, ErrNotWatched
	}
	for at := x.scripts.find(mark); at >= 0; at = x.scripts.findNext(mark, at) {
		id := scriptID(x.scripts.value(at))
		value, found, err := r.Get(keyScript(tableWatch, id), nil)
		if err != nil {
			return 0, nil, err
		}
		if !found {
			return 0, nil, fmt.Errorf("watch row %d is missing: %w", id, ErrCorrupt)
		}
		w, err := decodeWatch(value)
		if err != nil || w.is(script) {
			return id, w, err
		}
	}
	return 0, nil, ErrNotWatched
}

// scriptIDIn is scriptID within a step.
func (x *Index) scriptIDIn(s *step, script []byte) (scriptID, *watchRow, error) {
	if id, fresh := s.grown.fresh[string(script)]; fresh {
		w, err := s.needWatch(id)
		return id, w, err
	}
	if id, found := s.added[string(script)]; found {
		return id, s.watches[id], nil
	}
	mark := x.scriptMark(script)
	if !x.scripts.mayHold(mark) {
		return 0, nil, ErrNotWatched
	}
	for at := x.scripts.find(mark); at >= 0; at = x.scripts.findNext(mark, at) {
		id := scriptID(x.scripts.value(at))
		if w, err := s.needWatch(id); err != nil || w.is(script) {
			return id, w, err
		}
	}
	return 0, nil, ErrNotWatched
}

// Balance returns what a watched script holds; the work does not grow with its
// history. It fails with [ErrNotWatched].
func (x *Index) Balance(ctx context.Context, script []byte) (balance Balance, err error) {
	err = x.query(ctx, func(r Reader) error {
		id, _, err := x.scriptID(r, script)
		if err != nil {
			return err
		}
		sum, err := readSum(r, id)
		if err != nil {
			return err
		}
		balance = Balance{Confirmed: sum.confirmed, Coins: sum.coins, Received: sum.received}
		if balance.Immature, err = x.immature(r, id); err != nil {
			return err
		}
		balance.Reserved = x.leases.sum(id, x.opts.Clock())
		x.sumPool(&balance, id)
		return nil
	})
	balance.Total = balance.Confirmed.Plus(balance.Incoming).Minus(balance.Outgoing)
	return balance, err
}

// TotalBalance returns what all watched scripts hold together.
func (x *Index) TotalBalance(ctx context.Context) (balance Balance, err error) {
	err = x.query(ctx, func(r Reader) error {
		sum := x.state.sum
		balance = Balance{Confirmed: sum.confirmed, Coins: sum.coins, Received: sum.received}
		if balance.Immature, err = x.immatureAll(r); err != nil {
			return err
		}
		balance.Reserved = x.leases.sum(0, x.opts.Clock())
		x.sumPool(&balance, 0)
		return nil
	})
	balance.Total = balance.Confirmed.Plus(balance.Incoming).Minus(balance.Outgoing)
	return balance, err
}

// mature says whether consensus lets a coin be spent in the next block.
func (x *Index) mature(num txNum, flags coinFlags) bool {
	chain, wait := &x.coin.Params().Chain, coins.Height(0)
	if flags&flagCoinbase != 0 {
		wait = chain.MaturityOf(num.height())
	}
	if flags&flagPegOut != 0 {
		wait = max(wait, chain.PegOutMaturity)
	}
	return int64(x.state.tip.Height)+1 >= int64(num.height())+int64(wait)
}

// window returns the first transaction number that may still be immature.
func (x *Index) window() txNum {
	return numberOf(max(0, x.state.tip.Height+1-x.coin.Params().Chain.MaturityMax()), 0)
}

// immature reads the newest generated coins of a script.
func (x *Index) immature(r Reader, id scriptID) (sum coins.Total, err error) {
	prefix := keyClass(id, classGenerated)
	from := keyUnspent(id, coinRef{num: x.window()}, flagCoinbase)
	err = r.Scan(prefix, from, false, func(key, value []byte) error {
		row, err := decodeUnspent(value)
		if num := numberOfKey(key[len(prefix)-1:]); err == nil && !x.mature(num, row.flags) {
			sum = sum.Add(row.value)
		}
		return err
	})
	return sum, err
}
