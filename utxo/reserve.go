package utxo

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"coffer.example/coffer/coins"
)

// Token names a reservation and fences it: tokens of one index ascend, also
// over a rebuild and over a restored snapshot, because none is less than the
// microseconds of the clock when it was drawn. Every operation on a
// reservation names its token; one whose reservation has ended does nothing
// any more, whoever holds the coins now.
type Token uint64

// Limits of reservations.
const (
	// MaxReserve is how many coins one reservation holds.
	MaxReserve = 2_000
	// MaxReserved is how many coins all reservations together hold, of which
	// each takes about 200 bytes of memory.
	MaxReserved = 1_000_000
	// MaxOwner and MaxPurpose are their longest texts, in bytes.
	MaxOwner   = 100
	MaxPurpose = 500
)

// ReserveSpec asks for a reservation.
type ReserveSpec struct {
	OutPoints []coins.OutPoint
	// Owner is who reserves: 1 to [MaxOwner] bytes.
	Owner string
	// Purpose is the owner's own note, up to [MaxPurpose] bytes.
	Purpose string
	// TTL is how long it holds; 0 is until it is released, or ended by the chain.
	TTL time.Duration
	// Token is 0 for a new reservation. With the token of one that is in force
	// the same owner and coins are the same reservation: nothing changes but
	// its purpose and its end, which is reckoned anew.
	Token Token
}

// Claim says who has reserved a coin.
type Claim struct {
	Token   Token
	Owner   string
	Purpose string
	Created time.Time
	// Expires is zero where it has no end.
	Expires time.Time
}

// expired says whether a claim has ended by the clock.
func (c *Claim) expired(now time.Time) bool { return !c.Expires.IsZero() && !now.Before(c.Expires) }

// CoinPlace is where a reserved coin is.
type CoinPlace uint8

// The places of a reserved coin.
const (
	// Away: it is spent in a block, or a reorg or the mempool has taken it. The
	// reservation rests: where the coin comes back it is reserved as before, and
	// after as many blocks as undo is kept the reservation of it ends.
	Away CoinPlace = 1
	// Unconfirmed: an output of an unconfirmed transaction.
	Unconfirmed CoinPlace = 2
	// InBlock: an unspent coin of a block.
	InBlock CoinPlace = 3
)

// ReservedCoin is one coin of a reservation.
type ReservedCoin struct {
	OutPoint coins.OutPoint
	Value    coins.Amount
	Script   []byte
	Place    CoinPlace
	// Since is, for one that is Away, the height of the tip when it went.
	Since coins.Height
}

// Reservation is a claim with its coins, in the order of their outpoints.
type Reservation struct {
	Claim
	Coins []ReservedCoin
}

func (spec *ReserveSpec) check() error {
	switch {
	case len(spec.OutPoints) == 0:
		return fmt.Errorf("no outpoint: %w", ErrReserve)
	case len(spec.OutPoints) > MaxReserve:
		return fmt.Errorf("%d outpoints, the limit is %d: %w", len(spec.OutPoints), MaxReserve, ErrReserve)
	case spec.Owner == "" || len(spec.Owner) > MaxOwner || !printable(spec.Owner):
		return fmt.Errorf("owner %.200q: 1 to %d bytes of text: %w", spec.Owner, MaxOwner, ErrReserve)
	case len(spec.Purpose) > MaxPurpose || !printable(spec.Purpose):
		return fmt.Errorf("purpose %.200q: at most %d bytes of text: %w", spec.Purpose, MaxPurpose, ErrReserve)
	case spec.TTL < 0:
		return fmt.Errorf("time to live %v: %w", spec.TTL, ErrReserve)
	}
	seen := make(map[coins.OutPoint]bool, len(spec.OutPoints))
	for _, at := range spec.OutPoints {
		if seen[at] {
			return fmt.Errorf("outpoint %s is named twice: %w", at, ErrReserve)
		}
		seen[at] = true
	}
	return nil
}

func printable(text string) bool {
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(text)
}

