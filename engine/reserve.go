package engine

import (
	"context"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// Reserving keeps coins for somebody: what one has reserved, nobody else gets until it is released, its time is over,
// or the chain has ended it.
type Reserving interface {
	// Reserve reserves coins, all or none, durably when it returns. With a token it is the same reservation again.
	Reserve(ctx context.Context, coin coins.Symbol, request ReserveRequest) (Reservation, error)
	// Reservations lists those in force, by token.
	Reservations(ctx context.Context, coin coins.Symbol, query ReservationQuery) (ReservationList, error)
	// Release gives coins back, and returns how many were reserved.
	Release(ctx context.Context, coin coins.Symbol, request ReleaseRequest) (released int, err error)
}

// ReserveRequest asks for a reservation.
type ReserveRequest struct {
	OutPoints []coins.OutPoint `json:"outpoints"`
	// Owner is who reserves, Purpose a note.
	Owner   string `json:"owner"`
	Purpose string `json:"purpose,omitempty"`
	// TTL is how long it holds; 0 is until it is released, or the chain ends it.
	TTL time.Duration `json:"ttl_ns,omitempty"`
	// Token names a reservation of the same owner and coins, of which the end is reckoned anew; 0 asks for a new one.
	Token utxo.Token `json:"token,omitempty"`
}

// ReservationQuery asks for reservations.
type ReservationQuery struct {
	// Owner is "" for everybody's.
	Owner string `json:"owner,omitempty"`
	Page
}

// ReleaseRequest says what to release.
type ReleaseRequest struct {
	// Owner and Token name the reservation; OutPoints are some coins of it, none is all.
	Owner     string           `json:"owner,omitempty"`
	Token     utxo.Token       `json:"token,omitempty"`
	OutPoints []coins.OutPoint `json:"outpoints,omitempty"`
	// Force is an operator's: whoever the owner is, and without a token whatever holds the coins.
	Force bool `json:"force,omitempty"`
}

// Claim says who has reserved something.
type Claim struct {
	// Token names the reservation, and ascends: operations on it name it, and one that has ended does nothing any more.
	Token   utxo.Token `json:"token"`
	Owner   string     `json:"owner"`
	Purpose string     `json:"purpose,omitempty"`
	Created time.Time  `json:"created"`
	// Expires is zero where it has no end.
	Expires time.Time `json:"expires,omitzero"`
}

// Reservation is coins that somebody has reserved.
type Reservation struct {
	Coin coins.Symbol `json:"coin"`
	Claim
	// Value is of all its coins.
	Value coins.Total    `json:"value"`
	Coins []ReservedCoin `json:"coins"`
}

// ReservedCoin is one of them.
type ReservedCoin struct {
	OutPoint coins.OutPoint `json:"outpoint"`
	Address  string         `json:"address"`
	Value    coins.Amount   `json:"value"`
	// State is unspent, unconfirmed, or away: spent in a block, or taken by a reorg or the mempool. It is reserved again
	// where it comes back, and after as many blocks as are ever undone its reservation ends.
	State string `json:"state"`
}

// ReservationList is a page of reservations.
type ReservationList struct {
	Reservations []Reservation `json:"reservations"`
	Next         string        `json:"next,omitempty"`
}

// Reserve is [Reserving]'s.
func (e *Engine) Reserve(ctx context.Context, coin coins.Symbol, request ReserveRequest) (Reservation, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return Reservation{}, err
	}
	r, err := index.Reserve(ctx, utxo.ReserveSpec{OutPoints: request.OutPoints, Owner: request.Owner, Purpose: request.Purpose,
		TTL: request.TTL, Token: request.Token})
	if err != nil {
		return Reservation{}, err
	}
	return p.reservationOf(&r), nil
}

// Reservations is [Reserving]'s.
func (e *Engine) Reservations(ctx context.Context, coin coins.Symbol, query ReservationQuery) (ReservationList, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return ReservationList{}, err
	}
	found, next, err := index.Reservations(ctx, utxo.ReservationQuery{Owner: query.Owner, Page: indexPage(query.Page)})
	if err != nil {
		return ReservationList{}, err
	}
	list := ReservationList{Reservations: make([]Reservation, 0, len(found)), Next: next}
	for i := range found {
		list.Reservations = append(list.Reservations, p.reservationOf(&found[i]))
	}
	return list, nil
}

// Release is [Reserving]'s.
func (e *Engine) Release(ctx context.Context, coin coins.Symbol, request ReleaseRequest) (released int, err error) {
	_, index, err := e.open(ctx, coin)
	if err != nil {
		return 0, err
	}
	return index.Release(ctx, utxo.ReleaseSpec{Owner: request.Owner, Token: request.Token, OutPoints: request.OutPoints, Force: request.Force})
}

func (p *part) reservationOf(r *utxo.Reservation) Reservation {
	shown := Reservation{Coin: p.config.Symbol, Claim: Claim(r.Claim), Coins: make([]ReservedCoin, 0, len(r.Coins))}
	for i := range r.Coins {
		c := &r.Coins[i]
		state := "unspent"
		switch c.Place {
		case utxo.Away:
			state = "away"
		case utxo.Unconfirmed:
			state = "unconfirmed"
		}
		shown.Value = shown.Value.Add(c.Value)
		shown.Coins = append(shown.Coins, ReservedCoin{OutPoint: c.OutPoint, Address: p.address(c.Script), Value: c.Value, State: state})
	}
	return shown
}

// reserveKinds are what keeps a coin from being reserved or released.
func reserveKinds() []kind {
	return []kind{
		{utxo.ErrReserve, CodeInput}, {utxo.ErrNoCoin, CodeNotFound}, {utxo.ErrNoReservation, CodeNotFound},
		{utxo.ErrReserved, CodeConflict}, {utxo.ErrCoinSpent, CodeConflict}, {utxo.ErrImmature, CodeConflict},
		{utxo.ErrConflicted, CodeConflict}, {utxo.ErrScanning, CodeConflict}, {utxo.ErrToken, CodeConflict},
		{utxo.ErrTooManyReserved, CodeConflict},
	}
}
