package descriptor

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"coffer.example/coffer/coins"
)

// key is one key expression.
type key struct {
	// origin is "[fingerprint/path]", or "".
	origin string
	// fixed is a key that is the same at every index.
	fixed []byte
	// extended is an extended public key and form what its version says of it.
	extended *hdkeychain.ExtendedKey
	form     coins.HDForm
	steps    []step
	ranged   bool
	// parents are the keys at the end of the steps, one for each way.
	parents []*parent
}

// step is one element of a path: a number, or several in angle brackets.
type step []uint32

func (s step) String() string {
	if len(s) == 1 {
		return strconv.FormatUint(uint64(s[0]), 10)
	}
	texts := make([]string, len(s))
	for i, n := range s {
		texts[i] = strconv.FormatUint(uint64(n), 10)
	}
	return "<" + strings.Join(texts, ";") + ">"
}

// String writes the key expression in its canonical form.
func (k *key) String() string {
	var b strings.Builder
	b.WriteString(k.origin)
	if k.extended == nil {
		b.WriteString(hex.EncodeToString(k.fixed))
		return b.String()
	}
	b.WriteString(k.extended.String())
	for _, s := range k.steps {
		b.WriteString("/" + s.String())
	}
	if k.ranged {
		b.WriteString("/*")
	}
	return b.String()
}

// ways returns the step with several numbers, or one of one number.
func (k *key) ways() step {
	for _, s := range k.steps {
		if len(s) > 1 {
			return s
		}
	}
	return step{0}
}

// path names the key at an index by its steps.
func (k *key) path(way, index uint32) string {
	var texts []string
	for _, s := range k.steps {
		texts = append(texts, step{s.at(way)}.String())
	}
	if k.ranged {
		texts = append(texts, strconv.FormatUint(uint64(index), 10))
	}
	return strings.Join(texts, "/")
}

func (s step) at(way uint32) uint32 {
	if len(s) == 1 {
		return s[0]
	}
	return s[way]
}

// compressed says whether the key is written with 33 bytes.
func (k *key) compressed() bool {
	return k.extended != nil || len(k.fixed) == btcec.PubKeyBytesLenCompressed
}

// derive walks the steps that all indexes share.
func (k *key) derive() error {
	if k.extended == nil {
		return nil
	}
	for way := range k.ways() {
		at := k.extended
		for _, s := range k.steps {
			child, err := at.Derive(s.at(uint32(way)))
			if err != nil {
				return fmt.Errorf("step %d of %s: %w: %w", s.at(uint32(way)), k.name(), ErrIndex, err)
			}
			at = child
		}
		p, err := newParent(at)
		if err != nil {
			return fmt.Errorf("%s: %w: %w", k.name(), ErrDescriptor, err)
		}
		k.parents = append(k.parents, p)
	}
	return nil
}

// at returns the public key at an index.
func (k *key) at(way, index uint32) ([]byte, error) {
	if k.extended == nil {
		return k.fixed, nil
	}
	at := k.parents[0]
	if len(k.parents) > 1 {
		at = k.parents[way]
	}
	if !k.ranged {
		return at.public, nil
	}
	public, err := at.child(index)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.name(), err)
	}
	return public, nil
}

// name names an extended key in messages by its beginning.
func (k *key) name() string { return abbreviate(k.extended.String()) }

// abbreviate shows the beginning of a text that may be a key.
func abbreviate(text string) string {
	const shown = 4
	if len(text) <= shown {
		return text
	}
	return text[:shown] + "…"
}

// readKey parses a key expression.
func readKey(text string, p *coins.Params) (*key, error) {
	k := &key{}
	rest, err := k.readOrigin(text)
	if err != nil {
		return nil, err
	}
	base, path, hasPath := strings.Cut(rest, "/")
	if err := refusePrivate(base); err != nil {
		return nil, err
	}
	if public, err := hex.DecodeString(base); err == nil && base != "" {
		if hasPath {
			return nil, fmt.Errorf("key %s is not an extended one and has no path: %w", abbreviate(base), ErrDescriptor)
		}
		return k, k.readFixed(public)
	}
	if err := k.readExtended(base, p); err != nil {
		return nil, err
	}
	if !hasPath {
		return k, nil
	}
	return k, k.readPath(path)
}

// readOrigin takes "[fingerprint/path]" off a key.
func (k *key) readOrigin(text string) (rest string, err error) {
	if !strings.HasPrefix(text, "[") {
		return text, nil
	}
	origin, rest, found := strings.Cut(text[1:], "]")
	if !found {
		return "", fmt.Errorf("the origin of a key has no closing bracket: %w", ErrDescriptor)
	}
	parts := strings.Split(origin, "/")
	if raw, err := hex.DecodeString(parts[0]); err != nil || len(raw) != 4 {
		return "", fmt.Errorf("the origin of a key begins with a fingerprint of 8 hexadecimal digits: %w", ErrDescriptor)
	}
	if strings.Contains(rest, "[") {
		return "", fmt.Errorf("a key has two origins: %w", ErrDescriptor)
	}
	k.origin = "[" + strings.ToLower(parts[0])
	for _, part := range parts[1:] {
		number, hardened, err := readNumber(part)
		if err != nil {
			return "", fmt.Errorf("in the origin of a key: %w", err)
		}
		k.origin += "/" + step{number}.String()
		if hardened {
			k.origin += "h"
		}
	}
	k.origin += "]"
	return rest, nil
}