// Reserve reserves coins, all or none; durable when it returns. It fails with
// [ErrReserve] for a request that cannot be; for a coin that cannot be had with
// [ErrNoCoin], [ErrReserved], [ErrCoinSpent], [ErrImmature], [ErrConflicted] or
// [ErrScanning]; with [ErrToken] for a token that is not in force; with
// [ErrTooManyReserved].
func (x *Index) Reserve(ctx context.Context, spec ReserveSpec) (r Reservation, err error) {
	if err := spec.check(); err != nil {
		return r, fmt.Errorf("reserve: %w", err)
	}
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.flush(ctx); err != nil {
		return r, err
	}
	err = x.write(ctx, false, func(s *step) error {
		var one *lease
		if spec.Token != 0 {
			one, err = x.renew(s, &spec)
		} else {
			one, err = x.reserve(s, &spec)
		}
		if err == nil {
			r, err = one.describe(s.script)
		}
		return err
	})
	if err != nil {
		return Reservation{}, fmt.Errorf("reserve: %w", err)
	}
	return r, nil
}

func (x *Index) reserve(s *step, spec *ReserveSpec) (*lease, error) {
	if n := len(x.leases.byCoin) + len(spec.OutPoints); n > MaxReserved {
		return nil, fmt.Errorf("%d coins would be reserved, the limit is %d: %w", n, MaxReserved, ErrTooManyReserved)
	}
	now := x.opts.Clock().UTC()
	last, err := s.lastToken()
	if err != nil {
		return nil, err
	}
	token := max(last+1, Token(max(now.UnixMicro(), 0)))
	row := &leaseRow{Claim: Claim{Token: token, Owner: spec.Owner, Purpose: spec.Purpose, Created: stamp(now)}}
	row.Expires = spec.expiry(now)
	one := &lease{row.Claim, make(map[coins.OutPoint]*held, len(spec.OutPoints))}
	for _, at := range spec.OutPoints {
		coin, err := x.reservable(s, at, now)
		if err != nil {
			return nil, fmt.Errorf("coin %s: %w", at, err)
		}
		s.putHeld(token, at, coin)
		one.coins[at] = &held{coin, at, one}
		row.coins++
	}
	s.putLease(row)
	s.put(keyTokens(), encodeToken(token))
	return one, nil
}

