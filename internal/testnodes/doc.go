// Package testnodes finds, starts and drives real full nodes on regtest for tests, benchmarks and the playground:
// bitcoind (Core 28 or newer, or Knots), litecoind (0.21) and dogecoind (1.14).
//
// Its place: it stands outside the engine and imports nothing of it, so that a test never checks a client with itself.
// scripts/nodes.sh makes the nodes available; Find takes one from COFFER_BITCOIND (and so on), from PATH, or from the
// cache folder which that script fills.
//
// Invariants:
//   - A node listens on 127.0.0.1 only, on ports that were free when it was started.
//   - A node is stopped by its own process id: SIGTERM, a limit, then SIGKILL. On Linux it also dies with its parent.
//   - Every wait polls the node's own state until its context ends; nothing sleeps for a guessed time.
//   - A node offers a user with a password and a cookie file at once, so that clients can be tested with either.
//   - Data goes to a temporary folder that Stop removes, unless Options.DataDir names one.
package testnodes
