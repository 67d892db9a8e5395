package utxo

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// leases are the reservations in memory, as stored: so that balances and lists
// need no row for them.
type leases struct {
	byToken  map[Token]*lease
	byCoin   map[coins.OutPoint]*held
	byScript map[scriptID]*scriptHeld
	// inBlocks is the value of the reserved coins in blocks, of all scripts.
	inBlocks coins.Total
	// timed are the reservations with an end, by it.
	timed []*lease
	away  map[coins.Height]map[*held]struct{}
}

// lease is a reservation.
type lease struct {
	Claim
	coins map[coins.OutPoint]*held
}

// held is a reserved coin.
type held struct {
	heldRow
	at    coins.OutPoint
	lease *lease
}

// scriptHeld are the reserved coins of a script, and the value of those in
// blocks.
type scriptHeld struct {
	inBlocks coins.Total
	coins    map[*held]struct{}
}

func newLeases() *leases {
	return &leases{byToken: map[Token]*lease{}, byCoin: map[coins.OutPoint]*held{}, byScript: map[scriptID]*scriptHeld{},
		away: map[coins.Height]map[*held]struct{}{}}
}

// apply follows what steps did, once it is stored.
func (l *leases) apply(changes []leaseChange) {
	for i := range changes {
		c := &changes[i]
		switch {
		case c.lease != nil && c.ended:
			l.end(c.token)
		case c.lease != nil:
			l.set(c.lease)
		case c.held != nil:
			l.hold(c.token, c.at, *c.held)
		default:
			l.release(c.token, c.at)
		}
	}
}

func compareEnds(a, b *lease) int {
	return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.Token, b.Token))
}

// need returns a reservation, making it with the first that is heard of it.
func (l *leases) need(token Token) *lease {
	one := l.byToken[token]
	if one == nil {
		one = &lease{Claim: Claim{Token: token}, coins: map[coins.OutPoint]*held{}}
		l.byToken[token] = one
	}
	return one
}

func (l *leases) set(row *leaseRow) {
	one := l.need(row.Token)
	l.untime(one)
	one.Claim = row.Claim
	if !one.Expires.IsZero() {
		at, _ := slices.BinarySearchFunc(l.timed, one, compareEnds)
		l.timed = slices.Insert(l.timed, at, one)
	}
}

func (l *leases) untime(one *lease) {
	if at, found := slices.BinarySearchFunc(l.timed, one, compareEnds); found {
		l.timed = slices.Delete(l.timed, at, at+1)
	}
}

func (l *leases) end(token Token) {
	if one := l.byToken[token]; one != nil {
		l.untime(one)
		delete(l.byToken, token)
	}
}

func (l *leases) hold(token Token, at coins.OutPoint, row heldRow) {
	l.release(token, at)
	h := &held{row, at, l.need(token)}
	h.lease.coins[at], l.byCoin[at] = h, h
	of := l.byScript[row.script]
	if of == nil {
		of = &scriptHeld{coins: map[*held]struct{}{}}
		l.byScript[row.script] = of
	}
	of.coins[h] = struct{}{}
	switch row.place {
	case InBlock:
		of.inBlocks, l.inBlocks = of.inBlocks.Add(row.value), l.inBlocks.Add(row.value)
	case Away:
		if l.away[row.since] == nil {
			l.away[row.since] = map[*held]struct{}{}
		}
		l.away[row.since][h] = struct{}{}
	}
}

func (l *leases) release(token Token, at coins.OutPoint) {
	h := l.byCoin[at]
	if h == nil || h.lease.Token != token {
		return
	}
	delete(h.lease.coins, at)
	delete(l.byCoin, at)
	of := l.byScript[h.script]
	if h.place == InBlock {
		of.inBlocks, l.inBlocks = of.inBlocks.Sub(h.value), l.inBlocks.Sub(h.value)
	}
	if delete(of.coins, h); len(of.coins) == 0 {
		delete(l.byScript, h.script)
	}
	if h.place == Away {
		if delete(l.away[h.since], h); len(l.away[h.since]) == 0 {
			delete(l.away, h.since)
		}
	}
}

// expired returns the reservations that have ended by the clock.
func (l *leases) expired(now time.Time) []*lease {
	for i, one := range l.timed {
		if !one.expired(now) {
			return l.timed[:i]
		}
	}
	return l.timed
}

// awaySince returns the coins that have been away since a height or longer.
func (l *leases) awaySince(height coins.Height) (list []*held) {
	for since, set := range l.away {
		if since <= height {
			list = slices.AppendSeq(list, maps.Keys(set))
		}
	}
	return list
}

