// Package bunsql keeps the ledger in SQL: SQLite, PostgreSQL, MySQL and MariaDB, through bun. It is the only package
// that imports bun or a driver.
//
// Its place: below ledger, whose Store it implements. It holds no rule of accounting: codecs, statements and the
// handling of conflicts only.
//
// # Transactions
//
// [DB.Write] runs a closure in a SERIALIZABLE transaction, and runs it again when the database says that it conflicts
// with another: with jittered pauses, ten times at most unless told otherwise, then it fails with [ErrConflict]. The
// closure must therefore touch nothing outside the database that cannot happen twice. [DB.Read] runs one over a single
// snapshot. What each engine makes of it:
//
//	            Write                                    Read                            replayed on
//	SQLite      one connection, BEGIN IMMEDIATE, WAL,    a connection of its own,        5, 6, 261, 517
//	            synchronous FULL                         query_only, deferred
//	PostgreSQL  SERIALIZABLE                             SERIALIZABLE, READ ONLY         40001, 40P01, also at COMMIT
//	MySQL       SERIALIZABLE                             REPEATABLE READ, READ ONLY      1213, 1205, 1020
//
// A connection that breaks while COMMIT is under way leaves the outcome open: that is [ErrUnknownOutcome], never a
// blind second run. Whoever gave an idempotency key finds out by reading it.
//
// # Columns
//
// Times are 64-bit microseconds since 1970, UTC; amounts 64-bit base units; ids of transactions and blocks 32 bytes.
// Text that is compared (names, addresses, keys) is compared byte for byte: MySQL's columns are VARBINARY, because its
// usual collations take 1Abc and 1aBC for the same.
//
// # Migrations
//
// Numbered, in order, each marked applied after it succeeded; a lock of the database's own (advisory lock, GET_LOCK,
// flock) keeps two processes apart and dies with its holder. MySQL commits DDL by itself, so that every step is one
// statement that may run again. A database of a newer version is refused.
package bunsql
