package bunsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/uptrace/bun"
)

// Options of a database. The zero value is fit for use.
type Options struct {
	// Replays is how often a transaction that conflicts is run again before [DB.Write] gives up; 0 is 10.
	Replays int
	// Connections bounds the pool of a server's connections; 0 is 32. SQLite has one writer and Connections readers.
	Connections int
	// Random gives numbers in [0, 1) for the jitter of pauses; default math/rand/v2. It may be called concurrently.
	Random func() float64
}

// Limits without a setting.
const (
	defaultReplays     = 10
	defaultConnections = 32
	// pauseMin and pauseMax bound the pause before a replay, doubled each time and jittered by half.
	pauseMin = 2 * time.Millisecond
	pauseMax = 250 * time.Millisecond
	// idleTime closes connections that nobody uses; a server's or firewall's own limit comes later.
	idleTime = 5 * time.Minute
)

// DB is an open database. Its methods may be called from several goroutines.
type DB struct {
	engine  engine
	options Options
	writes  *bun.DB
	reads   *bun.DB // the same as writes but for SQLite
}

// Open connects to the database at a URL (sqlite:PATH, postgres://USER:PASSWORD@HOST/NAME, mysql://…) and asks it for
// an answer. Close it. It fails with [ErrURL] or [ErrUnavailable]; no error holds the password.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	if o.Replays == 0 {
		o.Replays = defaultReplays
	}
	if o.Connections == 0 {
		o.Connections = defaultConnections
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	e, source, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	d := &DB{engine: e, options: o}
	writes, reads, err := e.open(source, o.Connections)
	if err != nil {
		return nil, fmt.Errorf("open %s database: %w", e.name(), err)
	}
	for _, pool := range []*sql.DB{writes, reads} {
		if err := pool.PingContext(ctx); err != nil {
			err = fmt.Errorf("open %s database: %w", e.name(), d.explainUnreached(err))
			return nil, errors.Join(err, writes.Close(), reads.Close())
		}
	}
	d.writes = bun.NewDB(writes, e.dialect())
	if d.reads = d.writes; reads != writes {
		d.reads = bun.NewDB(reads, e.dialect())
	}
	return d, nil
}

// Close closes every connection. Transactions that run end with an error.
func (d *DB) Close() error {
	err := d.writes.Close()
	if d.reads != d.writes {
		err = errors.Join(err, d.reads.Close())
	}
	return err
}

// Engine names the kind of database: sqlite, postgres or mysql.
func (d *DB) Engine() string { return d.engine.name() }

// pool limits a server's connections.
func pool(db *sql.DB, most int) *sql.DB {
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	db.SetConnMaxIdleTime(idleTime)
	return db
}
