package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"coffer.example/coffer/api"
	"coffer.example/coffer/engine"
)

// The exit codes that scripts rely on. 4, insufficient funds, comes with payouts.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2 // wrong usage or bad input
	exitNotFound    = 3
	exitConflict    = 5 // conflict or refused by policy
	exitUnreachable = 6 // a node or an index cannot be reached
	exitDied        = 7 // the daemon ended because a part of it died
)

// errUsage says that a command was called wrongly.
var errUsage = errors.New("wrong usage")

// usage is a wrong call, told in one line. It wraps errUsage.
type usage string

func (u usage) Error() string { return string(u) }
func (u usage) Unwrap() error { return errUsage }

func usagef(format string, args ...any) error { return usage(fmt.Sprintf(format, args...)) }

// exitCode gives the code for how a command ended.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, api.ErrRunning):
		return exitConflict
	case errors.Is(err, errViolated):
		return exitFailed
	}
	switch engine.CodeOf(err) {
	case engine.CodeInput, engine.CodeConfig, engine.CodeUnknownCoin:
		return exitUsage
	case engine.CodeNotFound:
		return exitNotFound
	case engine.CodeConflict:
		return exitConflict
	case engine.CodeUnreachable, engine.CodeLocked:
		return exitUnreachable
	case engine.CodeDied:
		return exitDied
	}
	return exitFailed
}

// report tells how a command failed, on standard error.
func (a *app) report(err error) {
	code := engine.CodeOf(err)
	switch {
	case errors.Is(err, errUsage):
		code = engine.CodeInput
	case errors.Is(err, api.ErrRunning):
		code = engine.CodeConflict
	}
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	if a.json {
		document := struct {
			Error  string         `json:"error"`
			Code   engine.Code    `json:"code"`
			Faults []engine.Fault `json:"faults,omitempty"`
			Lines  []string       `json:"lines,omitempty"`
		}{Error: text, Code: code}
		var config *engine.ConfigError
		var lines *lineError
		if errors.As(err, &config) {
			document.Faults = config.Faults
		}
		if errors.As(err, &lines) {
			document.Error, document.Lines = lines.summary, lines.lines
		}
		writeJSON(a.err, document)
		return
	}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		fmt.Fprintln(a.err, "coffer: "+line)
	}
}

// writeJSON writes one document on one line. The only failure is a reader that went away.
func writeJSON(w io.Writer, value any) { _ = json.NewEncoder(w).Encode(value) }
