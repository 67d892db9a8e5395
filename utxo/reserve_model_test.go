package utxo_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// modelLease is a reservation as the model has it.
type modelLease struct {
	owner   string
	expires time.Time // zero is never
	coins   map[wire.OutPoint]*modelHeld
}

// modelHeld is a reserved coin: it rests while it is not there.
type modelHeld struct {
	script string
	value  int64
	away   bool
	since  coins.Height
	// may says that it was away for long enough to be given up.
	may bool
}

func (l *modelLease) inForce(now time.Time) bool { return l.expires.IsZero() || now.Before(l.expires) }

// there finds a coin of a watched script, in a block or not.
func (m *model) there(at wire.OutPoint, a *answer) (script string, value int64, found bool) {
	if c, found := a.coins[at]; found {
		return c.script, c.value, true
	}
	for _, tx := range m.pool {
		if tx.TxHash() == at.Hash && int(at.Index) < len(tx.TxOut) {
			o := tx.TxOut[at.Index]
			return string(o.PkScript), o.Value, m.watched[string(o.PkScript)] != nil
		}
	}
	return "", 0, false
}

func (m *model) spentInPool(at wire.OutPoint) bool {
	return slices.ContainsFunc(m.pool, func(tx *wire.MsgTx) bool { return spends(tx, at) })
}

func (m *model) holder(at wire.OutPoint, now time.Time) *modelLease {
	for _, l := range m.leases {
		if l.coins[at] != nil && l.inForce(now) {
			return l
		}
	}
	return nil
}

// followLeases says after each action where reserved coins are.
func (m *model) followLeases(a *answer) {
	for _, l := range m.leases {
		for at, h := range l.coins {
			_, _, there := m.there(at, a)
			if !there && !h.away {
				h.since = m.next() - 1
			}
			h.away = !there
		}
	}
}

// reserve tries to reserve one or two outpoints of any kind.
func (w *world) reserve(t *rapid.T) {
	ctx := context.Background()
	a := w.m.compute()
	spec := utxo.ReserveSpec{Owner: rapid.SampledFrom([]string{"shop", "payer"}).Draw(t, "owner"), Purpose: "test",
		TTL: time.Duration(rapid.IntRange(0, 3).Draw(t, "ttl")) * time.Minute}
	var want []error
	for _, at := range w.drawOutPoints(t, &a) {
		spec.OutPoints = append(spec.OutPoints, coins.OutPoint{TxID: coins.TxID(at.Hash), Vout: at.Index})
		want = append(want, w.refusal(t, at, &a))
	}
	r, err := w.x.Reserve(ctx, spec)
	for _, wanted := range want {
		if wanted != nil {
			gone := wanted == errGone && (errors.Is(err, utxo.ErrNoCoin) || errors.Is(err, utxo.ErrCoinSpent))
			if !gone && !errors.Is(err, wanted) {
				w.tb.Fatalf("reserve %v: %v, want %v", spec.OutPoints, err, wanted)
			}
			return
		}
	}
	w.must(err)
	l := &modelLease{owner: spec.Owner, expires: r.Expires, coins: map[wire.OutPoint]*modelHeld{}}
	if (spec.TTL == 0) != r.Expires.IsZero() || r.Token <= w.token || len(r.Coins) != len(spec.OutPoints) {
		w.tb.Fatalf("reserved %+v for %+v, the last token was %d", r, spec, w.token)
	}
	w.token = r.Token
	for _, c := range r.Coins {
		at := wire.OutPoint{Hash: [32]byte(c.OutPoint.TxID), Index: c.OutPoint.Vout}
		if old := w.m.holder(at, time.Time{}); old != nil {
			w.tb.Fatalf("coin %s has two reservations", at)
		}
		for _, other := range w.m.leases {
			delete(other.coins, at) // expired
		}
		l.coins[at] = &modelHeld{script: string(c.Script), value: int64(c.Value)}
	}
	w.m.leases[r.Token] = l
}

func (w *world) drawOutPoints(t *rapid.T, a *answer) (list []wire.OutPoint) {
	known := w.unspent(true)
	for at := range a.coins {
		if !slices.Contains(known, at) {
			known = append(known, at)
		}
	}
	for _, l := range w.m.leases {
		known = slices.AppendSeq(known, maps.Keys(l.coins))
	}
	slices.SortFunc(known, func(a, b wire.OutPoint) int { return slices.Compare([]byte(a.String()), []byte(b.String())) })
	for range rapid.IntRange(1, 2).Draw(t, "coins") {
		at := wire.OutPoint{Hash: [32]byte{9}, Index: 1}
		if len(known) > 0 && rapid.IntRange(0, 9).Draw(t, "unknown") > 0 {
			at = rapid.SampledFrom(known).Draw(t, "outpoint")
		}
		if !slices.Contains(list, at) {
			list = append(list, at)
		}
	}
	return list
}

// refusal says how the model would refuse to reserve a coin.
func (w *world) refusal(t *rapid.T, at wire.OutPoint, a *answer) error {
	script, _, there := w.m.there(at, a)
	if there && !w.m.watched[script].done {
		discard(t, "of a script that is scanned")
	}
	switch {
	case w.m.holder(at, w.now) != nil:
		return utxo.ErrReserved
	case w.m.spentInPool(at):
		return utxo.ErrCoinSpent
	case w.immature(at, a):
		return utxo.ErrImmature
	case there:
		return nil
	}
	if at.Hash == [32]byte{9} {
		return utxo.ErrNoCoin
	}
	return errGone
}

