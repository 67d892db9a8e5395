package bunsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// class is what a driver's error means for us.
type class uint8

const (
	other       class = iota
	conflict          // run it again
	duplicate         // a unique key is there already
	exists            // a table or index is there already
	full              // the disk
	readOnly          // it does not take writes
	unreachable       // the connection is gone or was never there
)

// Codes of SQLite's primary results, in the low byte of an extended one.
const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadOnly = 8
	sqliteFull     = 13
	sqliteCantOpen = 14

	sqliteUnique     = 2067 // SQLITE_CONSTRAINT_UNIQUE
	sqlitePrimaryKey = 1555 // SQLITE_CONSTRAINT_PRIMARYKEY
)

func (sqliteEngine) class(err error) class {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return other
	}
	if e.Code() == sqliteUnique || e.Code() == sqlitePrimaryKey {
		return duplicate
	}
	if strings.Contains(e.Error(), "already exists") {
		return exists
	}
	switch e.Code() & 0xff {
	case sqliteBusy, sqliteLocked:
		return conflict
	case sqliteFull:
		return full
	case sqliteReadOnly:
		return readOnly
	case sqliteCantOpen:
		return unreachable
	}
	return other
}

func (postgresEngine) class(err error) class {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return transport(err)
	}
	switch {
	case e.Code == "40001", e.Code == "40P01":
		return conflict
	case e.Code == "23505":
		return duplicate
	case e.Code == "42P07":
		return exists
	case e.Code == "53100":
		return full
	case e.Code == "25006":
		return readOnly
	// Connection exceptions, too many connections, shutting down, no such user, password or database.
	case strings.HasPrefix(e.Code, "08"), strings.HasPrefix(e.Code, "57P"), strings.HasPrefix(e.Code, "28"),
		e.Code == "53300", e.Code == "3D000":
		return unreachable
	}
	return other
}

func (mysqlEngine) class(err error) class {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return transport(err)
	}
	switch e.Number {
	case 1213, 1205, 1020: // deadlock; lock wait timeout; MariaDB: record has changed since last read
		return conflict
	case 1062, 1586:
		return duplicate
	case 1050, 1061:
		return exists
	case 1021, 1114:
		return full
	case 1290, 1792, 1836:
		return readOnly
	case 1040, 1044, 1045, 1049, 1053, 1129, 1130, 1203, 1927:
		return unreachable
	}
	return other
}

// transport classes the errors that come from the connection rather than from the server.
func transport(err error) class {
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return other
	case errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), brokenPipe(err):
		return unreachable
	}
	return other
}

// brokenPipe knows the ends of a connection for which the drivers have only words.
func brokenPipe(err error) bool {
	text := err.Error()
	return strings.Contains(text, "unexpected EOF") || strings.Contains(text, "conn closed") || strings.Contains(text, "connection refused")
}

// explain gives a driver's error the name it has here.
func (d *DB) explain(err error) error {
	if err == nil || errors.Is(err, ErrUnknownOutcome) {
		return err
	}
	switch d.engine.class(err) {
	case full:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case readOnly:
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case unreachable:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case other, conflict, duplicate, exists:
	}
	return err
}

// explainUnreached is explain for the first contact, which fails for reasons of the set-up.
func (d *DB) explainUnreached(err error) error {
	if explained := d.explain(err); explained != err {
		return explained
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// Duplicate reports whether a statement failed because a row with that key is there already.
func (d *DB) Duplicate(err error) bool { return d.engine.class(err) == duplicate }
