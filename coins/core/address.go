package core

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"

	"coffer.example/coffer/coins"
)

const (
	// maxText bounds what is decoded at all: an MWEB stealth address, the
	// longest thing with a message of its own, has at most 124 characters.
	maxText = 150
	// maxBech32 is the longest witness address (BIP 173).
	maxBech32 = 90
)

// Address returns the address of a script, and false where it has none.
func (c *coin) Address(script []byte) (string, bool) {
	prefixes := &c.params.Address
	switch version, program, witness := witnessProgram(script); {
	case isPubKeyHash(script):
		return base58.CheckEncode(script[3:23], prefixes.P2PKH[0]), true
	case isScriptHash(script):
		return base58.CheckEncode(script[2:22], prefixes.P2SH[0]), true
	case witness && prefixes.HRP != "" && c.payable(version, program) == nil:
		return encodeWitness(prefixes.HRP, version, program)
	}
	return "", false
}

// encodeWitness writes a witness program: bech32 for version 0, else bech32m.
func encodeWitness(hrp string, version byte, program []byte) (string, bool) {
	digits, err := bech32.ConvertBits(program, 8, 5, true)
	if err != nil {
		return "", false
	}
	digits = slices.Insert(digits, 0, version)
	encode := bech32.EncodeM
	if version == 0 {
		encode = bech32.Encode
	}
	text, err := encode(hrp, digits)
	return text, err == nil
}

// payable says what keeps a witness program from being paid at an address.
func (c *coin) payable(version byte, program []byte) error {
	switch size := len(program); {
	case version > 16:
		return fmt.Errorf("witness version %d, the highest is 16: %w", version, coins.ErrAddress)
	case size < minProgram || size > maxProgram:
		return fmt.Errorf("witness program of %d bytes, not 2 to 40: %w", size, coins.ErrAddress)
	case version == 0 && size != hash160Size && size != sha256Size:
		return fmt.Errorf("version 0 witness program of %d bytes, not 20 or 32: %w", size, coins.ErrAddress)
	case c.isExtension(version, program):
		return fmt.Errorf("witness version %d is MWEB's bookkeeping, nobody is paid at it: %w", version, coins.ErrAddress)
	}
	return nil
}

// Script returns the script that an address stands for.
func (c *coin) Script(address string) ([]byte, error) {
	switch {
	case address == "":
		return nil, fmt.Errorf("empty text: %w", coins.ErrAddress)
	case len(address) > maxText:
		return nil, fmt.Errorf("text of %d characters: %w", len(address), coins.ErrAddress)
	}
	if hrp, found := c.ownHRP(address); found {
		script, err := c.fromBech32(address, hrp)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", address, err)
		}
		return script, nil
	}
	payload, version, base58Err := base58.CheckDecode(address)
	if base58Err == nil {
		return c.fromBase58(address, payload, version)
	}
	return nil, c.refuse(address, base58Err)
}

// ownHRP reports whether the text before the last 1 is one of the coin's human
// readable parts, in any case: then it is bech32 and nothing else.
func (c *coin) ownHRP(address string) (hrp string, found bool) {
	one := strings.LastIndexByte(address, '1')
	if one < 1 {
		return "", false
	}
	hrp = strings.ToLower(address[:one])
	return hrp, hrp == c.params.Address.HRP || hrp == c.params.Address.MWEBHRP
}

// fromBech32 reads a text that has one of the coin's human readable parts.
func (c *coin) fromBech32(address, hrp string) ([]byte, error) {
	_, digits, variant, err := bech32.DecodeNoLimitWithVersion(address)
	if err != nil {
		return nil, bech32Fault(err)
	}
	switch {
	case hrp != c.params.Address.HRP:
		return nil, fmt.Errorf("MWEB stealth address: Coffer pays and watches transparent addresses only: %w", coins.ErrAddress)
	case len(address) > maxBech32:
		return nil, fmt.Errorf("witness address of %d characters, at most %d: %w", len(address), maxBech32, coins.ErrAddress)
	case len(digits) == 0:
		return nil, fmt.Errorf("no witness version: %w", coins.ErrAddress)
	}
	version := digits[0]
	program, err := bech32.ConvertBits(digits[1:], 5, 8, false)
	if err != nil {
		return nil, fmt.Errorf("padding is not zero: %w", coins.ErrAddress)
	}
	if err := c.payable(version, program); err != nil {
		return nil, err
	}
	if want := variantOf(version); variant != want {
		return nil, fmt.Errorf("witness version %d with the checksum of %s, not %s: %w",
			version, variantName(variant), variantName(want), coins.ErrAddress)
	}
	return witnessScript(version, program), nil
}

