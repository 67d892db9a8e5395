// Package scanner follows a chain: it takes headers and blocks from a [Source],
// verifies them, and hands them in order to a [Sink].
package scanner
