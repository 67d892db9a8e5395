package utxo

import (
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
)

// leases checks the reservations: that each counts its coins, that a coin has
// one, that it is where its row says, and that memory says the same.
func (c *checker) leases() error {
	s := c.x.newStep()
	s.base = c.r
	last, err := s.lastToken()
	if err != nil {
		return err
	}
	var row *leaseRow
	seen := map[coins.OutPoint]bool{}
	tokens, left := 0, uint32(0)
	ended := func() error {
		if left != 0 {
			return c.failf("reservation %d counts %d coins more than it has", row.Token, left)
		}
		return nil
	}
	err = c.scan(tableLease, func(key, value []byte) (err error) {
		switch {
		case len(key) == len(keyTokens()):
			return nil
		case len(key) == leaseKeySize:
			if err := ended(); err != nil {
				return err
			}
			if row, err = decodeLease(Token(numberOfKey(key)), value); err != nil {
				return err
			}
			tokens, left = tokens+1, row.coins
			return c.lease(row, last)
		}
		at, err := outPointOfKey(key)
		if err != nil {
			return err
		}
		if row == nil || row.Token != Token(numberOfKey(key)) || left == 0 || seen[at] {
			return c.failf("reserved coin %s has no reservation, or two", at)
		}
		seen[at] = true
		left--
		h, err := decodeHeld(value)
		if err != nil {
			return err
		}
		return c.held(s, row.Token, at, h)
	})
	if err := errors.Join(err, ended()); err != nil {
		return err
	}
	if tokens != len(c.x.leases.byToken) || len(seen) != len(c.x.leases.byCoin) {
		return c.failf("%d reservations of %d coins, in memory %d of %d", tokens, len(seen), len(c.x.leases.byToken), len(c.x.leases.byCoin))
	}
	return c.leaseSums()
}

func (c *checker) lease(row *leaseRow, last Token) error {
	known := c.x.leases.byToken[row.Token]
	if row.Token == 0 || row.Token > last || row.coins == 0 || row.Owner == "" {
		return c.failf("reservation %d of %q with %d coins, the last token is %d", row.Token, row.Owner, row.coins, last)
	}
	if known == nil || known.Claim != row.Claim || len(known.coins) != int(row.coins) {
		return c.failf("reservation %d is another one in memory", row.Token)
	}
	return nil
}

// held checks one reserved coin.
func (c *checker) held(s *step, token Token, at coins.OutPoint, row heldRow) error {
	known := c.x.leases.byCoin[at]
	if known == nil || known.heldRow != row || known.lease.Token != token || known.lease.coins[at] != known {
		return c.failf("reserved coin %s is another one in memory", at)
	}
	if !c.watches[row.script] {
		return c.failf("reserved coin %s is of script %d, which is not watched", at, row.script)
	}
	if row.place != Away && row.since != 0 {
		return c.failf("reserved coin %s is there, since height %d", at, row.since)
	}
	_, coin, found, err := s.coinAt(at, numberOf(coins.MaxHeight, 0))
	if err != nil {
		return err
	}
	unconfirmed := false
	if tx := c.x.pool.txs[at.TxID]; tx != nil && !found {
		for i := range tx.outs {
			if tx.outs[i].OutPoint == at {
				unconfirmed = true
				coin = coinRow{script: tx.outs[i].id, value: tx.outs[i].Value}
			}
		}
	}
	place := Away
	switch {
	case found:
		place = InBlock
	case unconfirmed:
		place = Unconfirmed
	}
	if place != row.place || (place != Away && (coin.script != row.script || coin.value != row.value)) {
		return c.failf("reserved coin %s is in place %d, its row says %d", at, place, row.place)
	}
	return nil
}

// leaseSums checks the sums in memory against the coins there.
func (c *checker) leaseSums() error {
	l := c.x.leases
	total, count, away := coins.Total{}, 0, 0
	for id, of := range l.byScript {
		sum := coins.Total{}
		for h := range of.coins {
			count++
			if h.place == InBlock {
				sum = sum.Add(h.value)
			}
			if h.place == Away {
				away++
				if _, listed := l.away[h.since][h]; !listed {
					return c.failf("reserved coin %s is away and not listed so", h.at)
				}
			}
		}
		if sum != of.inBlocks {
			return c.failf("script %d has %s reserved, its coins make %s", id, of.inBlocks, sum)
		}
		total = total.Plus(sum)
	}
	for _, set := range l.away {
		away -= len(set)
	}
	timed := 0
	for _, one := range l.byToken {
		if !one.Expires.IsZero() {
			timed++
		}
	}
	if total != l.inBlocks || count != len(l.byCoin) || away != 0 || timed != len(l.timed) {
		return fmt.Errorf("reservations in memory: %s of %d coins, their scripts' make %s of %d, %d too few away, %d of %d with an end: %w",
			l.inBlocks, len(l.byCoin), total, count, away, len(l.timed), timed, ErrCorrupt)
	}
	return nil
}
