package utxo

import (
	"errors"
	"slices"
)

// scriptSum follows one script through its history.
type scriptSum struct {
	id  scriptID
	sum sumRow
}

// history checks events against balances, and against the coins and
// transactions counted before.
func (c *checker) history() error {
	var at scriptSum
	scripts, events := uint64(0), uint64(0)
	err := c.scan(tableEvent, func(key, value []byte) error {
		e, err := decodeEvent(key, value)
		if err != nil {
			return err
		}
		if e.script != at.id {
			if err := c.balance(at); err != nil {
				return err
			}
			at = scriptSum{id: e.script}
			scripts++
		}
		events += weigh(e.num)
		c.sums.blocks.add(e.num.height(), 0, sumOf(e.kind, e.value))
		c.sums.facts++
		return c.event(&at, e)
	})
	if err := errors.Join(err, c.balance(at)); err != nil {
		return err
	}
	if events != c.sums.events {
		return c.failf("history and transactions do not count the same events")
	}
	return c.balances(scripts)
}

func (c *checker) event(at *scriptSum, e storedEvent) error {
	if !c.x.state.hasTip || e.num.height() > c.x.state.tip.Height || !c.watches[e.script] {
		return c.failf("event of script %d at height %d is above the tip or of no watched script", e.script, e.num.height())
	}
	if tx, err := c.get(keyTx(e.num)); err != nil || tx == nil {
		return errors.Join(err, c.failf("event of script %d: transaction %d of block %d is missing", e.script, e.num.index(), e.num.height()))
	}
	if e.kind == Funded {
		at.sum.confirmed, at.sum.coins, at.sum.received = at.sum.confirmed.Add(e.value), at.sum.coins+1, at.sum.received+1
		return nil
	}
	at.sum.confirmed, at.sum.coins = at.sum.confirmed.Sub(e.value), at.sum.coins-1
	value, err := c.get(keyEvent(e.script, e.coin.num, Funded, e.coin.vout))
	if err != nil {
		return err
	}
	coin, err := c.get(keyCoin(e.coin.num, e.coin.vout))
	if err != nil {
		return err
	}
	funded, err := decodeUnspent(value)
	if err != nil || funded.value != e.value || e.coin.num > e.num || coin != nil {
		return errors.Join(err, c.failf("script %d spends output %d of transaction %d in block %d, which is unspent, other or not there",
			e.script, e.coin.vout, e.coin.num.index(), e.coin.num.height()))
	}
	return nil
}

// balance compares a script's history with its balance row.
func (c *checker) balance(at scriptSum) error {
	if at.id == 0 {
		return nil
	}
	value, err := c.get(keyScript(tableBalance, at.id))
	if err != nil {
		return err
	}
	if row, err := decodeSum(value); err != nil || row != at.sum {
		return errors.Join(err, c.failf("script %d has balance %v, its history makes %v", at.id, row, at.sum))
	}
	c.sums.sum.confirmed = c.sums.sum.confirmed.Plus(at.sum.confirmed)
	c.sums.sum.coins += at.sum.coins
	c.sums.sum.received += at.sum.received
	return nil
}

// balances checks that there are no others, and what they sum to.
func (c *checker) balances(scripts uint64) error {
	count := uint64(0)
	err := c.scan(tableBalance, func([]byte, []byte) error {
		count++
		return nil
	})
	if count != scripts || c.sums.sum != c.x.state.sum {
		return errors.Join(err, c.failf("%d balances of %d scripts with %v together, the state says %v", count, scripts, c.sums.sum, c.x.state.sum))
	}
	return err
}

// undo checks that the history by block and that by script say the same.
func (c *checker) undo() error {
	s := c.x.newStep()
	s.base = c.r
	count := uint64(0)
	err := c.scan(tableUndo, func(key, _ []byte) error {
		height := heightOfKey(key)
		if height > c.x.state.tip.Height {
			return c.failf("undo of height %d, above the tip", height)
		}
		facts, err := s.facts(height)
		if err != nil {
			return err
		}
		if !slices.IsSortedFunc(facts, compareFacts) {
			return c.failf("undo of height %d is out of order", height)
		}
		for _, f := range facts {
			count++
			value, err := c.get(keyEvent(f.script, numberOf(height, f.tx), f.kind, f.n))
			if err != nil {
				return err
			}
			if string(value) != string(eventRow{f.coin, f.value, f.flags}.encode(f.kind)) {
				return c.failf("undo of height %d and history of script %d differ", height, f.script)
			}
		}
		return nil
	})
	if count != c.sums.facts {
		return errors.Join(err, c.failf("undo has %d facts, history %d", count, c.sums.facts))
	}
	return err
}