// errGone stands for spent or unknown: which of both it is depends on what
// else of the transaction is watched.
var errGone = errors.New("gone")

// immature says whether a coin is a coinbase's that cannot be spent yet.
func (w *world) immature(at wire.OutPoint, a *answer) bool {
	const maturity = 100
	c, found := a.coins[at]
	return found && w.m.next() < c.height+maturity &&
		slices.ContainsFunc(w.m.chain, func(b *testBlock) bool { return b.msg.Transactions[0].TxHash() == at.Hash })
}

// release gives a reservation, or one coin of it, back.
func (w *world) release(t *rapid.T) {
	if len(w.m.leases) == 0 {
		discard(t, "nothing is reserved")
	}
	token := rapid.SampledFrom(slices.Sorted(maps.Keys(w.m.leases))).Draw(t, "token")
	l := w.m.leases[token]
	spec := utxo.ReleaseSpec{Owner: l.owner, Token: token}
	if rapid.IntRange(0, 3).Draw(t, "foreign") == 0 {
		spec.Owner = "somebody"
		spec.Force = rapid.Bool().Draw(t, "force")
	}
	_, err := w.x.Release(context.Background(), spec)
	switch {
	case !l.inForce(w.now):
		if !errors.Is(err, utxo.ErrNoReservation) {
			w.tb.Fatalf("released an expired reservation: %v", err)
		}
		return
	case spec.Owner != l.owner && !spec.Force:
		if !errors.Is(err, utxo.ErrToken) {
			w.tb.Fatalf("somebody released: %v", err)
		}
		return
	}
	w.must(err)
	delete(w.m.leases, token)
	if _, err := w.x.Release(context.Background(), spec); !errors.Is(err, utxo.ErrNoReservation) {
		w.tb.Fatalf("released twice: %v", err)
	}
}

// renew reckons a reservation's end anew.
func (w *world) renew(t *rapid.T) {
	if len(w.m.leases) == 0 {
		discard(t, "nothing is reserved")
	}
	token := rapid.SampledFrom(slices.Sorted(maps.Keys(w.m.leases))).Draw(t, "token")
	l := w.m.leases[token]
	spec := utxo.ReserveSpec{Owner: l.owner, Token: token, TTL: 5 * time.Minute}
	for at := range l.coins {
		spec.OutPoints = append(spec.OutPoints, coins.OutPoint{TxID: coins.TxID(at.Hash), Vout: at.Index})
	}
	r, err := w.x.Reserve(context.Background(), spec)
	if !l.inForce(w.now) {
		if !errors.Is(err, utxo.ErrToken) {
			w.tb.Fatalf("renewed an expired reservation: %v", err)
		}
		return
	}
	w.must(err)
	l.expires = r.Expires
}

func (w *world) tick(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 150).Draw(t, "seconds")) * time.Second)
}

// checkLeases compares the reservations with the model's.
func (w *world) checkLeases(want *answer) {
	ctx := context.Background()
	w.m.followLeases(want)
	for _, l := range w.m.leases { // what unwatched scripts had
		maps.DeleteFunc(l.coins, func(_ wire.OutPoint, h *modelHeld) bool { return w.m.watched[h.script] == nil })
	}
	got := map[utxo.Token]utxo.Reservation{}
	q := utxo.ReservationQuery{Page: utxo.Page{Limit: 2}}
	for {
		list, next, err := w.x.Reservations(ctx, q)
		w.must(err)
		for _, r := range list {
			got[r.Token] = r
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	for token, l := range w.m.leases {
		r, found := got[token]
		for _, c := range r.Coins {
			at := wire.OutPoint{Hash: [32]byte(c.OutPoint.TxID), Index: c.OutPoint.Vout}
			if l.coins[at] == nil || l.coins[at].away != (c.Place == utxo.Away) {
				w.tb.Fatalf("token %d holds %s in place %d, want %+v", token, at, c.Place, l.coins[at])
			}
			l.coins[at].may = false
		}
		if maps.DeleteFunc(l.coins, func(_ wire.OutPoint, h *modelHeld) bool { return h.may }); len(l.coins) == 0 {
			delete(w.m.leases, token)
		}
		if l.inForce(w.now) != found && len(l.coins) > 0 || found && (len(r.Coins) != len(l.coins) || r.Owner != l.owner || !r.Expires.Equal(l.expires)) {
			w.tb.Fatalf("token %d: %+v, want %+v", token, r, l)
		}
		delete(got, token)
	}
	if len(got) > 0 {
		w.tb.Fatalf("reservations that nobody made: %+v", got)
	}
	w.must(w.compareReserved(ctx, want))
}

func (w *world) compareReserved(ctx context.Context, want *answer) error {
	total := int64(0)
	for s := range w.m.watched {
		sum := int64(0)
		for _, l := range w.m.leases {
			for at, h := range l.coins {
				if h.script == s && !h.away && l.inForce(w.now) && !w.m.spentInPool(at) {
					sum += h.value
				}
			}
		}
		balance, err := w.x.Balance(ctx, []byte(s))
		if err != nil {
			return err
		}
		if got, _ := balance.Reserved.Amount(); int64(got) != sum {
			return fmt.Errorf("script %x: %s reserved, want %d", s, balance.Reserved, sum)
		}
		total += sum
	}
	balance, err := w.x.TotalBalance(ctx)
	if err != nil {
		return err
	}
	if got, _ := balance.Reserved.Amount(); int64(got) != total {
		return fmt.Errorf("%s reserved, want %d", balance.Reserved, total)
	}
	return nil
}
