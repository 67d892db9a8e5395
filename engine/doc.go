// Package engine is what Coffer does, each operation written once: the command line, the HTTP API and the embedding
// facade are three views of it.
//
// Its place in the flow: it reads the configuration, opens per coin an index ([coffer.example/coffer/utxo] on
// [coffer.example/coffer/store/badgerkv]), a node ([coffer.example/coffer/node]) and a scanner
// ([coffer.example/coffer/scanner]), wires them together, runs them ([Engine.Run]) and answers [Operations] about them.
//
// Invariants:
//   - The parts of a coin are opened when something first needs them, and belong to that coin: a node that is down or an
//     index that is broken degrades its coin, is retried with backoff where that can help, and touches no other.
//   - An address is checked, whole list first, before anything is written; a list with one bad address changes nothing.
//   - A coin runs one rescan job at a time, beside the scanner that follows the tip. Jobs are durable rows of the index:
//     whoever runs the engine next goes on with them.
//   - A part that ends for a reason the engine cannot name (a panic) ends the daemon, with [ErrPartDied].
//   - It renders nothing, parses no flags, speaks no HTTP and logs nothing: what happens is told as [Event]s.
//
// Folder of a data_dir:
//
//	coffer.sock          the daemon's unix socket, mode 0600
//	coffer.lock          held by the daemon as long as it runs
//	COIN-NETWORK/index   one coin's index (Badger)
package engine
