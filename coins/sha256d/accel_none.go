//go:build !amd64 || purego

package sha256d

// assembled says that this build has crypto/sha256 only.
const assembled = false

func accelerated() bool { return assembled }

// The others are never called: see accelerated.

func compress(_, _ *[Size]byte, _, _ *byte, _ int) { assertAssembly() }

func pairs(_, _ *[Size]byte, _ int) { assertAssembly() }

func rehash(_ *[Size]byte, _ int) { assertAssembly() }

func assertAssembly() { assert(false, "no assembly in this build") }
