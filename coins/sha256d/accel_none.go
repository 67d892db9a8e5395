//go:build !amd64 || purego

package sha256d

// accelerated reports that this build has crypto/sha256 only.
func accelerated() bool { return false }

// The others are never called: see accelerated.

func compress(_, _ *[Size]byte, _, _ *byte, _ int) { assertAssembly() }

func pairs(_, _ *[Size]byte, _ int) { assertAssembly() }

func rehash(_ *[Size]byte, _ int) { assertAssembly() }

func assertAssembly() { assert(false, "no assembly in this build") }
