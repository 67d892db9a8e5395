package simnode

import (
	"encoding/hex"
	"strings"

	"coffer.example/coffer/coins"
)

// withChecksum appends a descriptor's checksum (BIP 380).
func withChecksum(descriptor string) string {
	const input = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	const output = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	code, class, count := uint64(1), 0, 0
	for i := range len(descriptor) {
		at := strings.IndexByte(input, descriptor[i])
		if at < 0 {
			return descriptor
		}
		code = polyMod(code, uint64(at&31))
		class = class*3 + at>>5
		if count++; count == 3 {
			code, class, count = polyMod(code, uint64(class)), 0, 0
		}
	}
	if count > 0 {
		code = polyMod(code, uint64(class))
	}
	for range 8 {
		code = polyMod(code, 0)
	}
	code ^= 1
	sum := make([]byte, 8)
	for i := range sum {
		sum[i] = output[code>>(5*(7-i))&31]
	}
	return descriptor + "#" + string(sum)
}

func polyMod(code, value uint64) uint64 {
	top := code >> 35
	code = (code&0x7ffffffff)<<5 ^ value
	for i, generator := range [...]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
		if top>>i&1 == 1 {
			code ^= generator
		}
	}
	return code
}

// describe returns the descriptor that a node infers for a script without
// knowing any keys.
func describe(coin coins.Coin, script []byte) string {
	if address, ok := coin.Address(script); ok && coin.Type(script) != coins.PubKey {
		return withChecksum("addr(" + address + ")")
	}
	if len(script) == 35 && coin.Type(script) == coins.PubKey {
		return withChecksum("pk(" + hex.EncodeToString(script[1:34]) + ")")
	}
	return withChecksum("raw(" + hex.EncodeToString(script) + ")")
}

// descriptorScript reads the descriptors that stand for one script: addr() and
// raw(), with or without a checksum.
func descriptorScript(coin coins.Coin, descriptor string) ([]byte, error) {
	body, sum, summed := strings.Cut(descriptor, "#")
	if summed && withChecksum(body) != descriptor {
		return nil, &Reject{codeNotFound, "Provided checksum '" + sum + "' does not match computed checksum"}
	}
	name, inner, ok := strings.Cut(strings.TrimSuffix(body, ")"), "(")
	switch {
	case ok && name == "addr":
		script, err := coin.Script(inner)
		if err != nil {
			return nil, &Reject{codeNotFound, "Address is not valid"}
		}
		return script, nil
	case ok && name == "raw":
		script, err := hex.DecodeString(inner)
		if err != nil {
			return nil, &Reject{codeNotFound, "Raw script is not hex"}
		}
		return script, nil
	}
	return nil, &Reject{codeNotFound, "'" + name + "' is not a valid descriptor function"}
}
