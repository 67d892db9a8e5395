// Package bench measures Coffer against named peers, in one run and on the same bytes. docs/benchmarks.md says how to
// run each benchmark and what was seen.
//
// Benchmarks that need no node are ordinary Go benchmarks in this folder; end to end measurements against nodes are
// the command in bench/endtoend.
package bench
