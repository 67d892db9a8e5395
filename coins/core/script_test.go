package core_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
)

const (
	keyX     = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	keyY     = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
	key      = "02" + keyX
	longKey  = "04" + keyX + keyY
	push     = "21" + key
	longPush = "41" + longKey
	twenty   = "1111111111111111111111111111111111111111"
)

// coin builds a coin or ends the test.
func coin(tb testing.TB, build func(coins.Network) (coins.Coin, error), network coins.Network) coins.Coin {
	tb.Helper()
	c, err := build(network)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func unhex(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// typeCases holds what decodescript of Bitcoin Core 29 and Litecoin Core
// 0.21.2.1 answered on regtest, and for Dogecoin 1.14 what its templates say.
var typeCases = []struct {
	name, script    string
	btc, ltc, doge  coins.ScriptType
	btcAddr, ltcAdr string
}{
	{"anchor", "51024e73", "anchor", "witness_unknown", "nonstandard", "bcrt1pfeesnyr2tx", "rltc1pfees06p8ul"},
	{"taproot", "5120" + keyX, "witness_v1_taproot", "witness_v1_taproot", "nonstandard",
		"bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6", "rltc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqsyzyjh"},
	{"version 1 of 2 bytes", "51021234", "witness_unknown", "witness_unknown", "nonstandard", "bcrt1pzg6qr0fm25", "rltc1pzg6ql3tkad"},
	{"version 2", "5220" + keyX, "witness_unknown", "witness_unknown", "nonstandard",
		"bcrt1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqs635n3", "rltc1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqcemtuu"},
	{"version 16", "6002abcd", "witness_unknown", "witness_unknown", "nonstandard", "bcrt1s40xsc8zgjn", "rltc1s40xsyeq992"},
	{"HogAddr", "5820" + keyX, "witness_unknown", "witness_mweb_hogaddr", "nonstandard",
		"bcrt1g0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqfx4l7z", ""},
	{"peg-in", "5920" + keyX, "witness_unknown", "witness_mweb_pegin", "nonstandard",
		"bcrt1f0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqkd96ru", ""},
	{"version 8 of 2 bytes", "5802abcd", "witness_unknown", "witness_unknown", "nonstandard", "bcrt1g40xsrlq23t", "rltc1g40xslpz8xj"},
	{"version 0 of 10 bytes", "000a" + "11111111111111111111", "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"version 0 of 33 bytes", "0021" + key, "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"version 1 of 40 bytes", "5128" + twenty + twenty, "witness_unknown", "witness_unknown", "nonstandard",
		"bcrt1pzyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3gx3r20", "rltc1pzyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3hucnx6"},
	{"version 1 of 41 bytes", "5129" + twenty + twenty + "11", "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"P2SH", "a914" + twenty + "87", "scripthash", "scripthash", "scripthash", "2MtoTvMi65NXBt3sTCXNd1aqKGa7gXsX8CC", "QNAE3NaL6UaH2EdVpdQe6HGkQxZWWDoUK7"},
	{"P2SH, long push", "a94c14" + twenty + "87", "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"P2PKH, long push", "76a94c14" + twenty + "88ac", "nonstandard", "nonstandard", "pubkeyhash", "", ""},
	{"peg-in, long push", "594c20" + keyX, "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"key", push + "ac", "pubkey", "pubkey", "pubkey", "", ""},
	{"long key", longPush + "ac", "pubkey", "pubkey", "pubkey", "", ""},
	{"hybrid key", "4106" + keyX + keyY + "ac", "pubkey", "pubkey", "pubkey", "", ""},
	{"no key's prefix", "2105" + keyX + "ac", "nonstandard", "nonstandard", "pubkey", "", ""},
	{"key off the curve", "2102" + strings.Repeat("ff", 32) + "ac", "pubkey", "pubkey", "pubkey", "", ""},
	{"1 of 2", "51" + push + push + "52ae", "multisig", "multisig", "multisig", "", ""},
	{"0 of 1", "00" + push + "51ae", "nonstandard", "nonstandard", "multisig", "", ""},
	{"2 of 1", "52" + push + "51ae", "nonstandard", "nonstandard", "multisig", "", ""},
	{"1 of 1 long", "51" + longPush + "51ae", "multisig", "multisig", "multisig", "", ""},
	{"1 of 16", "51" + strings.Repeat(push, 16) + "60ae", "multisig", "multisig", "multisig", "", ""},
	{"1 of 17", "51" + strings.Repeat(push, 17) + "0111ae", "multisig", "nonstandard", "nonstandard", "", ""},
	{"20 of 20", "0114" + strings.Repeat(push, 20) + "0114ae", "multisig", "nonstandard", "nonstandard", "", ""},
	{"1 of 21", "51" + strings.Repeat(push, 21) + "0115ae", "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"1 of 1, long push", "51" + "4c21" + key + "51ae", "multisig", "multisig", "multisig", "", ""},
	{"1 of 1, no key's prefix", "51" + "2105" + keyX + "51ae", "nonstandard", "nonstandard", "multisig", "", ""},
	{"1 of 1, longer number", "0101" + push + "51ae", "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"1 of 2, a key missing", "51" + push + "52ae", "nonstandard", "nonstandard", "multisig", "", ""},
	{"1 of 1 and more", "51" + push + "51ae51", "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"bare OP_RETURN", "6a", "nulldata", "nulldata", "nulldata", "", ""},
	{"data", "6a0411223344", "nulldata", "nulldata", "nulldata", "", ""},
	{"OP_RETURN OP_NOP", "6a61", "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"OP_RETURN OP_RESERVED", "6a50", "nulldata", "nulldata", "nulldata", "", ""},
	{"OP_RETURN OP_16", "6a60", "nulldata", "nulldata", "nulldata", "", ""},
	{"OP_RETURN OP_1NEGATE", "6a4f", "nulldata", "nulldata", "nulldata", "", ""},
	{"data cut short", "6a05112233", "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"data without a length", "6a4c", "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"data of 256 bytes", "6a4d0001" + strings.Repeat("11", 256), "nulldata", "nulldata", "nulldata", "", ""},
	{"nothing", "", "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"fifty OP_1", strings.Repeat("51", 50), "nonstandard", "nonstandard", "nonstandard", "", ""},
	{"OP_CHECKMULTISIG alone", "ae", "nonstandard", "nonstandard", "nonstandard", "", ""},
}

func TestTypeAndAddressAsNodesAnswer(t *testing.T) {
	bitcoin, litecoin := coin(t, btc.New, coins.Regtest), coin(t, ltc.New, coins.Regtest)
	dogecoin := coin(t, doge.New, coins.Regtest)
	for _, tc := range typeCases {
		script := unhex(t, tc.script)
		for _, want := range []struct {
			coin    coins.Coin
			kind    coins.ScriptType
			address string
		}{{bitcoin, tc.btc, tc.btcAddr}, {litecoin, tc.ltc, tc.ltcAdr}} {
			if got := want.coin.Type(script); got != want.kind {
				t.Errorf("%s, %s: type %s, node says %s", tc.name, want.coin.Params().Name, got, want.kind)
			}
			if got, _ := want.coin.Address(script); got != want.address {
				t.Errorf("%s, %s: address %q, node says %q", tc.name, want.coin.Params().Name, got, want.address)
			}
		}
		if got := dogecoin.Type(script); got != tc.doge {
			t.Errorf("%s, Dogecoin: type %s, want %s", tc.name, got, tc.doge)
		}
	}
}

func TestDust(t *testing.T) {
	// The table of the coins' policies: P2PKH, P2SH, P2WPKH, P2WSH, P2TR, anchor, data.
	scripts := []string{"76a914" + twenty + "88ac", "a914" + twenty + "87", "0014" + twenty, "0020" + keyX, "5120" + keyX, "51024e73", "6a0411223344"}
	for _, tc := range []struct {
		build func(coins.Network) (coins.Coin, error)
		want  []coins.Amount
	}{
		{btc.New, []coins.Amount{546, 540, 294, 330, 330, 240, 0}},
		{ltc.New, []coins.Amount{5460, 5400, 2940, 3300, 3300, 2400, 0}},
		{doge.New, []coins.Amount{100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 0}},
	} {
		c := coin(t, tc.build, coins.Main)
		for i, script := range scripts {
			if got := c.Dust(unhex(t, script)); got != tc.want[i] {
				t.Errorf("%s: dust of %s is %d, want %d", c.Params().Name, script, got, tc.want[i])
			}
		}
	}
}
