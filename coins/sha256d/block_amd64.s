//go:build !purego

#include "textflag.h"

// SHA-256 (FIPS 180-4) of two messages at a time with the SHA extensions.
//
// One round of SHA-256 needs the result of the round before, so a single
// message leaves the SHA unit idle most of the time. Every function here
// therefore runs two independent messages, lanes A and B, whose instructions
// follow each other group by group; the processor overlaps them by itself.
//
// Registers, the same in every function:
//
//	     lane A  lane B
//	      X1      X8    state words A B E F, A in the highest 32 bits
//	      X2      X9    state words C D G H, C in the highest 32 bits
//	      X3      X10   message words W0-W3, the first in the lowest 32 bits,
//	      X4      X11   W4-W7,
//	      X5      X12   W8-W11,
//	      X6      X13   W12-W15; then in turn the next four words each
//	      X7      X14   free within a group of rounds
//	          X0        message plus round constants: SHA256RNDS2's third operand
//	          X15       mask that reverses the bytes of each 32-bit word
//
//	AX  address of the round constants, k
//	BX  address of iv, or of padded
//
// A state in memory is what the registers hold: 16 bytes F E B A, 16 bytes
// H G D C, each word little endian.

#define ABEF_A X1
#define CDGH_A X2
#define A0 X3
#define A1 X4
#define A2 X5
#define A3 X6
#define TMP_A X7

#define ABEF_B X8
#define CDGH_B X9
#define B0 X10
#define B1 X11
#define B2 X12
#define B3 X13
#define TMP_B X14

#define FLIP X15

// Four rounds of one lane, in three parts that the groups below put together.
//
// FRONT is rounds one and two: SHA256RNDS2 takes W+K from the low half of X0,
// reads A B E F from its middle operand and overwrites C D G H with the new
// A B E F. The old A B E F are the new C D G H: the registers have changed
// roles. BACK is rounds three and four with the high half of X0, after which
// the roles are as before.
#define FRONT(at, w, abef, cdgh) \
	MOVO        w, X0          \
	PADDD       at(AX), X0     \
	SHA256RNDS2 X0, abef, cdgh

#define BACK(abef, cdgh) \
	PSHUFD      $0x0e, X0, X0  \
	SHA256RNDS2 X0, cdgh, abef

// EXTEND completes the four message words after w, in the register next:
//
//	W[t] = s1(W[t-2]) + W[t-7] + s0(W[t-15]) + W[t-16]
//
// next holds s0(W[t-15]) + W[t-16], made by SHA256MSG1 before; PALIGNR takes
// W[t-7] from prev and w, the eight words before; SHA256MSG2 adds s1(W[t-2]).
#define EXTEND(w, prev, next, tmp) \
	MOVO       w, tmp        \
	PALIGNR    $4, prev, tmp \
	PADDD      tmp, next     \
	SHA256MSG2 w, next

// The groups, for both lanes. Of the 16 groups of a block, the first cannot
// prepare anything, 1 and 2 prepare with SHA256MSG1 the words of groups 4 and
// 5, 3 to 12 also complete the words of the next group, 13 and 14 only
// complete, 15 only consumes. at is the group's number times 16.
#define GROUP_FIRST(at, wA, wB) \
	FRONT(at, wA, ABEF_A, CDGH_A) \
	BACK(ABEF_A, CDGH_A)          \
	FRONT(at, wB, ABEF_B, CDGH_B) \
	BACK(ABEF_B, CDGH_B)

#define GROUP_PREPARE(at, wA, prevA, wB, prevB) \
	GROUP_FIRST(at, wA, wB) \
	SHA256MSG1 wA, prevA    \
	SHA256MSG1 wB, prevB

#define GROUP(at, wA, prevA, nextA, wB, prevB, nextB) \
	FRONT(at, wA, ABEF_A, CDGH_A)    \
	EXTEND(wA, prevA, nextA, TMP_A)  \
	BACK(ABEF_A, CDGH_A)             \
	SHA256MSG1 wA, prevA             \
	FRONT(at, wB, ABEF_B, CDGH_B)    \
	EXTEND(wB, prevB, nextB, TMP_B)  \
	BACK(ABEF_B, CDGH_B)             \
	SHA256MSG1 wB, prevB

