package descriptor

import "errors"

var (
	// ErrDescriptor says that a text is no descriptor that Coffer reads. The
	// message names what is wrong; mend the text.
	ErrDescriptor = errors.New("descriptor")

	// ErrChecksum says that a descriptor does not match its checksum: a character
	// was changed on the way. Copy it again.
	ErrChecksum = errors.New("descriptor checksum")

	// ErrPrivateKey says that a text holds a private key, which Coffer has no
	// use for. Export the public descriptor, or the extended public key; treat
	// the private one as seen by others.
	ErrPrivateKey = errors.New("private key")

	// ErrHardened says that a path takes a hardened step from a public key,
	// which only the private key can. Export the key from below that step, with
	// its origin in brackets.
	ErrHardened = errors.New("hardened step from a public key")

	// ErrForm says that the coin has no such scripts, or that the version of an
	// extended key says another form than the descriptor.
	ErrForm = errors.New("script form")

	// ErrIndex says that a branch or an index is beyond what the descriptor has,
	// or that the key at that index does not exist (BIP 32: one in 2^127).
	ErrIndex = errors.New("descriptor index")
)
