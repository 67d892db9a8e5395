package core

import "errors"

// ErrParams says that a coin's parameters contradict each other or are
// incomplete. The message lists every fault; mend the parameters.
var ErrParams = errors.New("coin parameters")
