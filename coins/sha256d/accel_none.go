//go:build !amd64 || purego

package sha256d

// accelerated reports that this build has crypto/sha256 only.
func accelerated() bool { return false }

// The three are never called: see accelerated.

func compress(_, _ *[Size]byte, _, _ *byte, _ int) { panic("sha256d: no assembly in this build") }

func pairs(_, _ *[Size]byte, _ int) { panic("sha256d: no assembly in this build") }

func rehash(_ *[Size]byte, _ int) { panic("sha256d: no assembly in this build") }
