package core_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	ltccfg "github.com/ltcsuite/ltcd/chaincfg"
	"github.com/ltcsuite/ltcd/ltcutil"
	ltcscript "github.com/ltcsuite/ltcd/txscript"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
)

func everyCoin(tb testing.TB) (all []coins.Coin) {
	tb.Helper()
	for _, build := range []func(coins.Network) (coins.Coin, error){btc.New, ltc.New, doge.New} {
		for _, network := range []coins.Network{coins.Main, coins.Test, coins.Regtest} {
			all = append(all, coin(tb, build, network))
		}
	}
	return all
}

// btcdScript is the script that btcd says an address stands for.
func btcdScript(text string, net *chaincfg.Params) ([]byte, bool) {
	decoded, err := address.DecodeAddress(text, net)
	if err != nil || !decoded.IsForNet(net) {
		return nil, false
	}
	if _, bareKey := decoded.(*address.AddressPubKey); bareKey {
		return nil, false // btcd takes a public key for an address, nodes do not
	}
	script, err := txscript.PayToAddrScript(decoded)
	return script, err == nil
}

func ltcdScript(text string, net *ltccfg.Params) ([]byte, bool) {
	decoded, err := ltcutil.DecodeAddress(text, net)
	if err != nil || !decoded.IsForNet(net) {
		return nil, false
	}
	if _, bareKey := decoded.(*ltcutil.AddressPubKey); bareKey {
		return nil, false
	}
	script, err := ltcscript.PayToAddrScript(decoded)
	return script, err == nil
}

// FuzzAddress reads any text with every coin. What is read is written back as
// the same address, and what btcd or ltcd read is read alike.
func FuzzAddress(f *testing.F) {
	all := everyCoin(f)
	for _, tc := range typeCases {
		script := unhex(f, tc.script)
		for _, c := range all {
			if text, ok := c.Address(script); ok {
				f.Add(text)
				f.Add(strings.ToUpper(text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range all {
			script, err := c.Script(text)
			if err != nil {
				if script != nil {
					t.Fatalf("%q: a script beside %v", text, err)
				}
				continue
			}
			if back, ok := c.Address(script); !ok || !strings.EqualFold(back, text) {
				t.Fatalf("%s %s: %q stands for %x, whose address is %q", c.Params().Name, c.Params().Network, text, script, back)
			}
		}
		agree(t, all[0], text, func() ([]byte, bool) { return btcdScript(text, &chaincfg.MainNetParams) })
		agree(t, all[2], text, func() ([]byte, bool) { return btcdScript(text, &chaincfg.RegressionNetParams) })
		agree(t, all[3], text, func() ([]byte, bool) { return ltcdScript(text, &ltccfg.MainNetParams) })
	})
}

// agree holds that what a library reads, the coin reads alike or refuses as
// ambiguous.
func agree(t *testing.T, c coins.Coin, text string, library func() ([]byte, bool)) {
	t.Helper()
	want, ok := library()
	if !ok {
		return
	}
	if got, err := c.Script(text); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s: %q stands for %x (%v), the library says %x", c.Params().Name, text, got, err, want)
	}
}

// FuzzScript classifies any script with every coin and holds what the types
// promise about addresses.
func FuzzScript(f *testing.F) {
	all := everyCoin(f)
	for _, tc := range typeCases {
		f.Add(unhex(f, tc.script))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		for _, c := range all {
			kind := c.Type(script)
			text, ok := c.Address(script)
			if ok {
				if back, err := c.Script(text); err != nil || !bytes.Equal(back, script) {
					t.Fatalf("%s: %x has address %q, which stands for %x (%v)", c.Params().Name, script, text, back, err)
				}
			}
			switch kind {
			case coins.PubKey, coins.Multisig, coins.NullData, coins.HogAddr, coins.PegIn, coins.NonStandard:
				if ok {
					t.Fatalf("%s: %x is %s and has address %q", c.Params().Name, script, kind, text)
				}
			case coins.ScriptHash, coins.WitnessV1TR, coins.WitnessElse, coins.Anchor:
				if !ok {
					t.Fatalf("%s: %x is %s and has no address", c.Params().Name, script, kind)
				}
			}
			if kind == coins.NullData && !coins.Unspendable(script) {
				t.Fatalf("%x is data and can be spent", script)
			}
			if dust := c.Dust(script); dust < 0 || (dust == 0) != coins.Unspendable(script) {
				t.Fatalf("%s: dust of %x is %s", c.Params().Name, script, dust)
			}
		}
	})
}
