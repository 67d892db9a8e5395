package chaingen

import "errors"

// ErrParams is returned by New for parameters that make no chain, with what is wrong. Correct them.
var ErrParams = errors.New("chain generator parameters")

// ErrRefused is returned by Grow when the node does not take a block, with the node's reason. The node has another chain
// than the generator's: start on an empty regtest node, or with the seed and lists that its chain was made with.
var ErrRefused = errors.New("block refused")

// ErrFrame is returned while reading a chain file that is cut short or is none.
var ErrFrame = errors.New("chain file frame")