// stamp cuts a time to what is stored of it.
func stamp(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

func (spec *ReserveSpec) expiry(now time.Time) time.Time {
	if spec.TTL == 0 {
		return time.Time{}
	}
	return stamp(now.Add(max(spec.TTL, time.Microsecond)))
}

// renew is Reserve with a token.
func (x *Index) renew(s *step, spec *ReserveSpec) (*lease, error) {
	l, err := x.leases.inForce(spec.Owner, spec.Token, x.opts.Clock())
	if err != nil {
		return nil, err
	}
	if len(l.coins) != len(spec.OutPoints) {
		return nil, fmt.Errorf("reservation %d holds %d coins, not the %d named: %w", l.Token, len(l.coins), len(spec.OutPoints), ErrToken)
	}
	for _, at := range spec.OutPoints {
		if l.coins[at] == nil {
			return nil, fmt.Errorf("reservation %d does not hold %s: %w", l.Token, at, ErrToken)
		}
	}
	row := &leaseRow{Claim: l.Claim, coins: uint32(len(l.coins))}
	row.Purpose, row.Expires = spec.Purpose, spec.expiry(x.opts.Clock().UTC())
	s.putLease(row)
	return &lease{row.Claim, l.coins}, nil
}

// reservable looks at a coin that is to be reserved.
func (x *Index) reservable(s *step, at coins.OutPoint, now time.Time) (row heldRow, err error) {
	if h := x.leases.byCoin[at]; h != nil {
		if !h.lease.expired(now) {
			return row, fmt.Errorf("%q holds it by token %d: %w", h.lease.Owner, h.lease.Token, ErrReserved)
		}
		if err := s.dropHeld(h.lease.Token, at); err != nil {
			return row, err
		}
	}
	if by := x.pool.spender(at); by != (coins.TxID{}) {
		return row, fmt.Errorf("unconfirmed transaction %s spends it: %w", by, ErrCoinSpent)
	}
	if x.w.outpoints.holds(x.outPointMark(at)) {
		ref, coin, found, err := s.coinAt(at, numberOf(coins.MaxHeight, 0))
		if err != nil {
			return row, err
		}
		if found {
			return heldRow{place: InBlock, script: coin.script, value: coin.value}, x.spendable(s, ref, coin)
		}
	}
	if tx := x.pool.txs[at.TxID]; tx != nil {
		i := slices.IndexFunc(tx.outs, func(c poolCoin) bool { return c.OutPoint == at })
		switch {
		case i < 0:
			return row, ErrNoCoin
		case x.pool.shadowed(tx):
			return row, ErrConflicted
		}
		return heldRow{place: Unconfirmed, script: tx.outs[i].id, value: tx.outs[i].Value}, nil
	}
	mined, err := s.inBlock(at.TxID)
	if err == nil && mined {
		err = fmt.Errorf("it was spent in a block, or its address is not watched: %w", ErrCoinSpent)
	} else if err == nil {
		err = ErrNoCoin
	}
	return row, err
}

// spendable says why a coin of a block cannot be spent in the next one.
func (x *Index) spendable(s *step, ref coinRef, coin coinRow) error {
	if !x.mature(ref.num, coin.flags) {
		return ErrImmature
	}
	if coin.flags&flagFound == 0 {
		return nil
	}
	watch, err := s.needWatch(coin.script)
	if err != nil {
		return err
	}
	job, scanning, err := s.scanning(watch)
	if err == nil && scanning {
		err = fmt.Errorf("job %d is to say whether it is spent: %w", job, ErrScanning)
	}
	return err
}

// ReleaseSpec says what is released.
type ReleaseSpec struct {
	// Owner and Token name the reservation.
	Owner string
	Token Token
	// OutPoints are those to release; none is all of the reservation.
	OutPoints []coins.OutPoint
	// Force is an operator's: Owner is not asked for, and without a Token
	// whatever reservations hold the OutPoints lose them.
	Force bool
}

// Release gives coins back, and returns how many were reserved; durable when
// it returns. It fails with [ErrNoReservation] where nothing of the kind is in
// force (it was released before, it expired, the chain ended it), and with
// [ErrToken] where it is another owner's.
func (x *Index) Release(ctx context.Context, spec ReleaseSpec) (released int, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.flush(ctx); err != nil {
		return 0, err
	}
	if err := x.usable(); err != nil {
		return 0, err
	}
	held, err := x.leases.find(spec, x.opts.Clock())
	if err != nil {
		return 0, fmt.Errorf("release: %w", err)
	}
	err = x.write(ctx, false, func(s *step) error {
		for _, h := range held {
			if err := s.dropHeld(h.lease.Token, h.at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("release: %w", err)
	}
	return len(held), nil
}

// Holds proves that a reservation is in force and holds the coins: what its
// owner asks before it acts on them. It fails with [ErrToken] or
// [ErrNoReservation].
func (x *Index) Holds(_ context.Context, owner string, token Token, outPoints []coins.OutPoint) error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if err := x.usable(); err != nil {
		return err
	}
	_, err := x.leases.find(ReleaseSpec{Owner: owner, Token: token, OutPoints: outPoints}, x.opts.Clock())
	return err
}

// ReservationQuery asks for reservations.
type ReservationQuery struct {
	// Owner is whose; "" is everybody's.
	Owner string
	Page
}

// Reservations lists the reservations in force by token, one page: at most
// [MaxPage] coins. Next is empty on the last page. It fails with [ErrCursor].
func (x *Index) Reservations(ctx context.Context, q ReservationQuery) (list []Reservation, next string, err error) {
	err = x.query(ctx, func(r Reader) error {
		scope := x.cursors(cursorReservations, []byte(q.Owner))
		position, err := scope.open(q.Cursor)
		if err != nil {
			return err
		}
		after, now, count := Token(0), x.opts.Clock(), 0
		if position != nil {
			if after, err = decodeToken(position); err != nil {
				return fmt.Errorf("cursor %.80q: %w", q.Cursor, ErrCursor)
			}
		}
		look := newLookup(r)
		for _, l := range x.leases.ordered(after) {
			if l.expired(now) || (q.Owner != "" && l.Owner != q.Owner) {
				continue
			}
			if len(list) == q.limit() || (len(list) > 0 && count+len(l.coins) > MaxPage) {
				next = scope.seal(encodeToken(list[len(list)-1].Token))
				return nil
			}
			one, err := l.describe(look.script)
			if err != nil {
				return err
			}
			list, count = append(list, one), count+len(one.Coins)
		}
		return nil
	})
	return list, next, err
}

// Reservation returns one that is in force. It fails with [ErrNoReservation].
func (x *Index) Reservation(ctx context.Context, token Token) (one Reservation, err error) {
	err = x.query(ctx, func(r Reader) error {
		l := x.leases.byToken[token]
		if l == nil || l.expired(x.opts.Clock()) {
			return fmt.Errorf("token %d: %w", token, ErrNoReservation)
		}
		one, err = l.describe(newLookup(r).script)
		return err
	})
	return one, err
}
