package core

import "coffer.example/coffer/coins"

// isMultisig knows a bare multisig: required, keys, their number,
// OP_CHECKMULTISIG, as Core since 0.17 does.
func (c *coin) isMultisig(s []byte) bool {
	if len(s) == 0 || s[len(s)-1] != opMultisig {
		return false
	}
	op, data, rest, ok := nextOp(s)
	required := c.keyCount(op, data)
	if !ok || required == 0 {
		return false
	}
	keys := 0
	for {
		op, data, rest, ok = nextOp(rest)
		if !ok || !isKey(data) {
			break
		}
		keys++
	}
	count := c.keyCount(op, data)
	return ok && count >= required && count == keys && len(rest) == 1
}

// keyCount reads a number of keys or signatures, 0 where it is none: OP_1 to
// OP_16 and, for newer nodes, 17 to 20 in their shortest push.
func (c *coin) keyCount(op byte, data []byte) int {
	const most = 20
	switch {
	case op >= op1 && op <= op16:
		return int(op-op1) + 1
	case c.params.Classifier >= coins.Core029 && op == 1 && data[0] > 16 && data[0] <= most:
		return int(data[0])
	}
	return 0
}

// templateType names a script as Core up to 0.16 did, by templates whose
// pushes may have any form. Such a P2PKH with a longer push than needed is
// named like the plain one, but has no address here: no address stands for it.
func templateType(s []byte) coins.ScriptType {
	op, data, rest, ok := nextOp(s)
	switch {
	case !ok:
		return coins.NonStandard
	case looseKey(data) && len(rest) == 1 && rest[0] == opCheckSig:
		return coins.PubKey
	case op == opDup && templateHash(rest):
		return coins.PubKeyHash
	case smallNumber(op) && templateKeys(rest):
		return coins.Multisig
	}
	return coins.NonStandard
}

// looseKey is what the old templates take for a public key.
func looseKey(data []byte) bool { return len(data) >= 33 && len(data) <= 65 }

func smallNumber(op byte) bool { return op == op0 || (op >= op1 && op <= op16) }

// templateHash matches OP_HASH160, a push of 20 bytes in any form,
// OP_EQUALVERIFY and OP_CHECKSIG.
func templateHash(s []byte) bool {
	if len(s) == 0 || s[0] != opHash160 {
		return false
	}
	_, data, rest, ok := nextOp(s[1:])
	return ok && len(data) == hash160Size && len(rest) == 2 && rest[0] == opEqualVer && rest[1] == opCheckSig
}

// templateKeys matches keys, a small number and OP_CHECKMULTISIG. The old
// nodes report the type even where the numbers do not fit the keys.
func templateKeys(s []byte) bool {
	op, data, rest, ok := nextOp(s)
	for ok && looseKey(data) {
		op, data, rest, ok = nextOp(rest)
	}
	return ok && smallNumber(op) && len(rest) == 1 && rest[0] == opMultisig
}
