package bunsql

import "errors"

// ErrConflict is returned when a transaction conflicted with others each time it was run. The database is as before;
// try again later, with fewer writers on the same accounts.
var ErrConflict = errors.New("transaction conflicted with others too often")

// ErrUnknownOutcome is returned when the connection broke while COMMIT was under way: the transaction may have
// happened. Find out by the idempotency key; do not run it again blindly.
var ErrUnknownOutcome = errors.New("connection lost during commit: the outcome is not known")

// ErrURL is returned for a database URL that cannot be used: sqlite:PATH, postgres://… or mysql://… are.
var ErrURL = errors.New("bad database URL")

// ErrUnavailable is returned when the database cannot be reached or does not let us in. Check that it runs, and the
// URL's host, user and password.
var ErrUnavailable = errors.New("database is not available")

// ErrFull is returned when the database's disk is full. Nothing was changed; make room.
var ErrFull = errors.New("database is full")

// ErrReadOnly is returned when the database refuses writes: a replica, a read-only file or file system. Name the
// primary, or mend the permissions.
var ErrReadOnly = errors.New("database is read-only")

// ErrNewer is returned when the database was written by a newer version. Install that version, or restore a backup.
var ErrNewer = errors.New("database is from a newer version")

// ErrOutdated is returned when the database needs migrations. Run coffer migrate up.
var ErrOutdated = errors.New("database needs migrating")

// ErrForeign is returned when the database belongs to another set of coins or networks.
var ErrForeign = errors.New("database belongs to another set-up")

// ErrBusy is returned when another process holds the lock that is needed. Stop it, or wait.
var ErrBusy = errors.New("database is in use by another process")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("database is closed")
