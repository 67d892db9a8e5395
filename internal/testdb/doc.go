// Package testdb gives tests and benchmarks real databases of every engine the ledger runs on: SQLite in a file,
// PostgreSQL and MariaDB (or MySQL) as temporary servers.
//
// Its place: beside testnodes, outside the ledger; it imports no driver and speaks to a server only through the
// programs that come with it.
//
// Invariants:
//   - A server is started from installed binaries when first needed, once for a test binary, in a temporary folder,
//     on 127.0.0.1 and a port that was free, and is stopped by its own process id.
//   - Every database handed out is new and empty.
//   - As root the servers run as their own users, postgres and mysql, because they refuse to run as root.
//   - A missing server is a skip that says what to install, and with CI=true a failure.
package testdb
