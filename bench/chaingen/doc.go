// Package chaingen grows mainnet-shaped regtest chains for benchmarks: full blocks of about 1.14 MB with 3,200
// transactions, 5,100 inputs and 10,300 outputs each, as measured on Bitcoin's main chain.
//
// Its place: it feeds benchmarks and imports nothing of the engine, so that what is measured is not also what made the
// input. Blocks go to a node (Grow, through submitblock), to a file (WriteBlock), or to the caller (Generator.Next).
//
// What is spent are outputs that anyone can spend, in witnesses and scriptSigs of the size that a signature and a public
// key have:
//
//	locking program     08 NONCE(8) 75 6d 51        push, OP_DROP, OP_2DROP, OP_TRUE: 12 bytes, distinct for each nonce
//	as P2WSH            00 20 SHA256(program)       spent by the witness [72 bytes, 33 bytes, program]
//	as P2SH             a9 14 HASH160(program) 87   spent by a scriptSig that pushes the same three
//	P2WSH for Schnorr   program 08 NONCE(8) 75 75 51, spent by the witness [64 bytes, program]
//
// About half of all outputs are of these kinds; the rest pay to random scripts of the types and shares seen on the
// main chain and are never spent.
//
// Invariants:
//   - The chain is a pure function of Params: the same parameters give the same bytes.
//   - Every block is valid by consensus: proof of work, BIP34 height, witness commitment, mature coinbases, no value made.
//   - The first WarmUp blocks are small; their coinbases make the coins that the full blocks spend.
//
// A chain file is a row of frames, each the regtest magic fabfb5da, the length as uint32 little-endian, and the raw
// block: the format of the nodes' own blk*.dat.
package chaingen