func variantOf(version byte) bech32.Version {
	if version == 0 {
		return bech32.Version0
	}
	return bech32.VersionM
}

func variantName(variant bech32.Version) string {
	if variant == bech32.Version0 {
		return "bech32"
	}
	return "bech32m"
}

func witnessScript(version byte, program []byte) []byte {
	op := byte(op0)
	if version > 0 {
		op = op1 + version - 1
	}
	return append([]byte{op, byte(len(program))}, program...)
}

// bech32Fault says in our words why a text is not bech32.
func bech32Fault(err error) error {
	var mixed bech32.ErrMixedCase
	var checksum bech32.ErrInvalidChecksum
	switch {
	case errors.As(err, &mixed):
		return fmt.Errorf("upper and lower case are mixed: %w", coins.ErrAddress)
	case errors.As(err, &checksum):
		return fmt.Errorf("checksum does not match, a character is wrong: %w", coins.ErrAddress)
	}
	return fmt.Errorf("not bech32 (%s): %w", err, coins.ErrAddress)
}

// fromBase58 reads a payload whose checksum is right.
func (c *coin) fromBase58(address string, payload []byte, version byte) ([]byte, error) {
	prefixes := &c.params.Address
	switch {
	case len(payload) == 32 || len(payload) == 33:
		return nil, fmt.Errorf("this is a private key, and now it is no secret any more: %w", coins.ErrAddress)
	case len(payload) != hash160Size:
		return nil, fmt.Errorf("base58 of %d bytes, an address has %d: %w", len(payload), hash160Size, coins.ErrAddress)
	case slices.Contains(prefixes.P2PKH, version):
		return keyHashScript(payload), nil
	case slices.Contains(prefixes.P2SH, version):
		return scriptHashScript(payload), nil
	case !slices.Contains(prefixes.P2SHForeign, version):
		return nil, fmt.Errorf("%q has version %d%s, %s: %w", address, version, knownVersion(version), c.expects(), coins.ErrWrongNetwork)
	case c.ambiguous:
		return scriptHashScript(payload), nil
	}
	return nil, fmt.Errorf("%q: use the %s form %s: %w", address, c.params.Name,
		base58.CheckEncode(payload, prefixes.P2SH[0]), coins.ErrAmbiguous)
}

func keyHashScript(hash []byte) []byte {
	script := append(make([]byte, 0, 25), opDup, opHash160, hash160Size)
	return append(append(script, hash...), opEqualVer, opCheckSig)
}

func scriptHashScript(hash []byte) []byte {
	script := append(make([]byte, 0, 23), opHash160, hash160Size)
	return append(append(script, hash...), opEqual)
}

// refuse says what a text is that has none of the coin's forms.
func (c *coin) refuse(address string, base58Err error) error {
	hrp, digits, _, err := bech32.DecodeNoLimitWithVersion(address)
	switch {
	case err == nil && len(digits) > 0:
		return fmt.Errorf("%q begins with %s1%s, %s: %w", address, hrp, knownHRP(hrp), c.expects(), coins.ErrWrongNetwork)
	case errors.Is(base58Err, base58.ErrChecksum):
		return fmt.Errorf("%s: checksum does not match, a character is wrong: %w", quote(address), coins.ErrAddress)
	case errors.As(err, new(bech32.ErrInvalidChecksum)), errors.As(err, new(bech32.ErrMixedCase)):
		return fmt.Errorf("%s: %w", quote(address), bech32Fault(err))
	}
	return fmt.Errorf("%s: neither base58 nor bech32: %w", quote(address), coins.ErrAddress)
}

// quote quotes what may be a mistyped address. Longer texts may be a mistyped
// private key: their words are kept out of messages and logs.
func quote(address string) string {
	const longestBase58 = 35
	if len(address) > longestBase58 {
		return fmt.Sprintf("text of %d characters", len(address))
	}
	return strconv.Quote(address)
}

// expects names the coin and network for a message about a foreign address.
func (c *coin) expects() string {
	text := fmt.Sprintf("%s %s has versions %d and %d", c.params.Name, c.params.Network,
		c.params.Address.P2PKH[0], c.params.Address.P2SH[0])
	if c.params.Address.HRP != "" {
		text += " and " + c.params.Address.HRP + "1"
	}
	return text
}
