package api

import (
	"errors"
	"net/http"

	"coffer.example/coffer/engine"
)

var (
	// ErrNoDaemon says that no daemon answers on the socket. Open the engine instead, or start `coffer daemon`.
	ErrNoDaemon = errors.New("no daemon is running on this data folder")

	// ErrRunning says that a daemon already runs on the data folder.
	ErrRunning = errors.New("a daemon is already running on this data folder: the other commands talk to it")

	// ErrDenied says that the socket, or the data folder that it is in, is another user's.
	ErrDenied = errors.New("permission denied: run this as the user that owns data_dir")

	// ErrNotLoopback says that an address to listen on can be reached by others. Use 127.0.0.1 or [::1].
	ErrNotLoopback = errors.New("can be reached by others, and there are no tokens yet to keep them out: use 127.0.0.1")

	// ErrAnswer says that the daemon's answer was no answer of this API: another version, or another program.
	ErrAnswer = errors.New("the daemon's answer cannot be understood; restart it with this version of coffer")
)

// problem is an RFC 9457 document.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail says what is wrong with this request, and what to do.
	Detail string      `json:"detail"`
	Code   engine.Code `json:"code"`
	// Errors are the bad addresses of a list, and Count how many there are.
	Errors []engine.AddressFault `json:"errors,omitempty"`
	Count  int                   `json:"count,omitempty"`
}

func problemOf(err error) problem {
	code := engine.CodeOf(err)
	p := problem{
		Type: "urn:coffer:error:" + string(code), Title: string(code), Status: statusOf(code), Detail: err.Error(), Code: code,
	}
	if sentinel := engine.SentinelOf(code); sentinel != nil {
		p.Title = sentinel.Error()
	}
	var addresses *engine.AddressError
	if errors.As(err, &addresses) {
		p.Errors, p.Count = addresses.Faults, addresses.Count
	}
	return p
}

// statusOf gives the HTTP status of a kind of error.
func statusOf(code engine.Code) int {
	switch code {
	case engine.CodeInput, engine.CodeConfig:
		return http.StatusBadRequest
	case engine.CodeNotFound, engine.CodeUnknownCoin:
		return http.StatusNotFound
	case engine.CodeConflict:
		return http.StatusConflict
	case engine.CodeUnreachable, engine.CodeLocked, engine.CodeHalted, engine.CodeIndex, engine.CodeClosed, engine.CodeCancelled:
		return http.StatusServiceUnavailable
	case engine.CodeDisk:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// remoteError is an error that the daemon told of.
type remoteError struct {
	detail   string
	sentinel error
}

// Error is the daemon's own text.
func (e *remoteError) Error() string { return e.detail }

// Unwrap is the engine's sentinel of the same code.
func (e *remoteError) Unwrap() error { return e.sentinel }

// err turns a problem back into what it was made of.
func (p *problem) err() error {
	if len(p.Errors) > 0 {
		return &engine.AddressError{Faults: p.Errors, Count: p.Count, Cause: engine.SentinelOf(p.Code)}
	}
	return &remoteError{detail: p.Detail, sentinel: engine.SentinelOf(p.Code)}
}