// uncompressedSize is an uncompressed public key in bytes.
const uncompressedSize = 65

// readFixed takes a public key: 33 or 65 bytes, or 32 for tr.
func (k *key) readFixed(public []byte) error {
	var err error
	switch {
	case len(public) == schnorr.PubKeyBytesLen:
		_, err = schnorr.ParsePubKey(public)
	case len(public) == btcec.PubKeyBytesLenCompressed, len(public) == uncompressedSize && public[0] == 4:
		_, err = btcec.ParsePubKey(public)
	default:
		return fmt.Errorf("a public key has 66 hexadecimal digits from 02 or 03, or 130 from 04, not %d: %w", 2*len(public), ErrDescriptor)
	}
	if err != nil {
		return fmt.Errorf("a public key is not on the curve: %w", ErrDescriptor)
	}
	k.fixed = public
	return nil
}

// extendedSize is an extended key in bytes, with its checksum; at keyByte is the
// first of the key, 0 for a private one (BIP 32).
const (
	extendedSize = 82
	keyByte      = 45
)

// refusePrivate knows private keys: in wallet import format, extended, and
// extended with a typing mistake.
func refusePrivate(text string) error {
	raw := base58.Decode(text)
	isExtended := len(raw) == extendedSize && raw[keyByte] == 0
	isWIF := (len(raw) == 37 || len(raw) == 38) && raw[0] >= 128
	looks := len(text) > 100 && (text[1:4] == "prv" || text[2:4] == "pv")
	if isExtended || isWIF || looks {
		return fmt.Errorf("a key is a private one: Coffer watches with public keys only: %w", ErrPrivateKey)
	}
	return nil
}

// readExtended takes an extended public key with one of the coin's versions.
func (k *key) readExtended(text string, p *coins.Params) error {
	raw := base58.Decode(text)
	if len(raw) != extendedSize {
		return fmt.Errorf("%q is neither a public key in hexadecimal nor an extended public key: %w", abbreviate(text), ErrDescriptor)
	}
	parsed, err := hdkeychain.NewKeyFromString(text)
	if err != nil {
		return fmt.Errorf("extended key %s has a wrong character: %w", abbreviate(text), ErrDescriptor)
	}
	version := binary.BigEndian.Uint32(raw)
	known := version == p.Address.HDPublic
	for _, alias := range p.Address.HDAliases {
		if version == alias.Public {
			known, k.form = true, alias.Form
		}
	}
	if !known {
		return fmt.Errorf("extended key %s has version %08x, %s %s has %08x: %w", abbreviate(text), version, p.Name, p.Network, p.Address.HDPublic, coins.ErrWrongNetwork)
	}
	own, err := parsed.CloneWithVersion(binary.BigEndian.AppendUint32(nil, p.Address.HDPublic))
	if err != nil {
		return fmt.Errorf("extended key %s: %w: %w", abbreviate(text), ErrDescriptor, err)
	}
	k.extended = own
	return nil
}

// readPath takes the steps after an extended key.
func (k *key) readPath(path string) error {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if part == "*" && i == len(parts)-1 {
			k.ranged = true
			return nil
		}
		s, err := readStep(part)
		if err != nil {
			return fmt.Errorf("in the path of %s: %w", k.name(), err)
		}
		if len(s) > 1 && len(k.ways()) > 1 {
			return fmt.Errorf("the path of %s has <> twice: %w", k.name(), ErrDescriptor)
		}
		k.steps = append(k.steps, s)
	}
	return nil
}

// readStep reads an unhardened number, or several in angle brackets (BIP 389).
func readStep(text string) (step, error) {
	inner, open := strings.CutPrefix(text, "<")
	inner, closed := strings.CutSuffix(inner, ">")
	if open != closed {
		return nil, fmt.Errorf("step %q has one angle bracket: %w", abbreviate(text), ErrDescriptor)
	}
	texts := []string{text}
	if open {
		texts = strings.Split(inner, ";")
		if len(texts) < 2 {
			return nil, fmt.Errorf("<> holds two numbers or more: %w", ErrDescriptor)
		}
	}
	var s step
	for _, one := range texts {
		number, hardened, err := readNumber(one)
		if err != nil {
			return nil, err
		}
		if hardened {
			return nil, fmt.Errorf("step %q: %w", abbreviate(one), ErrHardened)
		}
		for _, other := range s {
			if other == number {
				return nil, fmt.Errorf("<> has %d twice: %w", number, ErrDescriptor)
			}
		}
		s = append(s, number)
	}
	return s, nil
}

// readNumber reads one number with its hardened mark.
func readNumber(text string) (number uint32, hardened bool, err error) {
	digits := strings.TrimRight(text, "h'H")
	hardened = digits != text
	if digits == "*" && len(text)-len(digits) == 1 {
		return 0, false, fmt.Errorf("step %q: %w", text, ErrHardened)
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n >= rangeSize || len(text)-len(digits) > 1 || digits[0] == '+' {
		return 0, false, fmt.Errorf("step %q is not a number below 2147483648: %w", abbreviate(text), ErrDescriptor)
	}
	return uint32(n), hardened, nil
}
