package coins

import "errors"

var (
	// ErrAmount says that a text is not a decimal amount with at most eight
	// places, or that it does not fit int64 base units. Give it as whole coins,
	// for example 0.00010000.
	ErrAmount = errors.New("not an amount of coins with at most 8 decimal places")

	// ErrOverflow says that checked arithmetic left the range of its type. The
	// operands are wrong; nothing was changed.
	ErrOverflow = errors.New("amount overflows")

	// ErrHash says that a text is not a hash of 64 hexadecimal digits.
	ErrHash = errors.New("not a hash of 64 hexadecimal digits")

	// ErrOutPoint says that a text is not an outpoint written txid:output.
	ErrOutPoint = errors.New("not an outpoint of the form txid:output")

	// ErrTruncated says that bytes end in the middle of a structure: the node's
	// answer was cut short. Ask for them again.
	ErrTruncated = errors.New("bytes end early")

	// ErrMalformed says that bytes do not follow the coin's format. The node
	// is of another coin, or its answer was corrupted.
	ErrMalformed = errors.New("bytes do not follow the coin's format")

	// ErrTrailing says that bytes follow the end of a structure.
	ErrTrailing = errors.New("bytes follow the end")

	// ErrBlockHash says that a block's own hash, recomputed from its header, is
	// not the one that was asked for.
	ErrBlockHash = errors.New("block's hash is not the one asked for")

	// ErrMerkleRoot says that a block's transactions do not hash to the root in
	// its header, or that they hold the duplicates of CVE-2012-2459.
	ErrMerkleRoot = errors.New("merkle root does not match the header")

	// ErrProof says that a merge-mined header's proof does not commit to it.
	ErrProof = errors.New("merge-mining proof does not commit to the header")

	// ErrPoW says that a header's hash does not meet the target in its bits.
	ErrPoW = errors.New("hash does not meet the header's target")

	// ErrAddress says that a text is not an address: unknown form, bad
	// checksum, mixed case or a wrong length.
	ErrAddress = errors.New("not an address")

	// ErrWrongNetwork says that an address is well formed but belongs to
	// another coin or network.
	ErrWrongNetwork = errors.New("address of another coin or network")

	// ErrAmbiguous says that an address is readable by two coins (Litecoin's
	// old 3… form is Bitcoin's). Use the form that the coin writes today.
	ErrAmbiguous = errors.New("address is also another coin's")

	// ErrNetwork says that a coin has no network of that name.
	ErrNetwork = errors.New("coin has no such network")
)
