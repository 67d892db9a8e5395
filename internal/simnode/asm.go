package simnode

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// opNames are the names of the opcodes from OP_NOP (0x61) on, as nodes write
// them.
func opNames() []string {
	return strings.Fields(`OP_NOP OP_VER OP_IF OP_NOTIF OP_VERIF OP_VERNOTIF OP_ELSE OP_ENDIF OP_VERIFY OP_RETURN
		OP_TOALTSTACK OP_FROMALTSTACK OP_2DROP OP_2DUP OP_3DUP OP_2OVER OP_2ROT OP_2SWAP OP_IFDUP OP_DEPTH OP_DROP OP_DUP
		OP_NIP OP_OVER OP_PICK OP_ROLL OP_ROT OP_SWAP OP_TUCK OP_CAT OP_SUBSTR OP_LEFT OP_RIGHT OP_SIZE OP_INVERT OP_AND
		OP_OR OP_XOR OP_EQUAL OP_EQUALVERIFY OP_RESERVED1 OP_RESERVED2 OP_1ADD OP_1SUB OP_2MUL OP_2DIV OP_NEGATE OP_ABS
		OP_NOT OP_0NOTEQUAL OP_ADD OP_SUB OP_MUL OP_DIV OP_MOD OP_LSHIFT OP_RSHIFT OP_BOOLAND OP_BOOLOR OP_NUMEQUAL
		OP_NUMEQUALVERIFY OP_NUMNOTEQUAL OP_LESSTHAN OP_GREATERTHAN OP_LESSTHANOREQUAL OP_GREATERTHANOREQUAL OP_MIN OP_MAX
		OP_WITHIN OP_RIPEMD160 OP_SHA1 OP_SHA256 OP_HASH160 OP_HASH256 OP_CODESEPARATOR OP_CHECKSIG OP_CHECKSIGVERIFY
		OP_CHECKMULTISIG OP_CHECKMULTISIGVERIFY OP_NOP1 OP_CHECKLOCKTIMEVERIFY OP_CHECKSEQUENCEVERIFY OP_NOP4 OP_NOP5
		OP_NOP6 OP_NOP7 OP_NOP8 OP_NOP9 OP_NOP10 OP_CHECKSIGADD`)
}

// asm writes an output's script as nodes do: opcodes by name, pushes of up to
// four bytes as the number they stand for, longer ones in hexadecimal.
func asm(script []byte) string { return disassemble(script, hex.EncodeToString) }

// asmIn writes an input's script, where what looks like a signature has its
// last byte by name.
func asmIn(script []byte) string {
	return disassemble(script, func(data []byte) string {
		if kind, ok := signatureKind(data); ok {
			return hex.EncodeToString(data[:len(data)-1]) + kind
		}
		return hex.EncodeToString(data)
	})
}

// signatureKind names what a DER signature signs.
func signatureKind(sig []byte) (string, bool) {
	names := map[byte]string{1: "[ALL]", 2: "[NONE]", 3: "[SINGLE]", 0x81: "[ALL|ANYONECANPAY]", 0x82: "[NONE|ANYONECANPAY]", 0x83: "[SINGLE|ANYONECANPAY]"}
	if len(sig) < 9 || len(sig) > 73 || sig[0] != 0x30 || int(sig[1]) != len(sig)-3 || sig[2] != 2 {
		return "", false
	}
	r := int(sig[3])
	if r == 0 || r+7 > len(sig) || sig[r+4] != 2 || int(sig[r+5])+r+7 != len(sig) {
		return "", false
	}
	name, known := names[sig[len(sig)-1]]
	return name, known
}

func disassemble(script []byte, long func([]byte) string) string {
	names := opNames()
	var words []string
	for len(script) > 0 {
		op := script[0]
		data, rest, ok := push(script)
		switch {
		case !ok:
			return strings.Join(append(words, "[error]"), " ")
		case op <= 0x4e && len(data) <= 4:
			words = append(words, strconv.FormatInt(scriptNumber(data), 10))
		case op <= 0x4e:
			words = append(words, long(data))
		case op == 0x4f:
			words = append(words, "-1")
		case op == 0x50:
			words = append(words, "OP_RESERVED")
		case op <= 0x60:
			words = append(words, strconv.Itoa(int(op)-0x50))
		case int(op)-0x61 < len(names):
			words = append(words, names[op-0x61])
		case op == 0xff:
			words = append(words, "OP_INVALIDOPCODE")
		default:
			words = append(words, "OP_UNKNOWN")
		}
		script = rest
	}
	return strings.Join(words, " ")
}

// push splits the first operation off a script: its data where it is a push.
func push(s []byte) (data, rest []byte, ok bool) {
	op, s := s[0], s[1:]
	size, width := int(op), 0
	switch {
	case op > 0x4e:
		return nil, s, true
	case op == 0x4c:
		width = 1
	case op == 0x4d:
		width = 2
	case op == 0x4e:
		width = 4
	}
	if len(s) < width {
		return nil, nil, false
	}
	if width > 0 {
		size = 0
		for i := width - 1; i >= 0; i-- {
			size = size<<8 | int(s[i])
		}
		s = s[width:]
	}
	if len(s) < size {
		return nil, nil, false
	}
	return s[:size], s[size:], true
}

// scriptNumber reads a little endian number with a sign bit.
func scriptNumber(data []byte) (n int64) {
	for i, b := range data {
		n |= int64(b) << (8 * i)
	}
	if last := len(data) - 1; last >= 0 && data[last]&0x80 != 0 {
		return -(n &^ (0x80 << (8 * last)))
	}
	return n
}
