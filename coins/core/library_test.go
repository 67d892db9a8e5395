package core_test

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	ltccfg "github.com/ltcsuite/ltcd/chaincfg"
	ltcscript "github.com/ltcsuite/ltcd/txscript"
	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/ltc"
)

// drawScript makes a script that has an address with both libraries.
func drawScript(rt *rapid.T) []byte {
	bytesOf := func(n int) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(rt, "hash") }
	switch rapid.IntRange(0, 4).Draw(rt, "type") {
	case 0:
		return append(append([]byte{0x76, 0xa9, 20}, bytesOf(20)...), 0x88, 0xac)
	case 1:
		return append(append([]byte{0xa9, 20}, bytesOf(20)...), 0x87)
	case 2:
		return append([]byte{0, 20}, bytesOf(20)...)
	case 3:
		return append([]byte{0, 32}, bytesOf(32)...)
	}
	return append([]byte{0x51, 32}, bytesOf(32)...)
}

// TestAddressesAgainstLibraries writes addresses of random scripts and has
// btcd's and ltcd's codecs write and read them.
func TestAddressesAgainstLibraries(t *testing.T) {
	bitcoin, litecoin := coin(t, btc.New, coins.Main), coin(t, ltc.New, coins.Main)
	rapid.Check(t, func(rt *rapid.T) {
		script := drawScript(rt)
		ours, _ := bitcoin.Address(script)
		_, theirs, _, err := txscript.ExtractPkScriptAddrs(script, &chaincfg.MainNetParams)
		if err != nil || len(theirs) != 1 || theirs[0].EncodeAddress() != ours {
			rt.Fatalf("%x: %s, btcd says %v (%v)", script, ours, theirs, err)
		}
		if back, ok := btcdScript(ours, &chaincfg.MainNetParams); !ok || !bytes.Equal(back, script) {
			rt.Fatalf("%s: btcd reads %x", ours, back)
		}
		ours, _ = litecoin.Address(script)
		_, litoshis, _, err := ltcscript.ExtractPkScriptAddrs(script, &ltccfg.MainNetParams)
		if err != nil || len(litoshis) != 1 || litoshis[0].EncodeAddress() != ours {
			rt.Fatalf("%x: %s, ltcd says %v (%v)", script, ours, litoshis, err)
		}
		if back, ok := ltcdScript(ours, &ltccfg.MainNetParams); !ok || !bytes.Equal(back, script) {
			rt.Fatalf("%s: ltcd reads %x", ours, back)
		}
	})
}

// TestParamsAgainstLibraries compares what btcd and ltcd know of the networks.
func TestParamsAgainstLibraries(t *testing.T) {
	for network, theirs := range map[coins.Network]*chaincfg.Params{
		coins.Main: &chaincfg.MainNetParams, coins.Test: &chaincfg.TestNet3Params, coins.Testnet4: &chaincfg.TestNet4Params,
		coins.Signet: &chaincfg.SigNetParams, coins.Regtest: &chaincfg.RegressionNetParams,
	} {
		p := coin(t, btc.New, network).Params()
		compareParams(t, p, facts{coins.BlockHash(*theirs.GenesisHash), uint32(theirs.Net), theirs.PubKeyHashAddrID, theirs.ScriptHashAddrID,
			theirs.PrivateKeyID, theirs.Bech32HRPSegwit, theirs.HDPublicKeyID, theirs.HDPrivateKeyID, theirs.CoinbaseMaturity})
	}
	for network, theirs := range map[coins.Network]*ltccfg.Params{
		coins.Main: &ltccfg.MainNetParams, coins.Test: &ltccfg.TestNet4Params, coins.Regtest: &ltccfg.RegressionNetParams,
	} {
		p := coin(t, ltc.New, network).Params()
		compareParams(t, p, facts{coins.BlockHash(*theirs.GenesisHash), uint32(theirs.Net), theirs.PubKeyHashAddrID, theirs.ScriptHashAddrID,
			theirs.PrivateKeyID, theirs.Bech32HRPSegwit, theirs.HDPublicKeyID, theirs.HDPrivateKeyID, theirs.CoinbaseMaturity})
	}
}

// facts are what both libraries know of a network.
type facts struct {
	genesis          coins.BlockHash
	magic            uint32
	p2pkh, p2sh, wif byte
	hrp              string
	public, private  [4]byte
	coinbaseMaturity uint16
}

func compareParams(t *testing.T, p *coins.Params, want facts) {
	t.Helper()
	a, m := &p.Address, p.Chain.Magic
	got := facts{p.Chain.Genesis, uint32(m[0]) | uint32(m[1])<<8 | uint32(m[2])<<16 | uint32(m[3])<<24, a.P2PKH[0], a.P2SH[0],
		a.WIF, a.HRP, bigEndian(a.HDPublic), bigEndian(a.HDPrivate), uint16(p.Chain.MaturityOf(0))}
	if got != want {
		t.Errorf("%s %s:\n got %+v\nwant %+v", p.Name, p.Network, got, want)
	}
}

func bigEndian(n uint32) [4]byte { return [4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)} }
