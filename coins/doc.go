// Package coins is the vocabulary that every other package of Coffer speaks,
// and the seam where one coin differs from another.
//
// Its place in the flow: nodes hand raw bytes to the scanner, the scanner
// turns them into a [Block] with the walker of this package ([Format.Walk]),
// verifies it and hands it to the index. Nothing here blocks, logs, stores or
// knows a concrete coin; a coin is a [Coin], built from [Params] in one of
// the folders below this one.
//
// # Invariants
//
//   - Money is int64 base units ([Amount]); sums that may exceed it are 128-bit
//     ([Total]). No float anywhere.
//   - A [Height] is never negative. "Not in a block" is said by a type, not by
//     a magic height.
//   - Hashes are held in the byte order of the wire and printed reversed, as
//     nodes do.
//   - The walker never copies and never allocates per transaction: a [Layout]
//     holds offsets into the raw block and is reused from block to block.
//
// # Layout of a raw block
//
//	header       80 bytes
//	proof        AuxPoW coins only, when the version has bit 0x100:
//	             coinbase tx, hash 32, branch, index 4, branch, index 4, header 80
//	count        CompactSize
//	transactions version 4, [00 flag], inputs, outputs, [witnesses], [00], locktime 4
//	extension    MWEB coins only, after a HogEx: 01 and the MWEB block
//
// A transaction's flag byte has bit 0x01 when witnesses follow the outputs and
// bit 0x08 when one byte of MWEB data stands before the lock time (BIP 144,
// LIP 3). Only the HogEx, whose MWEB byte is 00, occurs in a block.
package coins