#define GROUP_COMPLETE(at, wA, prevA, nextA, wB, prevB, nextB) \
	FRONT(at, wA, ABEF_A, CDGH_A)    \
	EXTEND(wA, prevA, nextA, TMP_A)  \
	BACK(ABEF_A, CDGH_A)             \
	FRONT(at, wB, ABEF_B, CDGH_B)    \
	EXTEND(wB, prevB, nextB, TMP_B)  \
	BACK(ABEF_B, CDGH_B)

#define GROUP_LAST(at, wA, wB) GROUP_FIRST(at, wA, wB)

// ROUNDS is all 64 rounds of a block whose words are in A0-A3 and B0-B3.
#define ROUNDS \
	GROUP_FIRST(0x00, A0, B0)                       \
	GROUP_PREPARE(0x10, A1, A0, B1, B0)             \
	GROUP_PREPARE(0x20, A2, A1, B2, B1)             \
	GROUP(0x30, A3, A2, A0, B3, B2, B0)             \
	GROUP(0x40, A0, A3, A1, B0, B3, B1)             \
	GROUP(0x50, A1, A0, A2, B1, B0, B2)             \
	GROUP(0x60, A2, A1, A3, B2, B1, B3)             \
	GROUP(0x70, A3, A2, A0, B3, B2, B0)             \
	GROUP(0x80, A0, A3, A1, B0, B3, B1)             \
	GROUP(0x90, A1, A0, A2, B1, B0, B2)             \
	GROUP(0xa0, A2, A1, A3, B2, B1, B3)             \
	GROUP(0xb0, A3, A2, A0, B3, B2, B0)             \
	GROUP(0xc0, A0, A3, A1, B0, B3, B1)             \
	GROUP_COMPLETE(0xd0, A1, A0, A2, B1, B0, B2)    \
	GROUP_COMPLETE(0xe0, A2, A1, A3, B2, B1, B3)    \
	GROUP_LAST(0xf0, A3, B3)

// FIXED is a group of a block that is the same for everybody: its words plus
// round constants stand in the table padded, at BX, and serve both lanes.
#define FIXED(at) \
	MOVOU       at(BX), X0         \
	SHA256RNDS2 X0, ABEF_A, CDGH_A \
	SHA256RNDS2 X0, ABEF_B, CDGH_B \
	PSHUFD      $0x0e, X0, X0      \
	SHA256RNDS2 X0, CDGH_A, ABEF_A \
	SHA256RNDS2 X0, CDGH_B, ABEF_B

// LOAD reads a block of 64 bytes as big endian words.
#define LOAD(p, w0, w1, w2, w3) \
	MOVOU  0x00(p), w0 \
	MOVOU  0x10(p), w1 \
	MOVOU  0x20(p), w2 \
	MOVOU  0x30(p), w3 \
	PSHUFB FLIP, w0    \
	PSHUFB FLIP, w1    \
	PSHUFB FLIP, w2    \
	PSHUFB FLIP, w3

// WORDS takes a state apart: lo gets A B C D, hi gets E F G H, the first in
// the lowest 32 bits, as message words are held. PSHUFD reverses both halves
// to A B E F and C D G H, low to high; PUNPCK picks their low and high pairs.
#define WORDS(abef, cdgh, lo, hi) \
	PSHUFD     $0x1b, abef, lo   \
	PSHUFD     $0x1b, cdgh, cdgh \
	MOVO       lo, hi            \
	PUNPCKLQDQ cdgh, lo          \
	PUNPCKHQDQ cdgh, hi

// func compress(stateA, stateB *[32]byte, blocksA, blocksB *byte, count int)
TEXT ·compress(SB), NOSPLIT, $0-40
	MOVQ stateA+0(FP), DI
	MOVQ stateB+8(FP), SI
	MOVQ blocksA+16(FP), R8
	MOVQ blocksB+24(FP), R9
	MOVQ count+32(FP), CX
	LEAQ k<>(SB), AX
	MOVO flip<>(SB), FLIP

	MOVOU 0x00(DI), ABEF_A
	MOVOU 0x10(DI), CDGH_A
	MOVOU 0x00(SI), ABEF_B
	MOVOU 0x10(SI), CDGH_B

