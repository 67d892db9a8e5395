// Package api serves [engine.Operations] as JSON over HTTP, and has the client that turns it back into them.
//
// Its place in the flow: the daemon serves it on the unix socket in data_dir; a command that finds the socket answering
// is a client of it, and otherwise opens the engine itself. It holds no rule: every answer is the engine's.
//
// Invariants:
//   - The socket is mode 0600, and a connection whose peer is neither the daemon's own user nor root is refused.
//   - Whoever listens holds the lock file: a socket that a killed daemon left behind is replaced, a live one never.
//   - Errors are RFC 9457 problem documents with a stable code (engine.Code); the client gives errors back that errors.Is
//     knows as the engine's own.
//   - Bodies and pages are bounded; amounts are decimal strings, times RFC 3339 in UTC.
package api
