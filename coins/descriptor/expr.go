package descriptor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"coffer.example/coffer/coins"
)

// fn is the name of a script expression.
type fn string

// The script expressions that are read.
const (
	fnPK          fn = "pk"
	fnPKH         fn = "pkh"
	fnWPKH        fn = "wpkh"
	fnSH          fn = "sh"
	fnWSH         fn = "wsh"
	fnTR          fn = "tr"
	fnMulti       fn = "multi"
	fnSortedMulti fn = "sortedmulti"
	fnCombo       fn = "combo"
	fnAddr        fn = "addr"
	fnRaw         fn = "raw"
)

// expr is one script expression.
type expr struct {
	name fn
	// sub is the argument of sh and wsh; keys are those of the others.
	sub       *expr
	keys      []*key
	threshold int
	// fixed is the script of addr and raw, text their argument.
	fixed []byte
	text  string
}

// String writes the expression without a checksum.
func (e *expr) String() string {
	arguments := make([]string, 0, 1+len(e.keys))
	switch {
	case e.sub != nil:
		arguments = append(arguments, e.sub.String())
	case e.fixed != nil:
		arguments = append(arguments, e.text)
	case e.threshold > 0:
		arguments = append(arguments, strconv.Itoa(e.threshold))
	}
	for _, k := range e.keys {
		arguments = append(arguments, k.String())
	}
	return string(e.name) + "(" + strings.Join(arguments, ",") + ")"
}

// label names a form of a combo.
func (e *expr) label() fn {
	if e.sub != nil {
		return e.name + "-" + e.sub.label()
	}
	return e.name
}

// allKeys returns the keys of the expression and of those in it.
func (e *expr) allKeys() []*key {
	if e.sub != nil {
		return e.sub.allKeys()
	}
	return e.keys
}

// extended returns the first extended key, nil where there is none.
func (e *expr) extended() *key {
	for _, k := range e.allKeys() {
		if k.extended != nil {
			return k
		}
	}
	return nil
}

// expand returns the expressions that a combo stands for (BIP 384), itself for
// others. A coin without segwit has no witness forms.
func (e *expr) expand(p *coins.Params) []*expr {
	if e.name != fnCombo {
		return []*expr{e}
	}
	forms := []*expr{{name: fnPK, keys: e.keys}, {name: fnPKH, keys: e.keys}}
	if p.Format.Segwit && e.keys[0].compressed() {
		witness := &expr{name: fnWPKH, keys: e.keys}
		forms = append(forms, witness, &expr{name: fnSH, sub: witness})
	}
	return forms
}

// Opcodes of the scripts that are made here.
const (
	opDup, opHash160, opEqual, opEqualVerify = 0x76, 0xa9, 0x87, 0x88
	opCheckSig, opMultisig                   = 0xac, 0xae
	op1                                      = 0x51
)

// script returns the output script at an index.
func (e *expr) script(way, index uint32) ([]byte, error) {
	if e.fixed != nil {
		return slices.Clone(e.fixed), nil
	}
	if e.sub != nil {
		inner, err := e.sub.script(way, index)
		if err != nil {
			return nil, err
		}
		if e.name == fnWSH {
			hash := sha256.Sum256(inner)
			return append([]byte{0, sha256.Size}, hash[:]...), nil
		}
		return append(append([]byte{opHash160, hashSize}, address.Hash160(inner)...), opEqual), nil
	}
	keys := make([][]byte, len(e.keys))
	for i, k := range e.keys {
		public, err := k.at(way, index)
		if err != nil {
			return nil, err
		}
		keys[i] = public
	}
	return e.ofKeys(keys)
}

const hashSize = 20

// ofKeys returns the script of an expression that has keys.
func (e *expr) ofKeys(keys [][]byte) ([]byte, error) {
	switch e.name {
	case fnPK:
		return append(push(nil, keys[0]), opCheckSig), nil
	case fnPKH:
		script := append([]byte{opDup, opHash160, hashSize}, address.Hash160(keys[0])...)
		return append(script, opEqualVerify, opCheckSig), nil
	case fnWPKH:
		return append([]byte{0, hashSize}, address.Hash160(keys[0])...), nil
	case fnTR:
		return taproot(keys[0])
	case fnSortedMulti:
		slices.SortFunc(keys, bytes.Compare)
	}
	return multisig(e.threshold, keys), nil
}

// taproot returns the script of an internal key without a script path (BIP 341,
// BIP 386). It takes 32 bytes or a compressed key.
func taproot(key []byte) ([]byte, error) {
	internal, err := schnorr.ParsePubKey(key[len(key)-schnorr.PubKeyBytesLen:])
	if err != nil {
		return nil, err
	}
	output := schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(internal))
	return append([]byte{op1, schnorr.PubKeyBytesLen}, output...), nil
}

func multisig(threshold int, keys [][]byte) []byte {
	script := number(nil, threshold)
	for _, k := range keys {
		script = push(script, k)
	}
	return append(number(script, len(keys)), opMultisig)
}

// number appends a number from 1 to 20 in its shortest form.
func number(script []byte, n int) []byte {
	if n <= 16 {
		return append(script, byte(op1+n-1))
	}
	return append(script, 1, byte(n))
}

// push appends a key; none is longer than 65 bytes, so that one length byte is
// the shortest form.
func push(script, data []byte) []byte {
	return append(append(script, byte(len(data))), data...)
}

func fixedExpr(name fn, script []byte, text string) *expr {
	return &expr{name: name, fixed: script, text: text}
}

func rawExpr(script []byte) *expr { return fixedExpr(fnRaw, script, hex.EncodeToString(script)) }