block:
	LOAD(R8, A0, A1, A2, A3)
	LOAD(R9, B0, B1, B2, B3)
	ROUNDS

	// The new state is the old one, still in memory, plus the rounds' result.
	MOVOU 0x00(DI), A0
	MOVOU 0x10(DI), A1
	MOVOU 0x00(SI), B0
	MOVOU 0x10(SI), B1
	PADDD A0, ABEF_A
	PADDD A1, CDGH_A
	PADDD B0, ABEF_B
	PADDD B1, CDGH_B
	MOVOU ABEF_A, 0x00(DI)
	MOVOU CDGH_A, 0x10(DI)
	MOVOU ABEF_B, 0x00(SI)
	MOVOU CDGH_B, 0x10(SI)

	ADDQ $64, R8
	ADDQ $64, R9
	DECQ CX
	JNZ  block
	RET

// func pairs(states, nodes *[32]byte, count int)
TEXT ·pairs(SB), NOSPLIT, $0-24
	MOVQ states+0(FP), DI
	MOVQ nodes+8(FP), SI
	MOVQ count+16(FP), CX
	LEAQ k<>(SB), AX
	LEAQ padded<>(SB), BX
	LEAQ iv<>(SB), DX
	MOVO flip<>(SB), FLIP

two:
	// The first block is two nodes: lane A's at SI, lane B's behind it.
	LEAQ 64(SI), R9
	LOAD(SI, A0, A1, A2, A3)
	LOAD(R9, B0, B1, B2, B3)
	MOVO 0x00(DX), ABEF_A
	MOVO 0x10(DX), CDGH_A
	MOVO ABEF_A, ABEF_B
	MOVO CDGH_A, CDGH_B
	ROUNDS
	PADDD 0x00(DX), ABEF_A
	PADDD 0x10(DX), CDGH_A
	PADDD 0x00(DX), ABEF_B
	PADDD 0x10(DX), CDGH_B

	// The second is the padding of a 64-byte message. It needs no message
	// registers, so they keep the state that it is added to.
	MOVO ABEF_A, A0
	MOVO CDGH_A, A1
	MOVO ABEF_B, B0
	MOVO CDGH_B, B1
	FIXED(0x00)
	FIXED(0x10)
	FIXED(0x20)
	FIXED(0x30)
	FIXED(0x40)
	FIXED(0x50)
	FIXED(0x60)
	FIXED(0x70)
	FIXED(0x80)
	FIXED(0x90)
	FIXED(0xa0)
	FIXED(0xb0)
	FIXED(0xc0)
	FIXED(0xd0)
	FIXED(0xe0)
	FIXED(0xf0)
	PADDD A0, ABEF_A
	PADDD A1, CDGH_A
	PADDD B0, ABEF_B
	PADDD B1, CDGH_B

	// All of these four nodes has been read: states may be the same memory.
	MOVOU ABEF_A, 0x00(DI)
	MOVOU CDGH_A, 0x10(DI)
	MOVOU ABEF_B, 0x20(DI)
	MOVOU CDGH_B, 0x30(DI)

	ADDQ $128, SI
	ADDQ $64, DI
	SUBQ $2, CX
	JNZ  two
	RET

// func rehash(hashes *[32]byte, count int)
TEXT ·rehash(SB), NOSPLIT, $0-16
	MOVQ hashes+0(FP), DI
	MOVQ count+8(FP), CX
	LEAQ k<>(SB), AX
	LEAQ iv<>(SB), BX
	LEAQ tail<>(SB), DX
	MOVO flip<>(SB), FLIP

