package utxo

import (
	"bytes"
	"context"
	"fmt"

	"coffer.example/coffer/coins"
)

// resetStep is how many rows one transaction of a reset takes.
const resetStep = 20_000

// Reset drops everything but the watch set and the reservations, under a new
// index id: the next block is the one at the index's start. Reserved coins are
// away until their blocks are read again. Scripts born below the start are
// Scanning again, and a queued job reads their past. It goes on at the next
// Open where the process dies under it. Queries wait for it. It fails with
// [ErrJobBusy] while a job runs. When it fails later, everything else fails with
// [ErrResetting] until Reset is called again, or Open.
func (x *Index) Reset(ctx context.Context) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.closed {
		return ErrClosed
	}
	for id := range x.w.running {
		return fmt.Errorf("reset while job %d runs: %w", id, ErrJobBusy)
	}
	if x.self.resetting { // it failed the last time
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.goOnResetting(ctx)
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	self := x.self
	self.resetting = true
	if err := self.renew(x.opts.Random); err != nil {
		return err
	}
	err := x.store.Update(ctx, func(w Writer) error { return w.Set(keyIdentity(), self.encode()) })
	if err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	x.self = self
	return x.goOnResetting(ctx)
}

// goOnResetting does what a reset that was begun still has to do. It can be
// interrupted anywhere and begun again.
func (x *Index) goOnResetting(ctx context.Context) error {
	for _, table := range []byte{tableUnspent, tableEvent, tableTx, tableTxID, tableBalance, tableBlockSum, tableUndo,
		tableLog, tableFound, tableJob, tablePool, tableHeader, tableOwed} {
		if err := x.dropTable(ctx, table); err != nil {
			return fmt.Errorf("reset table %c: %w", table, err)
		}
	}
	st, err := x.storedState(ctx)
	if err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	if err := x.restLeases(ctx, st.tip.Height); err != nil {
		return fmt.Errorf("reset reservations: %w", err)
	}
	fresh := state{undoFrom: x.self.start, lastScript: st.lastScript, lastJob: st.lastJob + 1}
	job := &jobRow{Job: Job{ID: fresh.lastJob, State: JobQueued, From: x.self.start, To: x.self.start - 1, Created: x.opts.Clock().UTC()}}
	if fresh.watched, err = x.renewWatches(ctx, job); err != nil {
		return fmt.Errorf("reset the watch set: %w", err)
	}
	if err := x.renewSources(ctx, job); err != nil {
		return fmt.Errorf("reset the sources: %w", err)
	}
	self := x.self
	self.resetting = false
	err = x.store.Update(ctx, func(w Writer) error {
		if job.Scripts > 0 {
			job.Next = job.From
			if err := w.Set(keyNumber(tableJob, uint64(job.ID)), job.encode()); err != nil {
				return err
			}
		}
		if err := w.Set(keyState(), fresh.encode()); err != nil {
			return err
		}
		if err := w.Delete(keyFloor()); err != nil {
			return err
		}
		return w.Set(keyIdentity(), self.encode())
	})
	if err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	x.self = self
	if err := x.load(ctx); err != nil {
		x.self.resetting = true // what is in memory is no index
		return err
	}
	return nil
}

func (x *Index) storedState(ctx context.Context) (st state, err error) {
	err = x.store.View(ctx, func(r Reader) error {
		value, found, err := r.Get(keyState(), nil)
		if err == nil && !found {
			err = fmt.Errorf("state row is missing: %w", ErrCorrupt)
		}
		if err == nil {
			st, err = decodeState(value)
		}
		return err
	})
	return st, err
}

// dropTable deletes a table's rows, some at a time.
func (x *Index) dropTable(ctx context.Context, table byte) error {
	for {
		var keys [][]byte
		err := x.store.View(ctx, func(r Reader) error {
			return r.Scan([]byte{table}, nil, false, func(key, _ []byte) error {
				if len(keys) == resetStep {
					return ErrStop
				}
				keys = append(keys, bytes.Clone(key))
				return nil
			})
		})
		if err != nil || len(keys) == 0 {
			return err
		}
		err = x.store.Update(ctx, func(w Writer) error {
			for _, key := range keys {
				if err := w.Delete(key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// restLeases makes the coins of every reservation rest until they come back.
func (x *Index) restLeases(ctx context.Context, tip coins.Height) error {
	from := []byte{tableLease}
	for {
		var keys, values [][]byte
		err := x.store.View(ctx, func(r Reader) error {
			return r.Scan([]byte{tableLease}, from, false, func(key, value []byte) error {
				if len(keys) == resetStep {
					return ErrStop
				}
				from = append(bytes.Clone(key), 0)
				if len(key) != heldKeySize {
					return nil
				}
				rest, err := restLease(value, tip)
				keys, values = append(keys, bytes.Clone(key)), append(values, rest)
				return err
			})
		})
		if err == nil {
			err = x.store.Update(ctx, func(w Writer) error {
				for i, key := range keys {
					if err := w.Set(key, values[i]); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err != nil || len(keys) < resetStep {
			return err
		}
	}
}

// renewWatches makes every script one that was imported before the first
// block, and gives those born below the start to the job.
func (x *Index) renewWatches(ctx context.Context, job *jobRow) (count uint64, err error) {
	from := []byte{tableWatch}
	for {
		rows := map[string][]byte{}
		err := x.store.View(ctx, func(r Reader) error {
			return r.Scan([]byte{tableWatch}, from, false, func(key, value []byte) error {
				if len(rows) == resetStep {
					return ErrStop
				}
				w, err := decodeWatch(value)
				if err != nil {
					return err
				}
				w.since, w.job, w.past, w.others = x.self.start, 0, false, nil
				if w.birth < x.self.start {
					w.job = job.ID
					job.From = min(job.From, w.birth)
					job.Scripts++
				}
				rows[string(key)] = w.encode()
				from = append(bytes.Clone(key), 0)
				return nil
			})
		})
		if err != nil || len(rows) == 0 {
			return count, err
		}
		err = x.store.Update(ctx, func(w Writer) error {
			for key, value := range rows {
				if err := w.Set([]byte(key), value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return count, err
		}
		count += uint64(len(rows))
	}
}
