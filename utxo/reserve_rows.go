package utxo

import (
	"encoding/binary"
	"fmt"
	"time"

	"coffer.example/coffer/coins"
)

// leaseRow is a reservation as stored; its coins stand behind it.
type leaseRow struct {
	Claim
	coins uint32
}

func (r *leaseRow) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(r.Created.UnixMicro()))
	expires := int64(0)
	if !r.Expires.IsZero() {
		expires = r.Expires.UnixMicro()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(expires))
	b = binary.BigEndian.AppendUint32(b, r.coins)
	return append(appendBytes(b, []byte(r.Owner)), r.Purpose...)
}

func decodeLease(token Token, value []byte) (*leaseRow, error) {
	d := decoder{rest: value}
	row := &leaseRow{Claim: Claim{Token: token, Created: time.UnixMicro(int64(d.u64())).UTC()}}
	if expires := int64(d.u64()); expires != 0 {
		row.Expires = time.UnixMicro(expires).UTC()
	}
	row.coins, row.Owner = d.u32(), string(d.bytes())
	row.Purpose, d.rest = string(d.rest), nil
	return row, d.end("reservation")
}

// heldRow is one coin of a reservation as stored.
type heldRow struct {
	place CoinPlace
	// since is the height of the tip when it went away.
	since  coins.Height
	script scriptID
	value  coins.Amount
}

func (r heldRow) encode() []byte {
	b := appendHeight([]byte{byte(r.place)}, r.since)
	b = binary.BigEndian.AppendUint32(b, uint32(r.script))
	return binary.BigEndian.AppendUint64(b, uint64(r.value))
}

func decodeHeld(value []byte) (heldRow, error) {
	d := decoder{rest: value}
	row := heldRow{place: CoinPlace(d.u8()), since: d.height(), script: scriptID(d.u32()), value: coins.Amount(d.u64())}
	if row.place < Away || row.place > InBlock {
		d.bad = true
	}
	return row, d.end("reserved coin")
}

func encodeToken(t Token) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t)) }

func decodeToken(value []byte) (Token, error) {
	d := decoder{rest: value}
	t := Token(d.u64())
	return t, d.end("token")
}

// keyTokens is of the row that has the last token.
func keyTokens() []byte { return []byte{tableLease} }

func keyLease(t Token) []byte { return keyNumber(tableLease, uint64(t)) }

func keyHeld(t Token, at coins.OutPoint) []byte { return at.AppendWire(keyLease(t)) }

const (
	leaseKeySize = 1 + 8
	heldKeySize  = leaseKeySize + coins.HashSize + 4
)

// leaseChange is what a step does to the reservations in memory: a reservation
// made, renewed or ended, or a coin of one.
type leaseChange struct {
	token Token
	lease *leaseRow
	at    coins.OutPoint
	held  *heldRow
	ended bool
}

// leaseStep is the part of a step that concerns reservations.
type leaseStep struct {
	known   *leases
	changes []leaseChange
	// entered are coins that unconfirmed transactions were seen to make.
	entered []coins.OutPoint
}

func (s *step) lastToken() (Token, error) {
	value, found, err := s.get(keyTokens())
	if err != nil || !found {
		return 0, err
	}
	return decodeToken(value)
}

func (s *step) putLease(row *leaseRow) {
	s.put(keyLease(row.Token), row.encode())
	s.leases.changes = append(s.leases.changes, leaseChange{token: row.Token, lease: row})
}

func (s *step) putHeld(token Token, at coins.OutPoint, row heldRow) {
	s.put(keyHeld(token, at), row.encode())
	s.leases.changes = append(s.leases.changes, leaseChange{token: token, at: at, held: &row})
}

// dropHeld takes a coin out of its reservation, and the reservation with the
// last. One that is not there any more is passed over.
func (s *step) dropHeld(token Token, at coins.OutPoint) error {
	_, found, err := s.get(keyHeld(token, at))
	if err != nil || !found {
		return err
	}
	value, err := s.need(keyLease(token), "reservation")
	if err != nil {
		return err
	}
	row, err := decodeLease(token, value)
	if err != nil {
		return err
	}
	s.del(keyHeld(token, at))
	s.leases.changes = append(s.leases.changes, leaseChange{token: token, at: at, ended: true})
	if row.coins--; row.coins > 0 {
		s.putLease(row)
		return nil
	}
	s.del(keyLease(token))
	s.leases.changes = append(s.leases.changes, leaseChange{token: token, lease: row, ended: true})
	return nil
}