two:
	// The message is the first hash, whose words are the state's, and padding.
	MOVOU 0x00(DI), ABEF_A
	MOVOU 0x10(DI), CDGH_A
	MOVOU 0x20(DI), ABEF_B
	MOVOU 0x30(DI), CDGH_B
	WORDS(ABEF_A, CDGH_A, A0, A1)
	WORDS(ABEF_B, CDGH_B, B0, B1)
	MOVO 0x00(DX), A2
	MOVO 0x10(DX), A3
	MOVO A2, B2
	MOVO A3, B3
	MOVO 0x00(BX), ABEF_A
	MOVO 0x10(BX), CDGH_A
	MOVO ABEF_A, ABEF_B
	MOVO CDGH_A, CDGH_B
	ROUNDS
	PADDD 0x00(BX), ABEF_A
	PADDD 0x10(BX), CDGH_A
	PADDD 0x00(BX), ABEF_B
	PADDD 0x10(BX), CDGH_B
	WORDS(ABEF_A, CDGH_A, A0, A1)
	WORDS(ABEF_B, CDGH_B, B0, B1)
	PSHUFB FLIP, A0
	PSHUFB FLIP, A1
	PSHUFB FLIP, B0
	PSHUFB FLIP, B1
	MOVOU  A0, 0x00(DI)
	MOVOU  A1, 0x10(DI)
	MOVOU  B0, 0x20(DI)
	MOVOU  B1, 0x30(DI)

	ADDQ $64, DI
	SUBQ $2, CX
	JNZ  two
	RET

// func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL subleaf+4(FP), CX
	CPUID
	MOVL AX, eax+8(FP)
	MOVL BX, ebx+12(FP)
	MOVL CX, ecx+16(FP)
	MOVL DX, edx+20(FP)
	RET

// flip is PSHUFB's mask that reverses the bytes of each 32-bit word.
DATA flip<>+0x00(SB)/8, $0x0405060700010203
DATA flip<>+0x08(SB)/8, $0x0c0d0e0f08090a0b
GLOBL flip<>(SB), RODATA|NOPTR, $16

// iv is the initial state as registers hold it: F E B A, H G D C.
DATA iv<>+0x00(SB)/8, $0x510e527f9b05688c
DATA iv<>+0x08(SB)/8, $0x6a09e667bb67ae85
DATA iv<>+0x10(SB)/8, $0x1f83d9ab5be0cd19
DATA iv<>+0x18(SB)/8, $0x3c6ef372a54ff53a
GLOBL iv<>(SB), RODATA|NOPTR, $32

// tail is words 8 to 15 of a message of 32 bytes: a one bit, zeros, and the
// length of 256 bits.
DATA tail<>+0x00(SB)/8, $0x0000000080000000
DATA tail<>+0x08(SB)/8, $0x0000000000000000
DATA tail<>+0x10(SB)/8, $0x0000000000000000
DATA tail<>+0x18(SB)/8, $0x0000010000000000
GLOBL tail<>(SB), RODATA|NOPTR, $32

// k is the round constants: the fractional parts of the cube roots of the
// first 64 primes. PADDD reads it from memory, which has to be aligned to 16
// bytes: the linker aligns what is longer to at least that.
DATA k<>+0x00(SB)/8, $0x71374491428a2f98
DATA k<>+0x08(SB)/8, $0xe9b5dba5b5c0fbcf
DATA k<>+0x10(SB)/8, $0x59f111f13956c25b
DATA k<>+0x18(SB)/8, $0xab1c5ed5923f82a4
DATA k<>+0x20(SB)/8, $0x12835b01d807aa98
DATA k<>+0x28(SB)/8, $0x550c7dc3243185be
DATA k<>+0x30(SB)/8, $0x80deb1fe72be5d74
DATA k<>+0x38(SB)/8, $0xc19bf1749bdc06a7
DATA k<>+0x40(SB)/8, $0xefbe4786e49b69c1
DATA k<>+0x48(SB)/8, $0x240ca1cc0fc19dc6
DATA k<>+0x50(SB)/8, $0x4a7484aa2de92c6f
DATA k<>+0x58(SB)/8, $0x76f988da5cb0a9dc
DATA k<>+0x60(SB)/8, $0xa831c66d983e5152
DATA k<>+0x68(SB)/8, $0xbf597fc7b00327c8
DATA k<>+0x70(SB)/8, $0xd5a79147c6e00bf3
DATA k<>+0x78(SB)/8, $0x1429296706ca6351
DATA k<>+0x80(SB)/8, $0x2e1b213827b70a85
DATA k<>+0x88(SB)/8, $0x53380d134d2c6dfc
DATA k<>+0x90(SB)/8, $0x766a0abb650a7354
DATA k<>+0x98(SB)/8, $0x92722c8581c2c92e
DATA k<>+0xa0(SB)/8, $0xa81a664ba2bfe8a1
DATA k<>+0xa8(SB)/8, $0xc76c51a3c24b8b70
DATA k<>+0xb0(SB)/8, $0xd6990624d192e819
DATA k<>+0xb8(SB)/8, $0x106aa070f40e3585
DATA k<>+0xc0(SB)/8, $0x1e376c0819a4c116
DATA k<>+0xc8(SB)/8, $0x34b0bcb52748774c
DATA k<>+0xd0(SB)/8, $0x4ed8aa4a391c0cb3
DATA k<>+0xd8(SB)/8, $0x682e6ff35b9cca4f
DATA k<>+0xe0(SB)/8, $0x78a5636f748f82ee
DATA k<>+0xe8(SB)/8, $0x8cc7020884c87814
DATA k<>+0xf0(SB)/8, $0xa4506ceb90befffa
DATA k<>+0xf8(SB)/8, $0xc67178f2bef9a3f7
GLOBL k<>(SB), RODATA|NOPTR, $256

