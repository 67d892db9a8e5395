package bunsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun/migrate"

	"coffer.example/coffer/coins"
)

// Migration is one step of the schema, as [DB.Migrations] lists it.
type Migration struct {
	Coin    coins.Symbol `json:"coin"`
	Name    string       `json:"name"`
	What    string       `json:"what"`
	Applied time.Time    `json:"applied,omitzero"`
}

// lockWait is how long a migration waits for another process's.
const lockWait = time.Minute

// Migrate brings the tables of coins up to date and returns the steps it took. Another process that migrates is waited
// for. Where a step fails those before it stay, and the next run goes on with it. It fails with [ErrNewer] or [ErrBusy].
func (d *DB) Migrate(ctx context.Context, symbols []coins.Symbol) (done []Migration, err error) {
	unlock, err := d.lockSchema(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	for _, coin := range symbols {
		l, err := d.Ledger(coin)
		if err != nil {
			return done, err
		}
		m := l.migrator()
		if err := m.Init(ctx); err != nil {
			return done, fmt.Errorf("migrate %s: %w", coin, d.explain(err))
		}
		if err := l.refuseNewer(ctx, m); err != nil {
			return done, err
		}
		group, err := m.Migrate(ctx)
		if group != nil {
			for _, step := range group.Migrations {
				if err == nil || step.Name != group.Migrations[len(group.Migrations)-1].Name {
					done = append(done, Migration{Coin: coin, Name: step.Name, What: step.Comment, Applied: time.Now().UTC()})
				}
			}
		}
		if err != nil {
			return done, fmt.Errorf("migrate %s: %w", coin, d.explain(err))
		}
	}
	return done, nil
}

// Migrations lists the steps of coins' schemas, applied and not.
func (d *DB) Migrations(ctx context.Context, symbols []coins.Symbol) (list []Migration, err error) {
	for _, coin := range symbols {
		l, err := d.Ledger(coin)
		if err != nil {
			return nil, err
		}
		m := l.migrator()
		steps := m.MigrationsWithStatus
		if there, err := l.hasTable(ctx, "migration"); err != nil {
			return nil, err
		} else if !there {
			steps = func(context.Context) (migrate.MigrationSlice, error) { return l.migrations().Sorted(), nil }
		} else if err := l.refuseNewer(ctx, m); err != nil {
			return nil, err
		}
		found, err := steps(ctx)
		if err != nil {
			return nil, fmt.Errorf("migrations of %s: %w", coin, d.explain(err))
		}
		for i := range found {
			list = append(list, Migration{Coin: coin, Name: found[i].Name, What: found[i].Comment, Applied: found[i].MigratedAt.UTC()})
		}
	}
	return list, nil
}

// CheckSchema fails with [ErrOutdated] where steps are missing, and with [ErrNewer].
func (d *DB) CheckSchema(ctx context.Context, symbols []coins.Symbol) error {
	list, err := d.Migrations(ctx, symbols)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(list, func(m Migration) bool { return m.Applied.IsZero() }); i >= 0 {
		return fmt.Errorf("%s lacks %s (%s): %w", list[i].Coin, list[i].Name, list[i].What, ErrOutdated)
	}
	return nil
}

func (l *Ledger) migrator() *migrate.Migrator {
	return migrate.NewMigrator(l.db.writes, l.migrations(), migrate.WithTableName(l.prefix+"migration"),
		migrate.WithLocksTableName(l.prefix+"migration_lock"), migrate.WithMarkAppliedOnSuccess(true))
}

// refuseNewer fails where a step was applied that this version does not know.
func (l *Ledger) refuseNewer(ctx context.Context, m *migrate.Migrator) error {
	applied, err := m.AppliedMigrations(ctx)
	if err != nil {
		return fmt.Errorf("read applied migrations: %w", l.db.explain(err))
	}
	for _, a := range applied {
		if !slices.ContainsFunc(l.migrations().Sorted(), func(known migrate.Migration) bool { return known.Name == a.Name }) {
			return fmt.Errorf("step %s of %s is not known here: %w", a.Name, strings.TrimSuffix(l.prefix, "_"), ErrNewer)
		}
	}
	return nil
}

func (l *Ledger) hasTable(ctx context.Context, name string) (bool, error) {
	statement := map[string]string{
		"sqlite":   "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
		"postgres": "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?",
		"mysql":    "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
	}[l.db.Engine()]
	var count int
	if err := l.db.reads.NewRaw(statement, l.prefix+name).Scan(ctx, &count); err != nil {
		return false, l.db.explain(err)
	}
	return count > 0, nil
}

// lockSchema takes the lock that keeps migrations apart. It belongs to a connection and goes with it, so that a killed
// process leaves nothing behind.
func (d *DB) lockSchema(ctx context.Context) (unlock func() error, err error) {
	take, give := map[string]string{
		"postgres": "SELECT pg_advisory_lock(7236129043)",
		"mysql":    fmt.Sprintf("SELECT GET_LOCK(CONCAT(DATABASE(), '.coffer'), %d)", lockWait/time.Second),
	}[d.Engine()], map[string]string{
		"postgres": "SELECT pg_advisory_unlock(7236129043)",
		"mysql":    "SELECT RELEASE_LOCK(CONCAT(DATABASE(), '.coffer'))",
	}[d.Engine()]
	if take == "" { // SQLite's own lock of the file keeps steps apart, and each may run again
		return func() error { return nil }, nil
	}
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	conn, err := d.writes.DB.Conn(wait)
	if err != nil {
		return nil, d.explain(err)
	}
	var got sql.NullString // "", 1 or 0, or null
	if err := conn.QueryRowContext(wait, take).Scan(&got); err != nil || got.String == "0" {
		if wait.Err() != nil || err == nil {
			err = errors.Join(ErrBusy, ctx.Err())
		}
		return nil, errors.Join(d.explain(err), conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), give)
		return errors.Join(d.explain(err), conn.Close())
	}, nil
}

// step is a migration of one statement.
func (l *Ledger) step(name, what, statement string) migrate.Migration {
	return migrate.Migration{Name: name, Comment: what, Up: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
		_, err := m.DB().NewRaw(l.render(statement)).Exec(ctx)
		if err != nil && l.db.engine.class(err) == exists {
			return nil // a run that was cut short made it, and did not come to say so
		}
		return err
	}}
}

// render fills in what differs between engines: {coin}, {id}, {int}, {text}, {bytes}, {end}.
func (l *Ledger) render(statement string) string {
	words := map[string][]string{
		"sqlite":   {"{id}", "INTEGER PRIMARY KEY AUTOINCREMENT", "{text}", "TEXT", "{long}", "TEXT", "{bytes}", "BLOB", "{end}", "STRICT"},
		"postgres": {"{id}", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "{text}", "TEXT", "{long}", "TEXT", "{bytes}", "BYTEA", "{end}", ""},
		"mysql":    {"{id}", "BIGINT AUTO_INCREMENT PRIMARY KEY", "{text}", "VARBINARY(320)", "{long}", "LONGBLOB", "{bytes}", "LONGBLOB", "{end}", "ENGINE=InnoDB"},
	}[l.db.Engine()]
	integer, boolean := "BIGINT", "BOOLEAN"
	if l.db.Engine() == "sqlite" {
		integer, boolean = "INTEGER", "INTEGER"
	}
	return strings.NewReplacer(append(words, "{coin}", l.prefix, "{int}", integer, "{bool}", boolean)...).Replace(statement)
}
