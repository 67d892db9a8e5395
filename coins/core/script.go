package core

import (
	"coffer.example/coffer/coins"
)

// Opcodes that classification knows.
const (
	op0         = 0x00
	opPushData1 = 0x4c
	opPushData2 = 0x4d
	opPushData4 = 0x4e
	op1         = 0x51
	op16        = 0x60
	opReturn    = 0x6a
	opDup       = 0x76
	opEqual     = 0x87
	opEqualVer  = 0x88
	opHash160   = 0xa9
	opCheckSig  = 0xac
	opMultisig  = 0xae
	opInvalid   = 0xff
)

const (
	hash160Size = 20
	sha256Size  = 32
	minProgram  = 2
	maxProgram  = 40
	hogVersion  = 8
	pegVersion  = 9
)

// Type names a script as the coin's node does, by the rules of its
// [coins.Classifier].
func (c *coin) Type(script []byte) coins.ScriptType {
	if isScriptHash(script) {
		return coins.ScriptHash
	}
	if version, program, ok := witnessProgram(script); ok {
		return c.witnessType(version, program)
	}
	if len(script) > 0 && script[0] == opReturn && pushOnly(script[1:]) {
		return coins.NullData
	}
	if c.params.Classifier == coins.Core014 {
		return templateType(script)
	}
	switch {
	case isPubKey(script):
		return coins.PubKey
	case isPubKeyHash(script):
		return coins.PubKeyHash
	case c.isMultisig(script):
		return coins.Multisig
	}
	return coins.NonStandard
}

// witnessType names a witness program.
func (c *coin) witnessType(version byte, program []byte) coins.ScriptType {
	rules := c.params.Classifier
	switch {
	case version == 0 && len(program) == hash160Size:
		return coins.WitnessV0PK
	case version == 0 && len(program) == sha256Size:
		return coins.WitnessV0SH
	case version == 0 || rules < coins.Core021:
		return coins.NonStandard
	case version == 1 && len(program) == sha256Size:
		return coins.WitnessV1TR
	case rules >= coins.Core029 && version == 1 && string(program) == anchorProgram:
		return coins.Anchor
	case c.isExtension(version, program) && version == hogVersion:
		return coins.HogAddr
	case c.isExtension(version, program):
		return coins.PegIn
	}
	return coins.WitnessElse
}

// anchorProgram is the program of Core's pay-to-anchor output, 51024e73.
const anchorProgram = "\x4e\x73"

// isExtension reports whether a program is MWEB's own: HogAddr or peg-in.
func (c *coin) isExtension(version byte, program []byte) bool {
	return c.params.Format.MWEB && len(program) == sha256Size && (version == hogVersion || version == pegVersion)
}

func isPubKeyHash(s []byte) bool {
	return len(s) == 25 && s[0] == opDup && s[1] == opHash160 && s[2] == hash160Size && s[23] == opEqualVer && s[24] == opCheckSig
}

func isScriptHash(s []byte) bool {
	return len(s) == 23 && s[0] == opHash160 && s[1] == hash160Size && s[22] == opEqual
}

// witnessProgram takes apart a witness output (BIP 141): a small number and
// one direct push of 2 to 40 bytes.
func witnessProgram(s []byte) (version byte, program []byte, ok bool) {
	if len(s) < 2+minProgram || len(s) > 2+maxProgram || int(s[1]) != len(s)-2 {
		return 0, nil, false
	}
	switch {
	case s[0] == op0:
		return 0, s[2:], true
	case s[0] >= op1 && s[0] <= op16:
		return s[0] - op1 + 1, s[2:], true
	}
	return 0, nil, false
}

// isPubKey knows one directly pushed key and OP_CHECKSIG.
func isPubKey(s []byte) bool {
	return len(s) > 2 && int(s[0]) == len(s)-2 && s[len(s)-1] == opCheckSig && isKey(s[1:len(s)-1])
}

// isKey knows a public key by prefix and length only, as nodes do: whether it
// is on the curve shows when it is spent.
func isKey(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	switch b[0] {
	case 2, 3:
		return len(b) == 33
	case 4, 6, 7:
		return len(b) == 65
	}
	return false
}

// nextOp reads one opcode and the data it pushes. At the end, and where the
// script is cut short, the opcode is opInvalid and ok is false.
func nextOp(s []byte) (op byte, data, rest []byte, ok bool) {
	if len(s) == 0 {
		return opInvalid, nil, nil, false
	}
	op, s = s[0], s[1:]
	length, width := 0, 0
	switch {
	case op < opPushData1:
		length = int(op)
	case op <= opPushData4:
		width = 1 << (op - opPushData1)
	}
	if len(s) < width {
		return opInvalid, nil, nil, false
	}
	for i := width - 1; i >= 0; i-- {
		length = length<<8 | int(s[i])
	}
	if s = s[width:]; len(s) < length {
		return opInvalid, nil, nil, false
	}
	return op, s[:length], s[length:], true
}

// pushOnly reports whether a script only pushes; OP_RESERVED counts, as it
// does for nodes.
func pushOnly(s []byte) bool {
	for len(s) > 0 {
		op, _, rest, ok := nextOp(s)
		if !ok || op > op16 {
			return false
		}
		s = rest
	}
	return true
}