// padded is k plus the message words of the second block of a 64-byte message,
// which is nothing but padding: a one bit, zeros, and the length of 512 bits.
DATA padded<>+0x00(SB)/8, $0x71374491c28a2f98
DATA padded<>+0x08(SB)/8, $0xe9b5dba5b5c0fbcf
DATA padded<>+0x10(SB)/8, $0x59f111f13956c25b
DATA padded<>+0x18(SB)/8, $0xab1c5ed5923f82a4
DATA padded<>+0x20(SB)/8, $0x12835b01d807aa98
DATA padded<>+0x28(SB)/8, $0x550c7dc3243185be
DATA padded<>+0x30(SB)/8, $0x80deb1fe72be5d74
DATA padded<>+0x38(SB)/8, $0xc19bf3749bdc06a7
DATA padded<>+0x40(SB)/8, $0xf0fe4786649b69c1
DATA padded<>+0x48(SB)/8, $0x240cf2540fe1edc6
DATA padded<>+0x50(SB)/8, $0x6cc984be4fe9346f
DATA padded<>+0x58(SB)/8, $0x16f988fa61b9411e
DATA padded<>+0x60(SB)/8, $0xa88e5a6df2c65152
DATA padded<>+0x68(SB)/8, $0xb9d99ec7b019fc65
DATA padded<>+0x70(SB)/8, $0xe70eeaa09a1231c3
DATA padded<>+0x78(SB)/8, $0xc7353eb0fdb1232b
DATA padded<>+0x80(SB)/8, $0xcb976d5f3069bad5
DATA padded<>+0x88(SB)/8, $0xdc1eeefd5a0f118f
DATA padded<>+0x90(SB)/8, $0xde0b7a040a35b689
DATA padded<>+0x98(SB)/8, $0xe15d5b1658f4ca9d
DATA padded<>+0xa0(SB)/8, $0x37088980007f3e86
DATA padded<>+0xa8(SB)/8, $0x6fab9537a507ea32
DATA padded<>+0xb0(SB)/8, $0x0d8cd6f117406110
DATA padded<>+0xb8(SB)/8, $0xc0bbbe37cdaa3b6d
DATA padded<>+0xc0(SB)/8, $0xdb48a36383613bda
DATA padded<>+0xc8(SB)/8, $0x6fd15ca70b02e931
DATA padded<>+0xd0(SB)/8, $0x31338431521afaca
DATA padded<>+0xd8(SB)/8, $0x6d4378906ed41a95
DATA padded<>+0xe0(SB)/8, $0x9eccabbdc39c91f2
DATA padded<>+0xe8(SB)/8, $0x532fb63cb5c9a0e6
DATA padded<>+0xf0(SB)/8, $0x07237ea3d2c741c6
DATA padded<>+0xf8(SB)/8, $0x4c191d76a4954b68
GLOBL padded<>(SB), RODATA|NOPTR, $256
