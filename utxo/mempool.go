package utxo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// Mempool applies what changed among unconfirmed transactions: first what is
// gone, then what came. Only what touches watched scripts is stored and logged.
// A transaction that does not parse is passed over and reported with the
// others' work done.
func (x *Index) Mempool(ctx context.Context, change coins.MempoolChange) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.flush(ctx); err != nil {
		return err
	}
	gone := x.poolGone(change)
	if err := x.poolLeave(ctx, gone); err != nil {
		return fmt.Errorf("mempool: %w", err)
	}
	var bad error
	for rest := change.Added; len(rest) > 0; {
		n, size := 0, 0
		for ; n < len(rest) && n < maxPoolStep && size < maxPoolStepBytes; n++ {
			size += len(rest[n].Raw)
		}
		err := x.poolEnter(ctx, rest[:n])
		rest = rest[n:]
		if err != nil && !errors.Is(err, coins.ErrMalformed) && !errors.Is(err, coins.ErrTruncated) && !errors.Is(err, coins.ErrTrailing) {
			return fmt.Errorf("mempool: %w", err)
		}
		bad = errors.Join(bad, err)
	}
	x.tryMatchDerived(ctx)
	return bad
}

// maxPoolStep is how many transactions one commit of the mempool takes, and
// maxPoolStepBytes of how many bytes.
const (
	maxPoolStep      = 4096
	maxPoolStepBytes = 4 << 20
)

// poolGone returns the known transactions that a change takes away.
func (x *Index) poolGone(change coins.MempoolChange) (gone []*poolTx) {
	if change.Complete {
		there := make(map[coins.TxID]struct{}, len(change.Added))
		for i := range change.Added {
			there[change.Added[i].ID] = struct{}{}
		}
		for id, tx := range x.pool.txs {
			if _, stays := there[id]; !stays {
				gone = append(gone, tx)
			}
		}
		slices.SortFunc(gone, func(a, b *poolTx) int { return slices.Compare(a.id[:], b.id[:]) })
	}
	for _, id := range change.Gone {
		if tx := x.pool.txs[id]; tx != nil && !slices.Contains(gone, tx) {
			gone = append(gone, tx)
		}
	}
	return gone
}

