package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/descriptor"
	"coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/store/watchlog"
	"coffer.example/coffer/utxo"
)

var (
	// ErrConfig says that the configuration is wrong; the [*ConfigError] around it lists every fault.
	ErrConfig = errors.New("configuration is wrong")

	// ErrNoConfig says that there is no configuration file. Run `coffer init`, or name one with --config.
	ErrNoConfig = errors.New("no such configuration; `coffer init` writes one, --config FILE names another")

	// ErrUnknownCoin says that the configuration has no such coin.
	ErrUnknownCoin = errors.New("the configuration has no such coin")

	// ErrInput says that what the caller gave is wrong; the text around it names what and why. Nothing was changed.
	ErrInput = errors.New("bad input")

	// ErrNotFound says that what was asked for does not exist: an address that is not watched, a job, a block.
	ErrNotFound = errors.New("not found")

	// ErrConflict says that the state of things does not allow the operation now; the text says what does.
	ErrConflict = errors.New("not possible now")

	// ErrUnreachable says that a node gives no answer, or one that cannot be used until its owner acts. Coffer
	// goes on trying; nothing is lost meanwhile.
	ErrUnreachable = errors.New("node cannot be used")

	// ErrLocked says that another process has the index open. Stop it, or use the daemon's socket.
	ErrLocked = errors.New("data folder is in use by another process")

	// ErrIndex says that a coin's index folder cannot be used: it is damaged, of another coin or network, or
	// written by a newer version.
	ErrIndex = errors.New("index cannot be used")

	// ErrDisk says that the disk is full. Nothing was half written: free space, and the coin goes on by itself.
	ErrDisk = errors.New("no space left on the disk of data_dir; free some, nothing was half written")

	// ErrHalted says that a coin has stopped for a reason that time does not heal; the text has the remedy.
	ErrHalted = errors.New("coin is halted")

	// ErrPartDied says that a part of the daemon ended for a reason it cannot name. It is a bug: report it.
	ErrPartDied = errors.New("a part of the daemon died")

	// ErrClosed says that the engine is closed.
	ErrClosed = errors.New("engine is closed")
)

// Code is the stable name of a kind of error: what programs look at, in problem documents and with --json.
type Code string

// The codes.
const (
	CodeFailed      Code = "failed"
	CodeInput       Code = "bad_input"
	CodeConfig      Code = "bad_config"
	CodeUnknownCoin Code = "unknown_coin"
	CodeNotFound    Code = "not_found"
	CodeConflict    Code = "conflict"
	CodeUnreachable Code = "node_unreachable"
	CodeLocked      Code = "locked"
	CodeIndex       Code = "index_unusable"
	CodeDisk        Code = "disk_full"
	CodeHalted      Code = "halted"
	CodeDied        Code = "part_died"
	CodeCancelled   Code = "cancelled"
	CodeClosed      Code = "closed"
)

// kind is a sentinel and its code.
type kind struct {
	err  error
	code Code
}

// kinds lists the sentinels, ours and those of the parts; the more telling ones first, and of a code ours first.
func kinds() []kind {
	return slices.Concat([]kind{
		{ErrPartDied, CodeDied}, {ErrDisk, CodeDisk}, {badgerkv.ErrDiskFull, CodeDisk}, {badgerkv.ErrReadOnly, CodeDisk}, {syscall.ENOSPC, CodeDisk}, {syscall.EDQUOT, CodeDisk},
		{ErrLocked, CodeLocked}, {badgerkv.ErrLocked, CodeLocked}, {ErrIndex, CodeIndex}, {utxo.ErrForeign, CodeIndex},
		{utxo.ErrNewer, CodeIndex}, {watchlog.ErrForeign, CodeIndex}, {watchlog.ErrNewer, CodeIndex},
		{watchlog.ErrDamaged, CodeIndex}, {utxo.ErrCorrupt, CodeIndex}, {badgerkv.ErrCorrupt, CodeIndex}, {ErrHalted, CodeHalted}, {scanner.ErrHalted, CodeHalted},
		{ErrConfig, CodeConfig}, {ErrNoConfig, CodeConfig}, {ErrUnknownCoin, CodeUnknownCoin},
	}, inputKinds(), []kind{
		{ErrNotFound, CodeNotFound}, {utxo.ErrNotWatched, CodeNotFound}, {utxo.ErrNoJob, CodeNotFound}, {utxo.ErrNoSource, CodeNotFound}, {node.ErrNotFound, CodeNotFound},
		{ErrConflict, CodeConflict}, {utxo.ErrJobState, CodeConflict}, {utxo.ErrJobBusy, CodeConflict},
		{utxo.ErrScanning, CodeConflict}, {utxo.ErrExhausted, CodeConflict}, {utxo.ErrDerived, CodeConflict},
		{ErrClosed, CodeClosed}, {utxo.ErrClosed, CodeClosed}, {badgerkv.ErrClosed, CodeClosed}, {node.ErrClosed, CodeClosed},
	}, reserveKinds(), nodeKinds(), upkeepKinds(), []kind{
		{context.Canceled, CodeCancelled}, {context.DeadlineExceeded, CodeCancelled},
	})
}

