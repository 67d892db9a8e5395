package simnode

import (
	"errors"
	"fmt"
)

var (
	// ErrNetwork says that a chain was asked for on another network than
	// regtest. Only regtest's proof of work can be made at once.
	ErrNetwork = errors.New("simulated chains exist on regtest only")

	// ErrGenesis says that no known genesis coinbase hashes to the merkle root
	// in the coin's genesis header: the coin's parameters are wrong, or its
	// genesis has to be given.
	ErrGenesis = errors.New("no known coinbase fits the genesis header")

	// ErrFunds says that the chain's own mature coins do not cover a
	// transaction. Mine more blocks first: see Chain.Fund.
	ErrFunds = errors.New("own mature coins do not cover it")

	// ErrUnknown says that no block or transaction of that id is known.
	ErrUnknown = errors.New("not known to the chain")

	// ErrDepth says that a reorganisation or rewind reaches below the genesis
	// block.
	ErrDepth = errors.New("reaches below the genesis block")

	// ErrNoMWEB says that the coin, or its chain at this height, has no MWEB.
	ErrNoMWEB = errors.New("no MWEB here")

	// ErrOptions says that a server cannot be started as asked.
	ErrOptions = errors.New("bad options")
)

// Reject is why a node refuses a block or transaction: its RPC error code
// (0 where a block was refused, which is not an RPC error) and reason.
type Reject struct {
	Code   int
	Reason string
}

// Error returns the reason as nodes write it.
func (r *Reject) Error() string { return r.Reason }

func rejectTx(code int, format string, args ...any) error {
	return &Reject{Code: code, Reason: fmt.Sprintf(format, args...)}
}

func rejectBlock(reason string) error { return &Reject{Reason: reason} }
