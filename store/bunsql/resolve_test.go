package bunsql_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"
	"go.uber.org/goleak"

	"coffer.example/coffer/internal/testdb"
	"coffer.example/coffer/store/bunsql"
)

// servers are shared by the tests of this package.
var servers = testdb.New(testdb.Options{})

func TestMain(m *testing.M) {
	code := m.Run()
	if err := servers.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// each runs a test on every engine, on an empty database of its own.
func each(t *testing.T, test func(t *testing.T, url string)) {
	for _, engine := range testdb.All() {
		t.Run(string(engine), func(t *testing.T) { test(t, servers.Database(t, engine)) })
	}
}

func open(t *testing.T, url string) *bunsql.DB {
	t.Helper()
	d, err := bunsql.Open(t.Context(), url, bunsql.Options{Replays: 1000})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exec(ctx context.Context, d *bunsql.DB, statement string, args ...any) error {
	return d.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, statement, args...)
		return err
	})
}

// Two accounts may be overdrawn one by one but not together: the anomaly that anything below SERIALIZABLE lets
// through. Many writers add up to what one after the other would make.
func TestSerializable(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		d := open(t, url)
		must(t, exec(t.Context(), d, "CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)"))
		must(t, exec(t.Context(), d, "INSERT INTO account VALUES (1, 50), (2, 50), (3, 0)"))
		var writers sync.WaitGroup
		for i := range 16 {
			writers.Go(func() {
				for range 5 {
					if err := d.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error { return withdraw(ctx, tx, i%2+1) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		var sum, steps int64
		must(t, d.Read(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			if err := tx.QueryRowContext(ctx, "SELECT SUM(balance) FROM account WHERE id < 3").Scan(&sum); err != nil {
				return err
			}
			return tx.QueryRowContext(ctx, "SELECT balance FROM account WHERE id = 3").Scan(&steps)
		}))
		if sum != 0 || steps != 80 {
			t.Errorf("the two accounts hold %d together, want 0; %d steps, want 80", sum, steps)
		}
	})
}

// withdraw takes 10 from one of two accounts while both together have that much, and counts itself.
func withdraw(ctx context.Context, tx bun.Tx, account int) error {
	var sum int64
	if err := tx.QueryRowContext(ctx, "SELECT SUM(balance) FROM account WHERE id < 3").Scan(&sum); err != nil {
		return err
	}
	if sum >= 10 {
		if _, err := tx.ExecContext(ctx, "UPDATE account SET balance = balance - 10 WHERE id = ?", account); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "UPDATE account SET balance = balance + 1 WHERE id = 3")
	return err
}

// What a closure fails with comes back, and nothing of it stays.
func TestWriteRollsBack(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		d := open(t, url)
		must(t, exec(t.Context(), d, "CREATE TABLE note (id BIGINT PRIMARY KEY)"))
		own := errors.New("our own")
		err := d.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.ExecContext(ctx, "INSERT INTO note VALUES (1)"); err != nil {
				return err
			}
			return own
		})
		if !errors.Is(err, own) {
			t.Errorf("%v", err)
		}
		must(t, exec(t.Context(), d, "INSERT INTO note VALUES (1)"))
		if err := exec(t.Context(), d, "INSERT INTO note VALUES (1)"); !d.Duplicate(err) {
			t.Errorf("a second row of the same key: %v", err)
		}
	})
}

// A snapshot does not see what is committed while it is read, and cannot write.
func TestReadIsASnapshot(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		d := open(t, url)
		must(t, exec(t.Context(), d, "CREATE TABLE note (id BIGINT PRIMARY KEY)"))
		count := func(ctx context.Context, tx bun.Tx) (n int) {
			must(t, tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM note").Scan(&n))
			return n
		}
		must(t, d.Read(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			before := count(ctx, tx)
			must(t, exec(ctx, d, "INSERT INTO note VALUES (1)"))
			if after := count(ctx, tx); before != 0 || after != 0 {
				t.Errorf("%d rows, then %d, in one snapshot", before, after)
			}
			return nil
		}))
		err := d.Read(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO note VALUES (2)")
			return err
		})
		if !errors.Is(err, bunsql.ErrReadOnly) {
			t.Errorf("writing while reading: %v", err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		url  string
		want error
	}{
		{"", bunsql.ErrURL},
		{"sqlite:", bunsql.ErrURL},
		{"oracle://x/y", bunsql.ErrURL},
		{"mysql://h:1", bunsql.ErrURL},
		{"postgres://u:sesame@h:x/d", bunsql.ErrURL},
		{"postgres://u:sesame@127.0.0.1:1/d", bunsql.ErrUnavailable},
		{"mysql://u:sesame@127.0.0.1:1/d", bunsql.ErrUnavailable},
		{"sqlite:/proc/nowhere/ledger.db", os.ErrNotExist},
	} {
		d, err := bunsql.Open(t.Context(), c.url, bunsql.Options{})
		if !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.url, err, c.want)
		}
		if err == nil {
			must(t, d.Close())
		} else if strings.Contains(err.Error(), "sesame") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

// A server that dies while a transaction runs makes a clear error, and the same DB works again when it is back.
func TestServerDies(t *testing.T) {
	for _, engine := range []testdb.Engine{testdb.Postgres, testdb.MariaDB} {
		t.Run(string(engine), func(t *testing.T) {
			own := testdb.New(testdb.Options{})
			t.Cleanup(func() { must(t, own.Close()) })
			d := open(t, own.Database(t, engine))
			must(t, exec(t.Context(), d, "CREATE TABLE note (id BIGINT PRIMARY KEY)"))
			server, err := own.Server(t.Context(), engine)
			must(t, err)
			err = d.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				if _, err := tx.ExecContext(ctx, "INSERT INTO note VALUES (1)"); err != nil {
					return err
				}
				return server.Kill()
			})
			if !errors.Is(err, bunsql.ErrUnknownOutcome) {
				t.Errorf("dead at commit: %v", err)
			}
			if err := exec(t.Context(), d, "SELECT 1"); !errors.Is(err, bunsql.ErrUnavailable) {
				t.Errorf("dead: %v", err)
			}
			must(t, server.Start(t.Context()))
			must(t, exec(t.Context(), d, "INSERT INTO note VALUES (1)"))
		})
	}
}
