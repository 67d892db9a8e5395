// Package child runs a server program for tests and playgrounds, and ends it by its own process id.
//
// Its place: below testnodes and testdb; it knows nothing of what it runs.
//
// Invariants:
//   - A child is ended by the id of the process that was started: a signal, a limit, then SIGKILL.
//   - On Linux it also dies with its parent, so that a killed test leaves nothing behind.
//   - What it writes to its console is kept in a file, the end of which goes into error messages.
package child
