package node

import (
	"errors"
	"fmt"
	"strings"
)

// Sentinels of this package. Every failed call wraps one of them (or the
// caller's context error, or coins' decoding errors), so that status pages and
// exit codes need no text matching.
var (
	// ErrOptions says that the options cannot describe a node. Correct them.
	ErrOptions = errors.New("node options are wrong")

	// ErrClosed says that the client was closed. Open another.
	ErrClosed = errors.New("node client is closed")

	// ErrUnreachable says that no connection came about or that it broke.
	ErrUnreachable = errors.New("node is unreachable: check that it runs and that address and port are right")

	// ErrTimeout says that the node accepted a request and did not finish its
	// answer in time.
	ErrTimeout = errors.New("node does not answer in time: look at its load and its log")

	// ErrSecretFile says that the password or cookie file cannot be read, or is
	// no cookie. A node writes its cookie when it starts.
	ErrSecretFile = errors.New("no credentials for the node: start it (it writes its cookie file then), or correct the file's path")

	// ErrUnauthorized says that the node refused the credentials (HTTP 401).
	ErrUnauthorized = errors.New("node refuses the credentials: check user and password, or cookie_file, against its rpcauth setting")

	// ErrForbidden says that the node refused our address (HTTP 403).
	ErrForbidden = errors.New("node refuses this machine's address: add it to the node's rpcallowip setting")

	// ErrWarmingUp says that the node is starting (RPC code −28). Wait.
	ErrWarmingUp = errors.New("node is starting up: wait until it has loaded its chain")

	// ErrBusy says that the node's queue of calls is full (HTTP 503). Try again.
	ErrBusy = errors.New("node is too busy: try again, or raise its rpcworkqueue and rpcthreads settings")

	// ErrWrongChain says that the node's genesis block is another coin's or
	// network's. Point the configuration to the right node.
	ErrWrongChain = errors.New("node is of another coin or network: correct the address, coin or network in the configuration")

	// ErrInitialDownload says that the node still downloads its chain and
	// cannot serve the call (RPC code −10). Wait.
	ErrInitialDownload = errors.New("node is in initial download: wait until it has caught up with its network")

	// ErrPruned says that the node has deleted the block.
	ErrPruned = errors.New("node has pruned this block: use a node with prune=0, or start above its pruned height")

	// ErrMethodMissing says that the node has no such call (RPC code −32601).
	ErrMethodMissing = errors.New("node does not have this call: upgrade it, or build it with what the call needs")

	// ErrUnsupported says that this version of the node does not take the
	// arguments of a call.
	ErrUnsupported = errors.New("node does not support this form of the call: upgrade it")

	// ErrNotFound says that the node does not know the block or transaction.
	ErrNotFound = errors.New("node does not know it")

	// ErrGarbage says that the answer is not what the protocol has: the address
	// is of something else, or something between changes the answers.
	ErrGarbage = errors.New("answer is not a node's: check that address and port are of the node and not of a proxy or another service")

	// ErrTooLarge says that the answer is longer than its limit allows.
	ErrTooLarge = errors.New("answer is longer than allowed: check that the address is the node's")

	// ErrCutShort says that the connection ended in the middle of an answer.
	ErrCutShort = errors.New("answer was cut short: the node stopped, or something between ended the connection")

	// ErrWrongBlock says that the block or header that came is not the one that
	// was asked for.
	ErrWrongBlock = errors.New("node returned another block than the one asked for")

	// ErrRESTOff says that the node does not serve REST.
	ErrRESTOff = errors.New("node does not serve REST: set rest=1 in its configuration, or remove rest: true from ours")

	// ErrNotConfigured says that a transport is not in the configuration.
	ErrNotConfigured = errors.New("not configured")
)

// RPC codes of the reference nodes (bitcoin/src/rpc/protocol.h).
const (
	codeMisc           = -1
	codeType           = -3
	codeNotFound       = -5
	codeOutOfRange     = -8
	codeInitialDown    = -10
	codeWarmingUp      = -28
	codeMethodNotFound = -32601
)

// RPCError is an error that the node itself answered to a call. It unwraps to
// the sentinel that its code stands for, where there is one.
type RPCError struct {
	Method  string
	Code    int
	Message string
}

// Error names the call, the node's words, the code and the remedy.
func (e *RPCError) Error() string {
	text := fmt.Sprintf("%s: %s (code %d)", e.Method, clip(e.Message), e.Code)
	if remedy := e.Unwrap(); remedy != nil {
		text += ": " + remedy.Error()
	}
	return text
}

// Unwrap returns the sentinel of the code, or nil.
func (e *RPCError) Unwrap() error {
	switch e.Code {
	case codeWarmingUp:
		return ErrWarmingUp
	case codeInitialDown:
		return ErrInitialDownload
	case codeMethodNotFound:
		return ErrMethodMissing
	case codeNotFound:
		return ErrNotFound
	case codeMisc:
		if strings.Contains(e.Message, "pruned") {
			return ErrPruned
		}
		return nil
	default:
		return nil
	}
}

// hasCode reports whether err is the node's error with the code.
func hasCode(err error, code int) bool {
	var refused *RPCError
	return errors.As(err, &refused) && refused.Code == code
}

// clip makes foreign text fit an error of one line: control characters become
// spaces, and what is long is cut.
func clip(text string) string {
	const most = 160
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.TrimSpace(text)
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
