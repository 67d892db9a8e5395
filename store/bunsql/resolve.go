package bunsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// Write runs do in a SERIALIZABLE transaction and commits it when do returns nil; else it is rolled back and do's error
// returned. Where the database says that the transaction conflicts with another, do is run again from the start, so it
// must keep nothing from one run to the next. It fails with [ErrConflict] when that has happened too often, with
// [ErrUnknownOutcome], or with what names the database's own trouble.
func (d *DB) Write(ctx context.Context, do func(context.Context, bun.Tx) error) error {
	return d.resolve(ctx, d.options.Replays, do)
}

// WritePatiently is Write that never gives up over conflicts while ctx lasts: for the one consumer of the chain, which
// has nobody to hand the trouble to.
func (d *DB) WritePatiently(ctx context.Context, do func(context.Context, bun.Tx) error) error {
	return d.resolve(ctx, -1, do)
}

// resolve is the conflict resolver: a negative number of replays has no end.
func (d *DB) resolve(ctx context.Context, replays int, do func(context.Context, bun.Tx) error) error {
	pause := pauseMin
	for run := 0; ; run++ {
		err := d.once(ctx, d.writes, d.engine.write(), do)
		if err == nil || d.engine.class(err) != conflict {
			return d.explain(err)
		}
		if run == replays {
			return fmt.Errorf("%w, %d times: %w", ErrConflict, run+1, err)
		}
		if err := d.wait(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, pauseMax)
	}
}

// Read runs do over one snapshot of the database. It is replayed like Write where the engine asks for that.
func (d *DB) Read(ctx context.Context, do func(context.Context, bun.Tx) error) error {
	for run := 0; ; run++ {
		err := d.once(ctx, d.reads, d.engine.read(), do)
		if err == nil || run == d.options.Replays || d.engine.class(err) != conflict {
			return d.explain(err)
		}
		if err := d.wait(ctx, pauseMin); err != nil {
			return err
		}
	}
}

// once runs one transaction.
func (d *DB) once(ctx context.Context, pool *bun.DB, options *sql.TxOptions, do func(context.Context, bun.Tx) error) (err error) {
	tx, err := pool.BeginTx(ctx, options)
	if err != nil {
		if errors.Is(err, sql.ErrConnDone) {
			return ErrClosed
		}
		return err
	}
	committing := false
	defer func() {
		if !committing {
			// The server undoes what a broken connection leaves; the error that led here says more.
			_ = tx.Rollback()
		}
	}()
	if err := do(ctx, tx); err != nil {
		return err
	}
	committing = true
	if err := tx.Commit(); err != nil {
		if d.engine.class(err) == unreachable {
			return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		}
		return err
	}
	return nil
}

// wait pauses for between half of a time and all of it.
func (d *DB) wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause/2 + time.Duration(d.options.Random()*float64(pause/2)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