// inputKinds are what is wrong with what the caller gave.
func inputKinds() []kind {
	return []kind{
		{ErrInput, CodeInput}, {coins.ErrAddress, CodeInput}, {coins.ErrWrongNetwork, CodeInput}, {coins.ErrAmbiguous, CodeInput},
		{coins.ErrHash, CodeInput}, {coins.ErrOutPoint, CodeInput}, {coins.ErrNetwork, CodeInput},
		{utxo.ErrScript, CodeInput}, {utxo.ErrNote, CodeInput}, {utxo.ErrCursor, CodeInput}, {utxo.ErrRange, CodeInput},
		{utxo.ErrSource, CodeInput}, {descriptor.ErrDescriptor, CodeInput}, {descriptor.ErrChecksum, CodeInput}, {descriptor.ErrPrivateKey, CodeInput},
		{descriptor.ErrHardened, CodeInput}, {descriptor.ErrForm, CodeInput}, {descriptor.ErrIndex, CodeInput},
	}
}

// nodeKinds are what keeps a node from being used.
func nodeKinds() []kind {
	all := []kind{{ErrUnreachable, CodeUnreachable}, {scanner.ErrLagging, CodeUnreachable}, {scanner.ErrSource, CodeUnreachable}}
	for _, err := range []error{
		node.ErrUnreachable, node.ErrTimeout, node.ErrUnauthorized, node.ErrSecretFile, node.ErrForbidden, node.ErrWarmingUp, node.ErrBusy,
		node.ErrWrongChain, node.ErrInitialDownload, node.ErrPruned, node.ErrMethodMissing, node.ErrUnsupported, node.ErrGarbage,
		node.ErrTooLarge, node.ErrCutShort, node.ErrWrongBlock, node.ErrRESTOff,
	} {
		all = append(all, kind{err, CodeUnreachable})
	}
	return all
}

// CodeOf returns the code of an error, [CodeFailed] where it has no kind.
func CodeOf(err error) Code {
	for _, k := range kinds() {
		if errors.Is(err, k.err) {
			return k.code
		}
	}
	return CodeFailed
}

// SentinelOf returns the sentinel that a code stands for, nil for [CodeFailed] and codes of newer versions: how a
// client of the API gives its caller an error that errors.Is knows.
func SentinelOf(code Code) error {
	for _, k := range kinds() {
		if k.code == code {
			return k.err
		}
	}
	return nil
}

// AddressFault is one bad address of a list.
type AddressFault struct {
	// Index is its place in the list, from 0.
	Index int `json:"index"`
	// Line is its line's number, from 1, where the list was lines; else 0.
	Line    int    `json:"line,omitempty"`
	Address string `json:"address"`
	Text    string `json:"text"`
}

// AddressError is every bad address of a list, of which nothing was taken. It wraps its Cause.
type AddressError struct {
	Faults []AddressFault
	// Count is how many are bad; Faults has the first maxFaults of them.
	Count int
	// Cause is the kind of fault: [ErrInput], or [ErrNotFound] for addresses that are not watched.
	Cause error
}

// maxFaults bounds how many bad addresses of one list are told of one by one.
const maxFaults = 1000

func (e *AddressError) add(index int, address string, err error) {
	e.Count++
	if len(e.Faults) < maxFaults {
		e.Faults = append(e.Faults, AddressFault{Index: index, Address: address, Text: err.Error()})
	}
}

// Error tells all of a short list, and the number of a long one.
func (e *AddressError) Error() string {
	if e.Count == 1 {
		return e.Faults[0].Text
	}
	const shown = 3
	var texts []string
	for _, fault := range e.Faults[:min(len(e.Faults), shown)] {
		texts = append(texts, fault.Text)
	}
	text := fmt.Sprintf("%d bad addresses, nothing was changed: %s", e.Count, strings.Join(texts, "; "))
	if e.Count > shown {
		text += fmt.Sprintf("; and %d more", e.Count-shown)
	}
	return text
}

// Unwrap returns the cause.
func (e *AddressError) Unwrap() error { return e.Cause }
