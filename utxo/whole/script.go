package whole

import (
	"bytes"
	"encoding/binary"

	"coffer.example/coffer/coins"
)

// Codes of a stored script: forms that need only their hash, and from
// scriptRaw on any other script, its length added.
const (
	scriptNone        = 0 // nothing can spend the output
	scriptPubKeyHash  = 1
	scriptScriptHash  = 2
	scriptWitness20   = 3
	scriptWitness32   = 4
	scriptTaproot     = 5
	scriptPubKey      = 6 // a compressed key
	scriptRaw         = 7
	hash20, hash32    = 20, 32
	compressedKeySize = 33
)

// scriptForm is a script that is a hash between fixed bytes.
type scriptForm struct {
	before, after []byte
	size          int
}

// formOf returns the form of a code, and false for those without one.
func formOf(code uint64) (scriptForm, bool) {
	switch code {
	case scriptPubKeyHash:
		return scriptForm{[]byte{0x76, 0xa9, 0x14}, []byte{0x88, 0xac}, hash20}, true
	case scriptScriptHash:
		return scriptForm{[]byte{0xa9, 0x14}, []byte{0x87}, hash20}, true
	case scriptWitness20:
		return scriptForm{[]byte{0x00, 0x14}, nil, hash20}, true
	case scriptWitness32:
		return scriptForm{[]byte{0x00, 0x20}, nil, hash32}, true
	case scriptTaproot:
		return scriptForm{[]byte{0x51, 0x20}, nil, hash32}, true
	case scriptPubKey:
		return scriptForm{[]byte{0x21}, []byte{0xac}, compressedKeySize}, true
	}
	return scriptForm{}, false
}

// codeOf guesses a script's code by its length and first byte.
func codeOf(script []byte) uint64 {
	switch {
	case len(script) == 25 && script[0] == 0x76:
		return scriptPubKeyHash
	case len(script) == 23 && script[0] == 0xa9:
		return scriptScriptHash
	case len(script) == 22 && script[0] == 0x00:
		return scriptWitness20
	case len(script) == 34 && script[0] == 0x00:
		return scriptWitness32
	case len(script) == 34 && script[0] == 0x51:
		return scriptTaproot
	case len(script) == 35 && script[0] == 0x21:
		return scriptPubKey
	}
	return scriptRaw
}

// appendScript appends a script as stored.
func appendScript(dst, script []byte) []byte {
	if coins.Unspendable(script) {
		return append(dst, scriptNone)
	}
	code := codeOf(script)
	if form, ok := formOf(code); ok && bytes.HasPrefix(script, form.before) && bytes.HasSuffix(script, form.after) {
		return append(append(dst, byte(code)), script[len(form.before):len(form.before)+form.size]...)
	}
	return append(binary.AppendUvarint(dst, scriptRaw+uint64(len(script))), script...)
}

// stored is a script as it is stored: whole where there is no form.
type stored struct {
	code uint64
	body []byte
}

// script reads a stored script, without putting it together.
func (d *decoder) script() stored {
	code := d.uvarint()
	if code == scriptNone {
		return stored{}
	}
	if form, ok := formOf(code); ok {
		return stored{code, d.take(form.size)}
	}
	if code-scriptRaw > 1<<31 {
		d.bad = true
		return stored{}
	}
	return stored{scriptRaw, d.take(int(code - scriptRaw))}
}

// bytes puts the script together.
func (s stored) bytes() []byte {
	if form, ok := formOf(s.code); ok {
		return bytes.Join([][]byte{form.before, s.body, form.after}, nil)
	}
	return bytes.Clone(s.body)
}
