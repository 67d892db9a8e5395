package testnodes

import (
	"errors"
	"fmt"
)

// ErrNotInstalled is returned by Find and Start when no executable of the coin's node is found.
// Run scripts/nodes.sh, or put the node on PATH.
var ErrNotInstalled = errors.New("node is not installed")

// ErrStopped is returned by calls that need a running node after Stop, Kill, or its own death. Restart it first.
var ErrStopped = errors.New("node is not running")

// ErrUnsupported is returned by a helper that the coin's node cannot serve, for example PegIn without MWEB.
var ErrUnsupported = errors.New("not supported by this node")

// RPCError is the error a node answered to a call.
type RPCError struct {
	Method  string // what was called
	Code    int    // the node's code, for example -32601 for an unknown method
	Message string // the node's words
}

// Error names the method, the node's words and its code.
func (e *RPCError) Error() string {
	return fmt.Sprintf("%s: %s (code %d)", e.Method, e.Message, e.Code)
}
