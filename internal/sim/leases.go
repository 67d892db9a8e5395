package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// lease is a reservation as the model has it.
type lease struct {
	expires time.Time // zero is never
	coins   map[coins.OutPoint]*held
}

// held is a reserved coin. It rests while no block has it.
type held struct {
	script string
	away   bool
	since  coins.Height
	// may says that it was away for long enough to be given up.
	may bool
}

func (l *lease) inForce(now time.Time) bool { return l.expires.IsZero() || now.Before(l.expires) }

// moved says where reserved coins are, after the tip has moved.
func (m *model) moved() {
	if len(m.leases) == 0 {
		return
	}
	a, tip := m.compute(), m.next()-1
	for _, l := range m.leases {
		for at, h := range l.coins {
			h.may = h.may || h.away && h.since <= tip-m.maxReorg
			_, there := a.coins[at]
			if !there && !h.away {
				h.since = tip
			}
			h.away = !there
		}
	}
}

// holder returns the reservation in force that is sure to hold a coin.
func (m *model) holder(at coins.OutPoint, now time.Time) *lease {
	for _, l := range m.leases {
		if h := l.coins[at]; h != nil && !h.may && l.inForce(now) {
			return l
		}
	}
	return nil
}

// reserve reserves some coins, with an end or without.
func (w *World) reserve(ctx context.Context, rng *rand.Rand) {
	var list []utxo.Coin
	err := w.store.look(func() (err error) {
		list, _, err = w.process.index.Coins(ctx, utxo.CoinQuery{Confirmed: true, Page: utxo.Page{Limit: 50}})
		return err
	})
	if err != nil {
		w.broke(fmt.Errorf("%w: list coins: %w", ErrBroken, err))
	}
	if len(list) == 0 {
		return
	}
	spec := utxo.ReserveSpec{Owner: "sim", TTL: time.Duration(rng.IntN(3)) * time.Minute}
	for range 1 + rng.IntN(3) {
		if at := list[rng.IntN(len(list))].OutPoint; !slices.Contains(spec.OutPoints, at) {
			spec.OutPoints = append(spec.OutPoints, at)
		}
	}
	r, err := w.process.index.Reserve(ctx, spec)
	w.note("  reserve %v for %s: token %d, %v", spec.OutPoints, spec.TTL, r.Token, err)
	switch {
	case err == nil:
		w.wrote(w.process.index, nil, false)
		w.granted(ctx, r)
		w.did("reserve")
	case errors.Is(err, utxo.ErrReserved):
		w.did("reserved already")
		held := func(at coins.OutPoint) bool { return w.model.heldAtAll(at, w.clock.Now()) }
		if !slices.ContainsFunc(spec.OutPoints, held) {
			w.broke(fmt.Errorf("%w: %v is not reserved: %w", ErrBroken, spec.OutPoints, err))
		}
	case errors.Is(err, utxo.ErrNoCoin), errors.Is(err, utxo.ErrCoinSpent), errors.Is(err, utxo.ErrImmature), errors.Is(err, utxo.ErrScanning):
	default:
		w.wrote(w.process.index, err, false)
		w.failed(ctx, "reserve", err)
	}
}

// heldAtAll reports whether a reservation in force may hold a coin.
func (m *model) heldAtAll(at coins.OutPoint, now time.Time) bool {
	for _, l := range m.leases {
		if l.coins[at] != nil && l.inForce(now) {
			return true
		}
	}
	return false
}

// granted judges a new reservation: of coins that are there and nobody else's.
func (w *World) granted(ctx context.Context, r utxo.Reservation) {
	if err := w.store.look(func() error { return w.learnDerived(ctx) }); err != nil {
		w.broke(err)
	}
	want := w.model.compute()
	l := &lease{expires: r.Expires, coins: map[coins.OutPoint]*held{}}
	for _, c := range r.Coins {
		if _, there := want.coins[c.OutPoint]; !there {
			w.broke(fmt.Errorf("%w: coin %s was reserved, which is not there", ErrBroken, c.OutPoint))
		}
		if w.model.holder(c.OutPoint, w.clock.Now()) != nil {
			w.broke(fmt.Errorf("%w: coin %s has two reservations", ErrBroken, c.OutPoint))
		}
		for _, other := range w.model.leases {
			delete(other.coins, c.OutPoint)
		}
		l.coins[c.OutPoint] = &held{script: string(c.Script)}
	}
	for token := range w.model.leases {
		if token >= r.Token {
			w.broke(fmt.Errorf("%w: token %d follows token %d", ErrBroken, r.Token, token))
		}
	}
	w.model.leases[r.Token] = l
}

