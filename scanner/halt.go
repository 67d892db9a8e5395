package scanner

import (
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
)

// haltError stops a coin until a person acts.
type haltError struct {
	reason error
	remedy string
}

func (e *haltError) Error() string {
	return ErrHalted.Error() + ": " + e.reason.Error() + ": " + e.remedy
}

// Unwrap lets errors.Is find ErrHalted and the reason.
func (e *haltError) Unwrap() []error { return []error{ErrHalted, e.reason} }

// sinkError sorts an error of the sink: moved on under us, waiting helps, undo
// does not reach, or broken.
func sinkError(what string, err error) error {
	switch {
	case errors.Is(err, coins.ErrNotNext):
		return fmt.Errorf("%s: %w: %w", what, errMoved, err)
	case errors.Is(err, coins.ErrReorgDepth):
		return &haltError{reason: fmt.Errorf("%s: %w", what, err), remedy: remedyRebuild}
	case retryable(err):
		return fmt.Errorf("%s: %w: %w", what, errDegraded, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrSink, what, err)
}

const (
	remedyRebuild = "rebuild the index from the node with: coffer index rebuild COIN"
	remedyForeign = "give the coin a node of its own network, or the index of this one: coffer doctor"
)
