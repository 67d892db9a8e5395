package utxo

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
)

// maxViolations is how many broken invariants Check names.
const maxViolations = 20

// Check proves every invariant of the stored rows and of what is held in
// memory, table by table, and reports progress with the rows read. It returns
// the first violations joined, each wrapping [ErrCorrupt]. Writers wait for it.
func (x *Index) Check(ctx context.Context, progress func(table string, rows int)) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	return x.check(ctx, progress)
}

func (x *Index) check(ctx context.Context, progress func(table string, rows int)) error {
	if err := x.usable(); err != nil {
		return err
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	return x.store.View(ctx, func(r Reader) error {
		c := &checker{x: x, r: r, interrupted: ctx.Err, progress: progress, watches: map[scriptID]bool{}}
		for _, table := range []struct {
			name  string
			check func() error
		}{
			{"headers", c.headers}, {"watch set", c.watchSet}, {"transactions", c.transactions}, {"transaction ids", c.ids},
			{"coins", c.unspent}, {"history", c.history}, {"block sums", c.blockSums}, {"undo", c.undo}, {"change log", c.log}, {"jobs", c.jobs}, {"sources", c.sources}, {"cursors", c.cursors},
			{"mempool", c.mempool}, {"reservations", c.leases}, {"tables", c.tables},
		} {
			c.name, c.rows = table.name, 0
			if err := table.check(); err != nil {
				if !errors.Is(err, ErrCorrupt) {
					return err // the store failed, or the caller gave up
				}
				c.bad = append(c.bad, err)
			}
			progress(c.name, c.rows)
		}
		return errors.Join(c.bad...)
	})
}

// checker is one run of Check.
type checker struct {
	x *Index
	r Reader
	// interrupted says why the caller gave up, or nil.
	interrupted func() error
	progress    func(string, int)
	name        string
	rows        int
	bad         []error
	watches     map[scriptID]bool
	sums        checkSums
}

// checkSums are what tables must agree on.
type checkSums struct {
	// coins counts coin rows; events counts the transactions' events, their
	// numbers weighed so that equal sums mean equal counts of each.
	coins, events, facts uint64
	sum                  sumRow
	// pruned counts the changes of jobs told of in the log that it keeps no more.
	pruned map[JobID]uint64
	// blocks weighs every fact by its block, generated every unspent generated
	// coin by its own: equal sums mean equal sums of each block.
	blocks, generated blockWeight
}

// weigh spreads a transaction's number for sums that are compared.
func weigh(num txNum) uint64 {
	n := uint64(num) * 0x9e3779b97f4a7c15
	return (n ^ n>>29) * 0xbf58476d1ce4e5b9
}

func (c *checker) failf(format string, args ...any) error {
	if len(c.bad) < maxViolations {
		c.bad = append(c.bad, fmt.Errorf("%s: %s: %w", c.name, fmt.Sprintf(format, args...), ErrCorrupt))
	}
	return nil
}

func (c *checker) scan(table byte, each func(key, value []byte) error) error {
	return c.r.Scan([]byte{table}, nil, false, func(key, value []byte) error {
		if c.rows++; c.rows%100_000 == 0 {
			c.progress(c.name, c.rows)
			if err := c.interrupted(); err != nil {
				return err
			}
		}
		err := each(key, value)
		if errors.Is(err, ErrCorrupt) {
			return c.failf("row %x: %v", key, err)
		}
		return err
	})
}

func (c *checker) get(key []byte) ([]byte, error) {
	value, found, err := c.r.Get(key, nil)
	if err == nil && found && value == nil {
		value = []byte{}
	}
	if !found {
		return nil, err
	}
	return value, err
}

func (c *checker) headers() error {
	var below coins.RawHeader
	last := coins.Height(-1)
	err := c.scan(tableHeader, func(key, value []byte) error {
		height := heightOfKey(key)
		header, err := decodeHeader(value)
		if err != nil {
			return err
		}
		if last >= 0 && height == last+1 && header.Prev() != below.Hash() {
			return c.failf("header %d does not connect", height)
		}
		if last >= c.x.self.start && height != last+1 {
			return c.failf("header %d follows header %d", height, last)
		}
		last, below = height, header
		return nil
	})
	if st := &c.x.state; err == nil && st.hasTip && (last != st.tip.Height || below.Hash() != st.tip.Hash) {
		return c.failf("the last header is %d %s, the tip %s", last, below.Hash(), st.tip)
	} else if !st.hasTip && last >= c.x.self.start {
		return c.failf("header %d without a tip", last)
	}
	return err
}

func (c *checker) watchSet() error {
	err := c.scan(tableWatch, func(key, value []byte) error {
		id := scriptOfKey(key)
		w, err := decodeWatch(value)
		if err != nil {
			return err
		}
		c.watches[id] = true
		if id == 0 || id > c.x.state.lastScript {
			return c.failf("script %d is beyond the last, %d", id, c.x.state.lastScript)
		}
		mark, held := c.x.scriptMark(w.script), false
		for at := c.x.scripts.find(mark); at >= 0; at = c.x.scripts.findNext(mark, at) {
			held = held || c.x.scripts.value(at) == uint32(id)
		}
		if !held || !c.x.scripts.mayHold(mark) {
			return c.failf("script %d is not in the set that blocks are matched against", id)
		}
		return c.claims(id, w)
	})
	if n := uint64(len(c.watches)); n != c.x.state.watched || c.x.scripts.used != len(c.watches) {
		return c.failf("%d scripts, the state says %d and the set %d", n, c.x.state.watched, c.x.scripts.used)
	}
	return err
}

// claims checks that the jobs which read a script are there, and that each claim
// begins below those before it.
func (c *checker) claims(id scriptID, w *watchRow) error {
	below := coins.Height(-1)
	for _, claim := range w.claims() {
		if job, err := c.get(keyNumber(tableJob, uint64(claim.job))); err != nil || job == nil {
			return errors.Join(err, c.failf("script %d names job %d, which is not there", id, claim.job))
		}
		if !claim.past && claim.from <= below || len(w.others) > 2*mostClaims {
			return c.failf("script %d is claimed by %v", id, w.claims())
		}
		if !claim.past {
			below = claim.from
		}
	}
	return nil
}

// transactions checks transactions and the coins behind each.
func (c *checker) transactions() error {
	var tx txRow
	num := txNum(0)
	err := c.scan(tableTx, func(key, value []byte) (err error) {
		if len(key) == txKeySize {
			num = numberOfKey(key)
			if tx, err = decodeTx(value); err != nil {
				return err
			}
			c.sums.events += weigh(num) * uint64(tx.events)
			return c.transaction(num, tx)
		}
		if len(key) != coinKeySize || numberOfKey(key) != num {
			return c.failf("coin %x has no transaction before it", key)
		}
		row, err := decodeCoin(value)
		if err != nil {
			return err
		}
		c.sums.coins++
		if row.flags.class() == classGenerated {
			c.sums.generated.add(num.height(), row.flags, sumRow{confirmed: coins.TotalOf(row.value)})
		}
		return c.coin(coinRef{num, uint32(heightOfKey(key))}, row, tx.id)
	})
	if n := c.sums.coins; n != c.x.state.sum.coins || uint64(c.x.w.outpoints.used) != n {
		return errors.Join(err, c.failf("%d coins, the state says %d and the set %d", n, c.x.state.sum.coins, c.x.w.outpoints.used))
	}
	return err
}

func (c *checker) transaction(num txNum, tx txRow) error {
	value, err := c.get(keyTxID(tx.id))
	if err != nil {
		return err
	}
	nums, err := decodeNumbers(value)
	if err != nil {
		return err
	}
	listed := 0
	for i, other := range nums {
		if other == num {
			listed++
		}
		if i > 0 && nums[i-1] >= other {
			return c.failf("transactions with id %x… are out of order", tx.id[:txidPrefix])
		}
	}
	if listed != 1 || tx.events == 0 {
		return c.failf("transaction %s is listed %d times by its id and has %d events", tx.id, listed, tx.events)
	}
	return nil
}

func (c *checker) coin(ref coinRef, row coinRow, txid coins.TxID) error {
	at := coins.OutPoint{TxID: txid, Vout: ref.vout}
	if !c.watches[row.script] {
		return c.failf("coin %s is of script %d, which is not watched", at, row.script)
	}
	if !c.x.w.outpoints.holds(c.x.outPointMark(at)) {
		return c.failf("coin %s is not in the set that blocks are matched against", at)
	}
	unspent, err := c.get(keyUnspent(row.script, ref, row.flags))
	if err != nil {
		return err
	}
	event, err := c.get(keyEvent(row.script, ref.num, Funded, ref.vout))
	if err != nil {
		return err
	}
	if !bytes.Equal(unspent, row.appendUnspent(nil)) || !bytes.Equal(event, row.appendUnspent(nil)) {
		return c.failf("coin %s, its script's row %x and its history row %x differ", at, unspent, event)
	}
	return nil
}

func (c *checker) ids() error {
	return c.scan(tableTxID, func(key, value []byte) error {
		nums, err := decodeNumbers(value)
		if err != nil {
			return err
		}
		for _, num := range nums {
			value, err := c.get(keyTx(num))
			if err != nil {
				return err
			}
			if tx, err := decodeTx(value); err != nil || !bytes.HasPrefix(tx.id[:], key[1:]) {
				return errors.Join(err, c.failf("id %x lists transaction %d of block %d, which has another", key[1:], num.index(), num.height()))
			}
		}
		return nil
	})
}

func (c *checker) unspent() error {
	count := uint64(0)
	err := c.scan(tableUnspent, func(key, value []byte) error {
		count++
		row, err := decodeUnspent(value)
		if err != nil {
			return err
		}
		row.script = scriptOfKey(key)
		ref := coinRef{numberOfKey(key[5:]), uint32(heightOfKey(key))}
		coin, err := c.get(keyCoin(ref.num, ref.vout))
		if err != nil {
			return err
		}
		if !bytes.Equal(coin, row.encode()) || key[5] != row.flags.class() {
			return c.failf("unspent row %x has the coin %x", key, coin)
		}
		return nil
	})
	if count != c.sums.coins {
		return errors.Join(err, c.failf("%d unspent rows for %d coins", count, c.sums.coins))
	}
	return err
}
