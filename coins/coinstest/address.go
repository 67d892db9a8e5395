package coinstest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
)

// sample is a script with the type that its coin must give it.
type sample struct {
	kind      coins.ScriptType
	script    []byte
	addressed bool
}

// program returns bytes that differ from each other and end in last.
func program(size int, last byte) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 7)
	}
	b[size-1] = last
	return b
}

func witness(op byte, size int) []byte {
	return append([]byte{op, byte(size)}, program(size, 0xff)...)
}

// samples are scripts of every type that the coin knows.
func samples(c coins.Coin) []sample {
	const opReturn, op1, opCheckSig, opMultisig = 0x6a, 0x51, 0xac, 0xae
	key := append([]byte{33, 2}, program(32, 1)...)
	hash := program(20, 0x80)
	p := c.Params()
	all := []sample{
		{coins.PubKeyHash, append(append([]byte{0x76, 0xa9, 20}, hash...), 0x88, opCheckSig), true},
		{coins.PubKeyHash, append(append([]byte{0x76, 0xa9, 20}, make([]byte, 20)...), 0x88, opCheckSig), true},
		{coins.ScriptHash, append(append([]byte{0xa9, 20}, hash...), 0x87), true},
		{coins.PubKey, append(bytes.Clone(key), opCheckSig), false},
		{coins.Multisig, append(append([]byte{op1}, key...), op1, opMultisig), false},
		{coins.NullData, append([]byte{opReturn, 20}, hash...), false},
		{coins.NonStandard, []byte{op1}, false},
		{coins.WitnessV0PK, witness(0, 20), p.Format.Segwit},
		{coins.WitnessV0SH, witness(0, 32), p.Format.Segwit},
	}
	if p.Classifier < coins.Core021 {
		return append(all, sample{coins.NonStandard, witness(op1, 32), false})
	}
	all = append(all,
		sample{coins.WitnessV1TR, witness(op1, 32), true},
		sample{coins.WitnessElse, witness(op1, 2), true},
		sample{coins.WitnessElse, witness(op1+1, 32), true},
		sample{coins.WitnessElse, witness(op1+15, 40), true},
	)
	if p.Classifier >= coins.Core029 {
		all = append(all, sample{coins.Anchor, []byte{op1, 2, 0x4e, 0x73}, true})
	}
	if p.Format.MWEB {
		all = append(all, sample{coins.HogAddr, witness(op1+7, 32), false}, sample{coins.PegIn, witness(op1+8, 32), false})
	}
	return all
}

func checkAddresses(t *testing.T, c coins.Coin) {
	for _, s := range samples(c) {
		if got := c.Type(s.script); got != s.kind {
			t.Errorf("script %x is %s, want %s", s.script, got, s.kind)
		}
		address, ok := c.Address(s.script)
		if ok != s.addressed {
			t.Errorf("script %x (%s): address %q, want one: %t", s.script, s.kind, address, s.addressed)
		}
		if !ok {
			continue
		}
		roundTrip(t, c, address, s.script)
		if hrp := c.Params().Address.HRP; hrp != "" && strings.HasPrefix(address, hrp+"1") {
			roundTrip(t, c, strings.ToUpper(address), s.script)
		}
	}
}

func roundTrip(t *testing.T, c coins.Coin, address string, script []byte) {
	t.Helper()
	if got, err := c.Script(address); err != nil || !bytes.Equal(got, script) {
		t.Errorf("%s stands for %x (%v), want %x", address, got, err, script)
	}
}

// checkTypos changes every character of an address of each type, and cuts and
// extends it: none of that may be taken for an address.
func checkTypos(t *testing.T, c coins.Coin) {
	for _, s := range samples(c) {
		address, ok := c.Address(s.script)
		if !ok {
			continue
		}
		wrong := []string{address[1:], address[:len(address)-1], address + "1", " " + address, address + "\n"}
		for i := range address {
			other := byte('2')
			if address[i] == other {
				other = '3'
			}
			wrong = append(wrong, address[:i]+string(other)+address[i+1:])
		}
		for _, text := range wrong {
			script, err := c.Script(text)
			if !errors.Is(err, coins.ErrAddress) && !errors.Is(err, coins.ErrWrongNetwork) && !errors.Is(err, coins.ErrAmbiguous) {
				t.Errorf("%q, mistyped from %s, stands for %x (%v)", text, address, script, err)
			}
		}
	}
}