// release gives a reservation back, also one that has ended.
func (w *World) release(ctx context.Context, rng *rand.Rand) {
	tokens := slices.Sorted(maps.Keys(w.model.leases))
	if len(tokens) == 0 {
		return
	}
	token := tokens[rng.IntN(len(tokens))]
	l := w.model.leases[token]
	sure := slices.ContainsFunc(slices.Collect(maps.Values(l.coins)), func(h *held) bool { return !h.may })
	n, err := w.process.index.Release(ctx, utxo.ReleaseSpec{Owner: "sim", Token: token})
	w.note("  release token %d: %d, %v", token, n, err)
	switch {
	case err == nil:
		w.wrote(w.process.index, nil, false)
		w.did("release")
		if !l.inForce(w.clock.Now()) {
			w.broke(fmt.Errorf("%w: token %d was released, which had expired", ErrBroken, token))
		}
		delete(w.model.leases, token)
	case errors.Is(err, utxo.ErrNoReservation):
		if l.inForce(w.clock.Now()) && sure {
			w.broke(fmt.Errorf("%w: token %d holds nothing: %w", ErrBroken, token, err))
		}
		delete(w.model.leases, token)
	default:
		w.wrote(w.process.index, err, false)
		w.failed(ctx, "release", err)
	}
}

// unreserve drops the reservations of a script that is watched no more.
func (m *model) unreserve(script string) {
	for _, l := range m.leases {
		maps.DeleteFunc(l.coins, func(_ coins.OutPoint, h *held) bool { return h.script == script })
	}
}

// checkLeases holds the reservations to the model, and learns of them what
// balances say.
func (w *World) checkLeases(ctx context.Context) error {
	m := w.model
	m.moved()
	m.reserved = map[string]coins.Total{}
	want := m.compute()
	for token, l := range m.leases {
		r, err := w.process.index.Reservation(ctx, token)
		if err != nil && !errors.Is(err, utxo.ErrNoReservation) {
			return err
		}
		if !l.inForce(w.clock.Now()) {
			if w.did("expiry"); err == nil {
				return fmt.Errorf("%w: token %d is in force and has expired", ErrBroken, token)
			}
			delete(m.leases, token)
			continue
		}
		held := map[coins.OutPoint]utxo.ReservedCoin{}
		for _, c := range r.Coins {
			held[c.OutPoint] = c
			if l.coins[c.OutPoint] == nil {
				return fmt.Errorf("%w: token %d holds coin %s, which it never got", ErrBroken, token, c.OutPoint)
			}
		}
		for at, h := range l.coins {
			c, holds := held[at]
			_, inBlock := want.coins[at]
			switch {
			case !holds && h.may:
				delete(l.coins, at)
				continue
			case !holds:
				return fmt.Errorf("%w: token %d does not hold coin %s, away %v since %d", ErrBroken, token, at, h.away, h.since)
			case inBlock != (c.Place == utxo.InBlock):
				return fmt.Errorf("%w: token %d holds coin %s in place %d, in a block %v", ErrBroken, token, at, c.Place, inBlock)
			}
			h.may = h.may && h.away
			if c.Place != utxo.Away && !w.node.spends(at) {
				m.reserved[h.script] = m.reserved[h.script].Add(c.Value)
			}
		}
	}
	return nil
}

// spends reports whether an unconfirmed transaction spends a coin.
func (n *node) spends(at coins.OutPoint) bool {
	return slices.ContainsFunc(n.now.pool, func(t *tx) bool { return slices.Contains(t.ins, at) })
}
