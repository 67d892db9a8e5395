package sim

import "errors"

var (
	// ErrBroken says that a law was broken: the text says which, and at which
	// step. Replay the seed to see the whole story.
	ErrBroken = errors.New("the simulation broke a law")

	// errFault is what the simulation itself made go wrong.
	errFault = errors.New("simulated fault")

	// errCrashed ends calls of a process that was killed.
	errCrashed = errors.New("simulated crash")
)