func (c *checker) log() error {
	floor, err := readFloor(c.r)
	if err != nil {
		return err
	}
	next := floor.row
	c.sums.pruned = map[JobID]uint64{}
	err = c.scan(tableLog, func(key, value []byte) error {
		r, err := decodeRecord(value)
		if err != nil {
			return err
		}
		first := Seq(numberOfKey(key))
		if first != next || first == 0 {
			return c.failf("change %d follows change %d", first, next-1)
		}
		next = first + Seq(r.size())
		if first == floor.row && (floor.from < first || floor.from > first && (r.kind != recordJob || floor.from >= next)) {
			return c.failf("the log begins with change %d, its first row holds %d to %d", floor.from, first, next-1)
		}
		if r.kind != recordJob {
			return nil
		}
		c.sums.pruned[r.job] = uint64(max(floor.from, first) - first)
		job, err := readJob(c.r, r.job)
		if err != nil || job.State != JobDone || job.kept != r.count {
			return errors.Join(err, c.failf("change %d stands for job %d, which is not done or kept another number", first, r.job))
		}
		return nil
	})
	if next != c.x.state.lastSeq+1 {
		return errors.Join(err, c.failf("the log ends before change %d, the state says %d", next, c.x.state.lastSeq))
	}
	return err
}

// jobs checks their records, and that what they keep is numbered without gaps.
func (c *checker) jobs() error {
	return c.scan(tableJob, func(_, value []byte) error {
		j, err := decodeJob(value)
		if err != nil {
			return err
		}
		if j.ID == 0 || j.ID > c.x.state.lastJob || j.Next < j.From {
			return c.failf("job %d of %d is at height %d, from %d", j.ID, c.x.state.lastJob, j.Next, j.From)
		}
		kept := c.prunedOf(j)
		err = c.r.Scan(keyNumber(tableFound, uint64(j.ID)), nil, false, func(key, value []byte) error {
			row, err := decodeFound(value)
			if err != nil || heightOfKey(key) >= j.Next {
				return err
			}
			if row.first != kept {
				return c.failf("job %d counts %d changes before height %d, there are %d", j.ID, row.first, heightOfKey(key), kept)
			}
			kept += uint64(len(row.changes))
			return nil
		})
		if err == nil && kept != j.kept {
			return c.failf("job %d keeps %d changes, its record says %d", j.ID, kept, j.kept)
		}
		return err
	})
}

// prunedOf is how many of a job's changes the log no longer keeps.
func (c *checker) prunedOf(j *jobRow) uint64 {
	if j.State != JobDone {
		return 0
	}
	if pruned, told := c.sums.pruned[j.ID]; told {
		return pruned
	}
	return j.kept
}

// cursors reads every cursor, and holds those of this index to the log's end.
func (c *checker) cursors() error {
	return c.scan(tableCursor, func(key, value []byte) error {
		if len(key) == 1 {
			_, err := decodeFloor(value)
			return err
		}
		cursor, err := decodeCursor(key, value)
		if err == nil && cursor.Index == c.x.self.id && (cursor.Seq > c.x.state.lastSeq || cursor.Seq < c.x.slowest) {
			return c.failf("cursor %s stands at %d, the slowest is %d and the last change %d", cursor.Name, cursor.Seq, c.x.slowest, c.x.state.lastSeq)
		}
		return err
	})
}

// mempool compares the stored unconfirmed transactions with those in memory.
func (c *checker) mempool() error {
	stored := 0
	err := c.scan(tablePool, func(key, _ []byte) error {
		stored++
		if len(key) != 33 {
			return c.failf("row %x", key)
		}
		if tx := c.x.pool.txs[[32]byte(key[1:])]; tx == nil || !tx.stored {
			return c.failf("transaction %x is stored and not known", key[1:])
		}
		return nil
	})
	for _, tx := range c.x.pool.txs {
		if tx.stored {
			stored--
		} else if tx.touches() && tx.raw != nil {
			return c.failf("transaction %s touches a watched script and is not stored", tx.id)
		}
	}
	if stored != 0 {
		return errors.Join(err, c.failf("%d transactions more are stored than known", stored))
	}
	return err
}

// tables finds rows that are of no table.
func (c *checker) tables() error {
	for first := range 256 {
		known := slices.Contains([]byte{tableBalance, tableCursor, tableBlockSum, tableUndo, tableEvent, tableHeader, tableIdentity, tableJob, tableLog, tableLease,
			tablePool, tableFound, tableMark, tableState, tableTxID, tableUnspent, tableWatch, tableTx,
			tableSource, tableOrigin, tableOwed}, byte(first))
		if known {
			continue
		}
		err := c.r.Scan([]byte{byte(first)}, nil, false, func(key, _ []byte) error {
			return errors.Join(c.failf("row %x is of no table", key), ErrStop)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
