//go:build !purego

package sha256d

// assembled says that this build has assembly.
const assembled = true

// Implemented in block_amd64.s with the SHA extensions, two messages at a time.
// A state is 32 bytes in the order of the registers, see there; hashes and
// nodes are bytes in the order of the wire. Every count is at least one.

// compress feeds count blocks of 64 bytes each to two states.
//
//go:noescape
func compress(stateA, stateB *[Size]byte, blocksA, blocksB *byte, count int)

// pairs writes to each of count states, an even number, the SHA-256 of the 64
// bytes that two neighbouring nodes make. States and nodes may start at the
// same address: a state is written after its nodes are read.
//
//go:noescape
func pairs(states, nodes *[Size]byte, count int)

// rehash replaces each of count states, an even number, by the SHA-256 of the
// hash that it stands for.
//
//go:noescape
func rehash(hashes *[Size]byte, count int)

//go:noescape
func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// accelerated reports whether the processor has the instructions that the
// assembly uses beyond those of every amd64: SHA and SSSE3. On a virtual
// machine CPUID costs microseconds, so ask once per [Hasher].
func accelerated() bool {
	const ssse3, sha = 1 << 9, 1 << 29
	if last, _, _, _ := cpuid(0, 0); last < 7 {
		return false
	}
	_, _, ecx, _ := cpuid(1, 0)
	_, ebx, _, _ := cpuid(7, 0)
	return ecx&ssse3 != 0 && ebx&sha != 0
}