func (x *Index) poolLeave(ctx context.Context, gone []*poolTx) error {
	for part := range slices.Chunk(gone, maxPoolStep) {
		err := x.write(ctx, false, func(s *step) error {
			return x.leave(s, part, TxGone)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// leave takes transactions out of the mempool view. Those that touch watched
// scripts are logged as kind, where it is not 0, as far as the log knows of the
// coins that they spend.
func (x *Index) leave(s *step, gone []*poolTx, kind ChangeKind) error {
	r := &record{kind: recordMempool}
	for _, tx := range gone {
		if tx.stored {
			s.del(keyPool(tx.id))
		}
		if kind != 0 {
			changes, err := x.told(s, tx.changes(kind))
			if err != nil {
				return err
			}
			r.changes = append(r.changes, changes...)
		}
	}
	s.leaving = append(s.leaving, gone...)
	s.log(r)
	return nil
}

// changes reports each watched coin that the transaction makes or spends: it
// makes those of which the outpoint has its own id.
func (tx *poolTx) changes(kind ChangeKind) (list []Change) {
	for i := range tx.outs {
		list = append(list, Change{Kind: kind, TxID: tx.id, Coin: tx.outs[i].Coin})
	}
	for in := range tx.ins {
		if c, found := tx.spends[in]; found {
			list = append(list, Change{Kind: kind, TxID: tx.id, Coin: c.Coin})
		}
	}
	return list
}

// poolEnter makes transactions known, in one commit.
func (x *Index) poolEnter(ctx context.Context, added []coins.MempoolTx) error {
	var bad error
	var txs []*poolTx
	fresh := map[coins.TxID]*poolTx{}
	for i := range added {
		if x.pool.txs[added[i].ID] != nil || fresh[added[i].ID] != nil {
			continue
		}
		tx, err := x.readPoolTx(&added[i])
		if err != nil {
			bad = errors.Join(bad, err)
		} else if tx != nil {
			txs, fresh[tx.id] = append(txs, tx), tx
		}
	}
	if len(txs) == 0 {
		return bad
	}
	var seen []sighting
	err := x.write(ctx, false, func(s *step) (err error) {
		if txs, err = s.outsideBlocks(txs); err != nil {
			return err
		}
		if seen, err = x.touchDeriving(s, txs, nil); err != nil {
			return err
		}
		return x.storePool(s, seen)
	})
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, tx := range txs {
		x.pool.add(tx)
	}
	x.pool.noteStored(txs, seen)
	return bad
}

// outsideBlocks leaves out transactions that the index has in a block: a feed
// that lags behind tells of them, and they must not count twice.
func (s *step) outsideBlocks(txs []*poolTx) (list []*poolTx, err error) {
	for _, tx := range txs {
		mined, err := s.inBlock(tx.id)
		if err != nil {
			return nil, err
		}
		if !mined {
			list = append(list, tx)
		}
	}
	return list, nil
}

// noteStored tells the spenders of the transactions' outputs what they spend,
// and marks what got a row.
func (p *pool) noteStored(txs []*poolTx, seen []sighting) {
	for _, tx := range txs {
		for i := range tx.outs {
			p.spend(tx.outs[i].Coin, tx.outs[i].id)
		}
	}
	for _, it := range seen {
		it.tx.stored = it.tx.stored || it.tx.raw != nil
	}
}

// rematched are known transactions that were read again, with what was seen of
// them for the first time.
type rematched struct {
	txs    []*poolTx
	before map[coins.TxID]*poolTx
	seen   []sighting
}

// reenter reads known transactions again, for scripts that the step makes
// watched. The pool is told by enter, once the step is stored.
func (x *Index) reenter(s *step, known []*poolTx) (r rematched, err error) {
	r.before = map[coins.TxID]*poolTx{}
	for _, old := range known {
		tx, err := x.readPoolTx(&coins.MempoolTx{ID: old.id, Raw: old.raw, Seen: old.seen})
		if err != nil {
			return r, err
		}
		tx.stored = old.stored
		r.txs, r.before[old.id] = append(r.txs, tx), old
	}
	if len(r.txs) == 0 {
		return r, nil
	}
	if r.seen, err = x.touchDeriving(s, r.txs, r.before); err != nil {
		return r, err
	}
	return r, x.storePool(s, r.seen)
}

// enter puts what was read again into the pool.
func (r rematched) enter(p *pool) {
	for _, tx := range r.txs {
		p.replace(r.before[tx.id], tx)
	}
	p.noteStored(r.txs, r.seen)
}

// forgetInPool takes a script out of the unconfirmed transactions. A row of
// one that touches nothing else goes with it.
func (x *Index) forgetInPool(ctx context.Context, id scriptID) error {
	var touching, idle []*poolTx
	for tx := range x.pool.byScript[id] {
		touching = append(touching, tx)
		if tx.stored && !tx.touchesBut(id) {
			idle = append(idle, tx)
		}
	}
	err := x.commit(ctx, false, func(s *step) error {
		for _, tx := range idle {
			s.del(keyPool(tx.id))
		}
		return nil
	})
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, tx := range touching {
		x.pool.forget(tx, id)
	}
	for _, tx := range idle {
		tx.stored = false
	}
	return nil
}

// touchesBut reports whether a transaction touches another script than one.
func (tx *poolTx) touchesBut(id scriptID) bool {
	for _, c := range tx.spends {
		if c.id != id {
			return true
		}
	}
	return slices.ContainsFunc(tx.outs, func(c poolCoin) bool { return c.id != id })
}

// forget takes a script out of a transaction.
func (p *pool) forget(tx *poolTx, id scriptID) {
	tx.outs = slices.DeleteFunc(tx.outs, func(c poolCoin) bool { return c.id == id })
	for in, c := range tx.spends {
		if c.id == id {
			delete(tx.spends, in)
		}
	}
	p.unlist(tx, id)
	p.list(tx)
}

// sighting is a watched coin that an unconfirmed transaction was seen to make
// or spend.
type sighting struct {
	tx   *poolTx
	coin Coin
}

// storePool stores what was seen, and logs it as far as the log knows of the
// coins.
func (x *Index) storePool(s *step, seen []sighting) error {
	r := &record{kind: recordMempool}
	for _, it := range seen {
		if it.coin.OutPoint.TxID == it.tx.id {
			s.leases.entered = append(s.leases.entered, it.coin.OutPoint)
		}
		if it.tx.raw != nil {
			s.put(keyPool(it.tx.id), append(binary.BigEndian.AppendUint64(nil, uint64(it.tx.seen.UnixNano())), it.tx.raw...))
		}
		r.changes = append(r.changes, Change{Kind: TxSeen, TxID: it.tx.id, Coin: it.coin})
	}
	changes, err := x.told(s, r.changes)
	r.changes = changes
	s.log(r)
	return err
}

// readPoolTx walks a transaction; nil for one that is MWEB only.
func (x *Index) readPoolTx(m *coins.MempoolTx) (*poolTx, error) {
	var l coins.Layout
	if err := x.coin.Params().Format.WalkTx(m.Raw, &l); err != nil {
		return nil, fmt.Errorf("unconfirmed transaction %s: %w", m.ID, err)
	}
	if l.MWEBOnly {
		return nil, nil
	}
	if id := l.TxID(m.Raw); id != m.ID {
		return nil, fmt.Errorf("unconfirmed transaction %s hashes to %s: %w", m.ID, id, coins.ErrMalformed)
	}
	tx := &poolTx{id: m.ID, seen: m.Seen, raw: m.Raw, outCount: uint32(len(l.Outs)), spends: map[int]poolCoin{}}
	for n := range l.Ins {
		tx.ins = append(tx.ins, l.OutPoint(m.Raw, n))
	}
	return tx, nil
}

// touch finds the watched coins that transactions make and spend, and returns
// what was not seen before: of them, compared with what is known of them, and
// of the known ones that spend what they make. The pool stays as it is.
func (x *Index) touch(s *step, txs []*poolTx, before map[coins.TxID]*poolTx) (seen []sighting, err error) {
	made := map[coins.OutPoint]poolCoin{}
	for _, tx := range txs {
		if err := x.poolOuts(s, tx); err != nil {
			return nil, err
		}
		for _, c := range tx.outs {
			made[c.OutPoint] = c
			if before[tx.id].makes(c.OutPoint) {
				continue
			}
			seen = append(seen, sighting{tx, c.Coin})
			for _, spender := range x.pool.spenders[c.OutPoint] {
				if before[spender.id] == nil {
					seen = append(seen, sighting{spender, c.Coin})
				}
			}
		}
	}
	for _, tx := range txs {
		if err := x.poolSpends(s, tx, made); err != nil {
			return nil, err
		}
		for in := range tx.ins {
			c, spends := tx.spends[in]
			if old := before[tx.id]; spends && (old == nil || old.spends[in].id == 0) {
				seen = append(seen, sighting{tx, c.Coin})
			}
		}
	}
	return seen, nil
}

// makes reports whether a transaction is known to make a watched coin.
func (tx *poolTx) makes(at coins.OutPoint) bool {
	return tx != nil && slices.ContainsFunc(tx.outs, func(c poolCoin) bool { return c.OutPoint == at })
}

// poolOuts finds the outputs that pay watched scripts.
func (x *Index) poolOuts(s *step, tx *poolTx) error {
	var l coins.Layout
	if err := x.coin.Params().Format.WalkTx(tx.raw, &l); err != nil {
		return fmt.Errorf("unconfirmed transaction %s: %w", tx.id, err)
	}
	tx.outs = nil
	for n := range l.Outs {
		script := l.Script(tx.raw, n)
		id, w, err := x.scriptIDIn(s, script)
		if errors.Is(err, ErrNotWatched) {
			continue
		}
		if err != nil {
			return err
		}
		value := l.Value(tx.raw, n)
		if value < 0 {
			return fmt.Errorf("unconfirmed transaction %s: value %d: %w", tx.id, value, coins.ErrMalformed)
		}
		c := Coin{OutPoint: coins.OutPoint{TxID: tx.id, Vout: uint32(n)}, Value: value, Script: w.script}
		tx.outs = append(tx.outs, poolCoin{c, id})
	}
	return nil
}

// poolSpends finds the inputs that spend coins in blocks, in the pool or made
// by the transactions at hand.
func (x *Index) poolSpends(s *step, tx *poolTx, made map[coins.OutPoint]poolCoin) error {
	for in, at := range tx.ins {
		if c, found := made[at]; found {
			tx.spends[in] = c
			continue
		}
		if parent := x.pool.txs[at.TxID]; parent != nil {
			for i := range parent.outs {
				if parent.outs[i].OutPoint == at {
					tx.spends[in] = parent.outs[i]
				}
			}
			continue
		}
		if !x.w.outpoints.holds(x.outPointMark(at)) {
			continue
		}
		ref, row, found, err := s.coinAt(at, numberOf(coins.MaxHeight, 0))
		if err != nil {
			return err
		}
		if found {
			c, err := s.coin(ref, row, at.TxID)
			if err != nil {
				return err
			}
			tx.spends[in] = poolCoin{c, row.script}
		}
	}
	return nil
}

// leavePool finds the unconfirmed transactions that the block confirms, or
// that it makes impossible because it spends their inputs otherwise.
func (x *Index) leavePool(s *step, b *coins.Block) error {
	if x.pool.empty() {
		return nil
	}
	confirmed, lost := map[*poolTx]bool{}, map[*poolTx]bool{}
	var in, out []*poolTx
	for i := range b.Layout.TxCount() {
		if tx := x.pool.txs[b.TxID(i)]; tx != nil && !confirmed[tx] {
			confirmed[tx] = true
			in = append(in, tx)
		}
	}
	for n := range b.Layout.Ins {
		for _, tx := range x.pool.spenders[b.Layout.OutPoint(b.Raw, n)] {
			if !confirmed[tx] && !lost[tx] {
				lost[tx] = true
				out = append(out, tx)
			}
		}
	}
	for i := 0; i < len(out); i++ { // and what spends their outputs
		for _, tx := range x.pool.children(out[i]) {
			if !confirmed[tx] && !lost[tx] {
				lost[tx] = true
				out = append(out, tx)
			}
		}
	}
	if err := x.leave(s, in, 0); err != nil {
		return err
	}
	if err := x.leave(s, out, TxConflicted); err != nil {
		return err
	}
	return x.seeSpenders(s)
}

// seeSpenders finds unconfirmed transactions that spend coins which this step
// made known.
func (x *Index) seeSpenders(s *step) error {
	var seen []sighting
	for i := range s.moves {
		m := &s.moves[i]
		if m.gone {
			continue
		}
		spenders := x.pool.spenders[m.coin.OutPoint]
		if len(spenders) == 0 {
			continue
		}
		_, there, err := s.get(keyCoin(numberOf(m.coin.Block.Height, m.coin.Index), m.coin.OutPoint.Vout))
		if err != nil {
			return err
		}
		if !there {
			continue // it has gone again
		}
		for _, tx := range spenders {
			in := slices.Index(tx.ins, m.coin.OutPoint)
			old, known := tx.spends[in]
			earlier := known && old.Confirmed && old.Block.Height < m.coin.Block.Height // a coinbase of the same id
			if (!known || earlier) && !slices.Contains(s.leaving, tx) {
				seen = append(seen, sighting{tx, m.coin})
			}
		}
	}
	s.seen = append(s.seen, seen...)
	return x.storePool(s, seen)
}

// children returns the transactions that spend outputs of tx.
func (p *pool) children(tx *poolTx) (list []*poolTx) {
	for vout := range tx.outCount {
		list = append(list, p.spenders[coins.OutPoint{TxID: tx.id, Vout: vout}]...)
	}
	return list
}

// loadPool reads the unconfirmed transactions that were known before.
func (x *Index) loadPool(r Reader) error {
	var known []coins.MempoolTx
	err := r.Scan([]byte{tablePool}, nil, false, func(key, value []byte) error {
		if len(key) != 1+coins.HashSize || len(value) < 8 {
			return fmt.Errorf("mempool row %x: %w", key, ErrCorrupt)
		}
		seen := time.Unix(0, int64(binary.BigEndian.Uint64(value)))
		known = append(known, coins.MempoolTx{ID: coins.TxID(key[1:]), Raw: slices.Clone(value[8:]), Seen: seen})
		return nil
	})
	if err != nil {
		return err
	}
	// The order of coming says which of two that exclude each other is valid.
	slices.SortStableFunc(known, func(a, b coins.MempoolTx) int { return a.Seen.Compare(b.Seen) })
	s := x.newStep()
	s.base = r
	var txs []*poolTx
	for i := range known {
		tx, err := x.readPoolTx(&known[i])
		if err != nil {
			return errors.Join(err, ErrCorrupt)
		}
		txs = append(txs, tx)
	}
	if _, err := x.touch(s, txs, nil); err != nil {
		return err
	}
	for _, tx := range txs {
		tx.stored = true
		x.pool.add(tx)
	}
	return nil
}