// maxSweep is how many coins of expired reservations one commit releases, or
// a few more.
const maxSweep = 4096

// sweepLeases drops what has expired.
func (s *step) sweepLeases(now time.Time) error {
	swept := 0
	for _, l := range s.leases.known.expired(now) {
		if swept >= maxSweep {
			return nil
		}
		for at := range l.coins {
			if err := s.dropHeld(l.Token, at); err != nil {
				return err
			}
		}
		swept += len(l.coins)
	}
	return nil
}

// followLeases notes for reserved coins what the step did to them.
func (s *step) followLeases(start coins.Height) error {
	if len(s.leases.known.byCoin) == 0 {
		return nil
	}
	tip := s.state.above(start) - 1
	for _, tx := range s.leaving {
		for i := range tx.outs {
			if err := s.placeHeld(tx.outs[i].OutPoint, Unconfirmed, heldRow{place: Away, since: tip}); err != nil {
				return err
			}
		}
	}
	for _, at := range s.leases.entered {
		if err := s.placeHeld(at, Away, heldRow{place: Unconfirmed}); err != nil {
			return err
		}
	}
	for i := range s.moves {
		place := heldRow{place: InBlock}
		gone := s.moves[i].gone
		if gone && s.moves[i].coin.Coinbase { // another of the same id may be there
			_, _, found, err := s.coinAt(s.moves[i].coin.OutPoint, numberOf(coins.MaxHeight, 0))
			if err != nil {
				return err
			}
			gone = !found
		}
		if gone {
			place = heldRow{place: Away, since: tip}
		}
		if err := s.placeHeld(s.moves[i].coin.OutPoint, 0, place); err != nil {
			return err
		}
	}
	return nil
}

// placeHeld notes where a coin is, if it is reserved and was in the place was;
// 0 is any.
func (s *step) placeHeld(at coins.OutPoint, was CoinPlace, now heldRow) error {
	h := s.leases.known.byCoin[at]
	if h == nil {
		return nil
	}
	value, found, err := s.get(keyHeld(h.lease.Token, at))
	if err != nil || !found {
		return err
	}
	row, err := decodeHeld(value)
	if err != nil || row.place == now.place || (was != 0 && row.place != was) {
		return err
	}
	row.place, row.since = now.place, now.since
	s.putHeld(h.lease.Token, at, row)
	return nil
}

// endAway ends the reservations of coins that have been away since a height or
// longer.
func (s *step) endAway(since coins.Height) error {
	for _, h := range s.leases.known.awaySince(since) {
		value, found, err := s.get(keyHeld(h.lease.Token, h.at))
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		row, err := decodeHeld(value)
		if err == nil && row.place == Away && row.since <= since {
			err = s.dropHeld(h.lease.Token, h.at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetLeases ends the reservations of a script's coins, as many as one
// commit takes.
func (s *step) forgetLeases(id scriptID) (more bool, err error) {
	dropped := 0
	for h := range s.leases.known.ofScript(id) {
		if dropped == maxUnwatchEvents {
			return true, nil
		}
		if err := s.dropHeld(h.lease.Token, h.at); err != nil {
			return false, err
		}
		dropped++
	}
	return false, nil
}

// restLease makes a row say that its coin is away since the tip of before a
// reset; one that says so keeps what it says.
func restLease(value []byte, tip coins.Height) ([]byte, error) {
	row, err := decodeHeld(value)
	if err != nil {
		return nil, err
	}
	if row.place != Away {
		row.place, row.since = Away, tip
	}
	return row.encode(), nil
}

// outPointOfKey reads the outpoint that ends a reserved coin's key.
func outPointOfKey(key []byte) (coins.OutPoint, error) {
	if len(key) != heldKeySize {
		return coins.OutPoint{}, fmt.Errorf("reserved coin row %x: %w", key, ErrCorrupt)
	}
	return coins.OutPointFromWire(key[leaseKeySize:]), nil
}
