// Command coffer follows the chains of Bitcoin, Litecoin and Dogecoin through their full nodes and keeps an index of the
// addresses that it is told to watch. See docs/cli.md for its commands.
//
// Its place in the flow: it is the wiring of everything, and one of three views of engine.Operations. A command asks the
// daemon where one runs on the configured data folder, and otherwise opens the engine itself; which of the two it was
// shows nowhere but in time.
//
// Invariants:
//   - What was asked for goes to standard output, and nothing else: tables for people, with --json one document or a
//     line of JSON per item. Progress, hints and errors go to standard error.
//   - An error is one line that says what to do, but for lists of faults, which have a line each.
//   - Exit codes: see exit.go. Only main exits.
package main
