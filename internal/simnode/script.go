package simnode

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"coffer.example/coffer/coins"
)

// Opcodes that scripts here are made of.
const (
	opTrue        = 0x51
	opReturn      = 0x6a
	opDup         = 0x76
	opEqual       = 0x87
	opEqualVerify = 0x88
	opHash160     = 0xa9
	opCheckSig    = 0xac
)

const finalSequence = 0xffffffff

func coinbasePrev() coins.OutPoint { return coins.OutPoint{Vout: 1<<32 - 1} }

// ownScript is where blocks pay when nobody else is named: anyone can spend it
// with the script OP_TRUE, so real nodes accept our spends. P2WSH on coins with
// segwit, else P2SH (the hash is HASH160 of the byte 51).
func ownScript(f coins.Format) []byte {
	if f.Segwit {
		hash := sha256.Sum256([]byte{opTrue})
		return append([]byte{0, 32}, hash[:]...)
	}
	return []byte{opHash160, 20, 0xda, 0x17, 0x45, 0xe9, 0xb5, 0x49, 0xbd, 0x0b, 0xfa, 0x1a, 0x56, 0x99, 0x71, 0xc7, 0x7e, 0xba, 0x30, 0xcd, 0x5a, 0x4b, opEqual}
}

// unlockOwn spends an output to ownScript.
func unlockOwn(f coins.Format, in *In) {
	if f.Segwit {
		in.Witness = [][]byte{{opTrue}}
		return
	}
	in.Script = []byte{1, opTrue}
}

// unlock fills an input with what spends a script of that form, in its true
// size; signatures and keys are seeded bytes that no node would accept.
func unlock(script []byte, in *In, rng *rand.Rand) {
	const signature, key = 71, 33
	switch {
	case len(script) == 22 && script[0] == 0:
		in.Witness = [][]byte{randomBytes(rng, signature), randomBytes(rng, key)}
	case len(script) == 34 && script[0] == 0:
		in.Witness = [][]byte{{}, randomBytes(rng, signature), randomBytes(rng, signature), randomBytes(rng, 105)}
	case len(script) == 34 && script[0] == opTrue:
		in.Witness = [][]byte{randomBytes(rng, 64)}
	case len(script) == 25 && script[0] == opDup:
		in.Script = appendPushes(nil, randomBytes(rng, signature), randomBytes(rng, key))
	case len(script) == 23 && script[0] == opHash160:
		in.Script = appendPushes([]byte{0}, randomBytes(rng, signature), randomBytes(rng, 71))
	default:
		in.Script = appendPushes(nil, randomBytes(rng, signature))
	}
}

// appendPushes appends pushes of data of at most 75 bytes each.
func appendPushes(dst []byte, items ...[]byte) []byte {
	for _, item := range items {
		dst = append(append(dst, byte(len(item))), item...)
	}
	return dst
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, (n+7)/8*8)
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rng.Uint64())
	}
	return b[:n]
}

// ScriptForm names a form of output script that [RandomScript] makes.
type ScriptForm uint8

// The forms. Those with witnesses exist on coins that have segwit.
const (
	P2PKH ScriptForm = iota
	P2SH
	P2PK
	P2WPKH
	P2WSH
	P2TR
	scriptForms
)

// RandomScript returns a script of a form that pays to nobody.
func RandomScript(rng *rand.Rand, form ScriptForm) []byte {
	switch form {
	case P2SH:
		return append(appendPushes([]byte{opHash160}, randomBytes(rng, 20)), opEqual)
	case P2PK:
		key := randomBytes(rng, 33)
		key[0] = 2 + key[0]&1
		return append(appendPushes(nil, key), opCheckSig)
	case P2WPKH:
		return appendPushes([]byte{0}, randomBytes(rng, 20))
	case P2WSH:
		return appendPushes([]byte{0}, randomBytes(rng, 32))
	case P2TR:
		return appendPushes([]byte{opTrue}, randomBytes(rng, 32))
	}
	return append(appendPushes([]byte{opDup, opHash160}, randomBytes(rng, 20)), opEqualVerify, opCheckSig)
}

// AnyScript returns a script of any form that a format allows.
func AnyScript(rng *rand.Rand, f coins.Format) []byte {
	forms := scriptForms
	if !f.Segwit {
		forms = P2WPKH
	}
	return RandomScript(rng, ScriptForm(rng.IntN(int(forms))))
}

// DataScript returns an OP_RETURN output's script carrying at most 75 bytes.
func DataScript(data []byte) []byte {
	return appendPushes([]byte{opReturn}, data[:min(len(data), 75)])
}