// ofScript returns the reserved coins of a script.
func (l *leases) ofScript(id scriptID) map[*held]struct{} {
	if of := l.byScript[id]; of != nil {
		return of.coins
	}
	return nil
}

// claim returns who holds a coin, nil for nobody.
func (l *leases) claim(at coins.OutPoint, now time.Time) *Claim {
	if h := l.byCoin[at]; h != nil && !h.lease.expired(now) {
		return &h.lease.Claim
	}
	return nil
}

// sum returns the value of a script's reserved coins in blocks, or of all for
// 0. The work does not grow with what is reserved, but for what has expired
// and no commit has swept.
func (l *leases) sum(id scriptID, now time.Time) coins.Total {
	sum := l.inBlocks
	if id != 0 {
		of := l.byScript[id]
		if of == nil {
			return coins.Total{}
		}
		sum = of.inBlocks
	}
	for _, one := range l.expired(now) {
		for _, h := range one.coins {
			if h.place == InBlock && (id == 0 || h.script == id) {
				sum = sum.Sub(h.value)
			}
		}
	}
	return sum
}

// inForce returns a reservation for its owner.
func (l *leases) inForce(owner string, token Token, now time.Time) (*lease, error) {
	one := l.byToken[token]
	switch {
	case one == nil || one.expired(now):
		return nil, fmt.Errorf("token %d: its reservation has ended: %w", token, ErrToken)
	case one.Owner != owner:
		return nil, fmt.Errorf("token %d is not %q's: %w", token, owner, ErrToken)
	}
	return one, nil
}

// find returns the reserved coins that a release names.
func (l *leases) find(spec ReleaseSpec, now time.Time) (list []*held, err error) {
	one := l.byToken[spec.Token]
	switch {
	case spec.Token == 0 && spec.Force:
	case one == nil || one.expired(now):
		return nil, fmt.Errorf("token %d: %w", spec.Token, ErrNoReservation)
	case one.Owner != spec.Owner && !spec.Force:
		return nil, fmt.Errorf("token %d is not %q's: %w", spec.Token, spec.Owner, ErrToken)
	case len(spec.OutPoints) == 0:
		return slices.Collect(maps.Values(one.coins)), nil
	}
	for _, at := range spec.OutPoints {
		h := l.byCoin[at]
		switch {
		case h == nil || h.lease.expired(now):
			return nil, fmt.Errorf("coin %s: %w", at, ErrNoReservation)
		case spec.Token != 0 && h.lease != one:
			return nil, fmt.Errorf("coin %s is held by token %d, not %d: %w", at, h.lease.Token, spec.Token, ErrToken)
		}
		list = append(list, h)
	}
	if len(list) == 0 {
		err = fmt.Errorf("neither token nor coin is named: %w", ErrReserve)
	}
	return list, err
}

// ordered returns the reservations above a token, ascending.
func (l *leases) ordered(after Token) []*lease {
	var list []*lease
	for token, one := range l.byToken {
		if token > after {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b *lease) int { return cmp.Compare(a.Token, b.Token) })
	return list
}

// describe shows a reservation to callers.
func (one *lease) describe(script func(scriptID) ([]byte, error)) (r Reservation, err error) {
	r = Reservation{Claim: one.Claim, Coins: make([]ReservedCoin, 0, len(one.coins))}
	for at, h := range one.coins {
		c := ReservedCoin{OutPoint: at, Value: h.value, Place: h.place, Since: h.since}
		if c.Script, err = script(h.script); err != nil {
			return r, err
		}
		r.Coins = append(r.Coins, c)
	}
	slices.SortFunc(r.Coins, func(a, b ReservedCoin) int {
		return bytes.Compare(a.OutPoint.AppendWire(nil), b.OutPoint.AppendWire(nil))
	})
	return r, nil
}

// loadLeases reads the stored reservations.
func loadLeases(r Reader) (*leases, error) {
	l := newLeases()
	return l, r.Scan([]byte{tableLease}, nil, false, func(key, value []byte) error {
		if len(key) == len(keyTokens()) {
			return nil
		}
		if len(key) < leaseKeySize {
			return fmt.Errorf("reservation row %x: %w", key, ErrCorrupt)
		}
		token := Token(numberOfKey(key))
		if len(key) == leaseKeySize {
			row, err := decodeLease(token, value)
			if err == nil {
				l.set(row)
			}
			return err
		}
		at, err := outPointOfKey(key)
		if err != nil {
			return err
		}
		row, err := decodeHeld(value)
		if err == nil {
			l.hold(token, at, row)
		}
		return err
	})
}
