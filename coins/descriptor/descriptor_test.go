package descriptor_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/descriptor"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
)

func coinOf(tb testing.TB, open func(coins.Network) (coins.Coin, error), network coins.Network) coins.Coin {
	tb.Helper()
	coin, err := open(network)
	if err != nil {
		tb.Fatal(err)
	}
	return coin
}

// The extended keys of the BIPs' vectors.
const (
	xpubA = "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"
	xpubB = "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y"
	xpubC = "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH"
	xpubD = "xpub69H7F5dQzmVd3vPuLKtcXJziMEQByuDidnX3YdwgtNsecY5HRGtAAQC5mXTt4dsv9RzyjgDjAQs9VGVV6ydYCHnprc9vvaA5YtqWyL6hyds"
	xprv  = "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc"
	key33 = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
	key65 = "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235"
	wif   = "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"
)

// TestScripts has the vectors of BIP 381 to 386 that are of public keys.
func TestScripts(t *testing.T) {
	coin := coinOf(t, btc.New, coins.Main)
	sixteen := "03669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0,0260b2003c386519fc9eadf2b5cf124dd8eea4c4e68d5e154050a9346ea98ce600,0362a74e399c39ed5593852a30147f2959b56bb827dfa3e60e464b02ccf87dc5e8,0261345b53de74a4d721ef877c255429961b7e43714171ac06168d7e08c542a8b8,02da72e8b46901a65d4374fe6315538d8f368557dda3a1dcf9ea903f3afe7314c8,0318c82dd0b53fd3a932d16e0ba9e278fcc937c582d5781be626ff16e201f72286,0297ccef1ef99f9d73dec9ad37476ddb232f1238aff877af19e72ba04493361009,02e502cfd5c3f972fe9a3e2a18827820638f96b6f347e54d63deb839011fd5765d,03e687710f0e3ebe81c1037074da939d409c0025f17eb86adb9427d28f0f7ae0e9,02c04d3a5274952acdbc76987f3184b346a483d43be40874624b29e3692c1df5af,02ed06e0f418b5b43a7ec01d1d7d27290fa15f75771cb69b642a51471c29c84acd,036d46073cbb9ffee90473f3da429abc8de7f8751199da44485682a989a4bebb24,02f5d1ff7c9029a80a4e36b9a5497027ef7f3e73384a4a94fbfe7c4e9164eec8bc,02e41deffd1b7cce11cde209a781adcffdabd1b91c0ba0375857a2bfd9302419f3,02d76625f7956a7fc505ab02556c23ee72d832f1bac391bcd2d3abce5710a13d06,0399eb0a5487515802dc14544cf10b3666623762fbed2ec38a3975716e2c29c232"
	for _, tc := range []struct {
		text    string
		scripts string // of branch 0, from index 0 on
	}{
		{"pk(" + key33 + ")", "21" + key33 + "ac"},
		{"pk(" + key65 + ")", "41" + key65 + "ac"},
		{"pkh([deadbeef/1/2'/3/4']" + key33 + ")", "76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac"},
		{"pkh([deadbeef/1/2h/3/4h]" + key33 + ")", "76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac"},
		{"pkh(" + key65 + ")", "76a914b5bd079c4d57cc7fc28ecf8213a6b791625b818388ac"},
		{"sh(pk(" + key33 + "))", "a9141857af51a5e516552b3086430fd8ce55f7c1a52487"},
		{"sh(pkh(" + key33 + "))", "a9141a31ad23bf49c247dd531a623c2ef57da3c400c587"},
		{"pkh([bd16bee5/2147483647h]" + xpubD + "/0)", "76a914ebdc90806a9c4356c1c88e42216611e1cb4c1c1788ac"},
		{"pk(" + xpubB + "/0)", "210379e45b3cf75f9c5f9befd8e9506fb962f6a9d185ac87001ec44a8d3df8d4a9e3ac"},
		{"wpkh(" + key33 + ")", "00149a1c78a507689f6f54b847ad1cef1e614ee23f1e"},
		{"wpkh([ffffffff/13']" + xpubC + "/1/2/*)", "0014326b2249e3a25d5dc60935f044ee835d090ba859 0014af0bd98abc2f2cae66e36896a39ffe2d32984fb7 00141fa798efd1cbf95cebf912c031b8a4a6e9fb9f27"},
		{"wsh(pkh(" + key33 + "))", "0020338e023079b91c58571b20e602d7805fb808c22473cbc391a41b1bd3a192e75b"},
		{"wsh(pk(" + key33 + "))", "00202e271faa2325c199d25d22e1ead982e45b64eeb4f31e73dbdf41bd4b5fec23fa"},
		{"sh(wsh(pkh(" + key33 + ")))", "a914b61b92e2ca21bac1e72a3ab859a742982bea960a87"},
		{"multi(1," + key33 + "," + key65 + ")", "5121" + key33 + "41" + key65 + "52ae"},
		{"sortedmulti(1," + key65 + "," + key33 + ")", "5121" + key33 + "41" + key65 + "52ae"},
		{"sortedmulti(2," + xpubA + "/*," + xpubB + "/0/0/*)", "5221025d5fc65ebb8d44a5274b53bac21ff8307fec2334a32df05553459f8b1f7fe1b62102fbd47cc8034098f0e6a94c6aeee8528abf0a2153a5d8e46d325b7284c046784652ae " +
			"52210264fd4d1f5dea8ded94c61e9641309349b62f27fbffe807291f664e286bfbe6472103f4ece6dfccfa37b211eb3d0af4d0c61dba9ef698622dc17eecdf764beeb005a652ae " +
			"5221022ccabda84c30bad578b13c89eb3b9544ce149787e5b538175b1d1ba259cbb83321024d902e1a2fc7a8755ab5b694c575fce742c48d9ff192e63df5193e4c7afe1f9c52ae"},
		{"sh(multi(2,[00000000/111'/222]" + xpubA + "," + xpubB + "/0))", "a91445a9a622a8b0a1269944be477640eedc447bbd8487"},
		{"sh(wsh(multi(16," + sixteen + ")))", "a9147fc63e13dc25e8a95a3cee3d9a714ac3afd96f1e87"},
		{"tr(a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)", "512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"},
		{"tr(" + key33 + ")", "512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"},
		{"raw(deadbeef)#89f8spxm", "deadbeef"},
		{"addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)", "a914eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee87"},
	} {
		d, err := descriptor.Parse(tc.text, coin)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		for index, want := range strings.Fields(tc.scripts) {
			if script, err := d.Script(0, uint32(index)); err != nil || hex.EncodeToString(script) != want {
				t.Errorf("%s at %d: %x, want %s (%v)", tc.text, index, script, want, err)
			}
		}
		if _, err := d.Script(d.Branches(), 0); !errors.Is(err, descriptor.ErrIndex) {
			t.Errorf("%s: a branch too many: %v", tc.text, err)
		}
		if _, err := d.Script(0, d.Len()); !errors.Is(err, descriptor.ErrIndex) {
			t.Errorf("%s: an index too many: %v", tc.text, err)
		}
		again, err := descriptor.Parse(d.String(), coin)
		if err != nil || again.String() != d.String() {
			t.Errorf("%s is written as %s, read as %v (%v)", tc.text, d, again, err)
		}
	}
}

// TestMultipath has BIP 389's vectors: each branch is the descriptor with one
// number of those in <>.
func TestMultipath(t *testing.T) {
	coin := coinOf(t, btc.New, coins.Main)
	for _, tc := range []struct {
		text  string
		alone []string
	}{
		{"pk(" + xpubB + "/<0;1>)", []string{"pk(" + xpubB + "/0)", "pk(" + xpubB + "/1)"}},
		{"wpkh([ffffffff/13h]" + xpubC + "/<1;3>/2/*)", []string{"wpkh(" + xpubC + "/1/2/*)", "wpkh(" + xpubC + "/3/2/*)"}},
		{"multi(2," + xpubA + "/<1;2>/*," + xpubB + "/<3;4>/0/*)", []string{"multi(2," + xpubA + "/1/*," + xpubB + "/3/0/*)", "multi(2," + xpubA + "/2/*," + xpubB + "/4/0/*)"}},
		{"sh(multi(2," + xpubA + "/<1;2;3>/0/*," + xpubB + "/0/*," + xpubC + "/0/0/<3;4;5>/*))", []string{
			"sh(multi(2," + xpubA + "/1/0/*," + xpubB + "/0/*," + xpubC + "/0/0/3/*))", "sh(multi(2," + xpubA + "/2/0/*," + xpubB + "/0/*," + xpubC + "/0/0/4/*))",
			"sh(multi(2," + xpubA + "/3/0/*," + xpubB + "/0/*," + xpubC + "/0/0/5/*))"}},
		{"combo(" + xpubA + "/<0;1>/*)", []string{"pk(" + xpubA + "/0/*)", "pk(" + xpubA + "/1/*)", "pkh(" + xpubA + "/0/*)", "pkh(" + xpubA + "/1/*)",
			"wpkh(" + xpubA + "/0/*)", "wpkh(" + xpubA + "/1/*)", "sh(wpkh(" + xpubA + "/0/*))", "sh(wpkh(" + xpubA + "/1/*))"}},
	} {
		d, err := descriptor.Parse(tc.text, coin)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		if int(d.Branches()) != len(tc.alone) {
			t.Errorf("%s has %d branches, not %d", tc.text, d.Branches(), len(tc.alone))
		}
		for branch, text := range tc.alone {
			one, err := descriptor.Parse(text, coin)
			if err != nil {
				t.Fatal(text, err)
			}
			for _, index := range []uint32{0, 1, 77} {
				index = min(index, d.Len()-1)
				want, err := one.Script(0, index)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := d.Script(uint32(branch), index); err != nil || string(got) != string(want) {
					t.Errorf("%s, branch %d, index %d: %x, %s has %x (%v)", tc.text, branch, index, got, text, want, err)
				}
			}
		}
	}
}

// TestRefused has the vectors of what is no descriptor, and what Coffer adds.
func TestRefused(t *testing.T) {
	coin := coinOf(t, btc.New, coins.Main)
	for _, tc := range []struct {
		text string
		want error
	}{
		{"", descriptor.ErrDescriptor},
		{"raw(deadbeef)#", descriptor.ErrChecksum}, {"raw(deadbeef)#89f8spxmx", descriptor.ErrChecksum}, {"raw(deadbeef)#89f8spx", descriptor.ErrChecksum},
		{"raw(deedbeef)#89f8spxm", descriptor.ErrChecksum}, {"raw(deedbeef)##9f8spxm", descriptor.ErrChecksum}, {"raw(Ü)#00000000", descriptor.ErrDescriptor},
		{"pkh([deadbeef/0h/0h/0h/*]" + key33 + ")", descriptor.ErrDescriptor}, {"pkh([deadbeef/0h/0h/0h/]" + key33 + ")", descriptor.ErrDescriptor},
		{"pkh([deadbef/0h/0h/0h]" + key33 + ")", descriptor.ErrDescriptor}, {"pkh([deadbeeef/0h/0h/0h]" + key33 + ")", descriptor.ErrDescriptor},
		{"pkh([deadbeef/0f/0f/0f]" + key33 + ")", descriptor.ErrDescriptor}, {"pkh([deadbeef/-0/-0/-0]" + key33 + ")", descriptor.ErrDescriptor},
		{"pkh([aaaaaaaa][bbbbbbbb]" + key33 + ")", descriptor.ErrDescriptor}, {"pkh([deadbeef/0" + key33 + ")", descriptor.ErrDescriptor},
		{"pkh(" + xpubA + "/2147483648)", descriptor.ErrDescriptor}, {"pkh(" + xpubA + "/aa)", descriptor.ErrDescriptor}, {"pkh(" + xpubA + "/)", descriptor.ErrDescriptor},
		{"pkh(" + xpubA + "/*/0)", descriptor.ErrDescriptor}, {"pkh(" + key33 + "/0)", descriptor.ErrDescriptor}, {"pkh(" + xpubA[:110] + ")", descriptor.ErrDescriptor},
		{"pkh(" + xpubA + "/3h/4h/5h/*)", descriptor.ErrHardened}, {"pkh(" + xpubA + "/0/*h)", descriptor.ErrHardened}, {"pkh(" + xpubA + "/0/*')", descriptor.ErrHardened},
		{"pk(pk(" + key33 + "))", descriptor.ErrDescriptor}, {"pkh(pk(" + key33 + "))", descriptor.ErrDescriptor}, {"sh(" + key33 + ")", descriptor.ErrDescriptor},
		{"sh(sh(pkh(" + key33 + ")))", descriptor.ErrDescriptor}, {"wpkh(" + key65 + ")", descriptor.ErrDescriptor}, {"sh(wpkh(" + key65 + "))", descriptor.ErrDescriptor},
		{"wsh(pk(" + key65 + "))", descriptor.ErrDescriptor}, {"wsh(wpkh(" + key33 + "))", descriptor.ErrDescriptor}, {"wsh(wsh(pkh(" + key33 + ")))", descriptor.ErrDescriptor},
		{"wpkh(wsh(pkh(" + key33 + ")))", descriptor.ErrDescriptor}, {"wsh(" + key33 + ")", descriptor.ErrDescriptor}, {"wsh(multi(1," + key65 + "))", descriptor.ErrDescriptor},
		{"sh(multi(16" + strings.Repeat(","+key33, 16) + "))", descriptor.ErrDescriptor}, {"multi(1" + strings.Repeat(","+key33, 4) + ")", descriptor.ErrDescriptor},
		{"wsh(multi(1" + strings.Repeat(","+key33, 21) + "))", descriptor.ErrDescriptor},
		{"multi(a," + key33 + ")", descriptor.ErrDescriptor}, {"multi(0," + key33 + ")", descriptor.ErrDescriptor}, {"multi(3," + key33 + "," + key65 + ")", descriptor.ErrDescriptor},
		{"tr(" + key65 + ")", descriptor.ErrDescriptor}, {"wsh(tr(" + key33[2:] + "))", descriptor.ErrDescriptor}, {"sh(tr(" + key33[2:] + "))", descriptor.ErrDescriptor},
		{"tr(" + key33[2:] + ",pk(" + key33[2:] + "))", descriptor.ErrDescriptor}, {"pk(" + key33[2:] + ")", descriptor.ErrDescriptor},
		{"raw(asdf)", descriptor.ErrDescriptor}, {"addr(asdf)", coins.ErrAddress}, {"sh(raw(deadbeef))", descriptor.ErrDescriptor}, {"wsh(raw(deadbeef))", descriptor.ErrDescriptor},
		{"sh(addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j))", descriptor.ErrDescriptor}, {"raw()", descriptor.ErrDescriptor}, {"raw(6a00)", descriptor.ErrDescriptor},
		{"pkh(" + xpubA + "/<0;1>/<2;3>)", descriptor.ErrDescriptor}, {"pkh([deadbeef/<0;1>]" + xpubA + "/0)", descriptor.ErrDescriptor},
		{"sh(multi(2," + xpubA + "/<1;2;3>/0/*," + xpubB + "/<3;4>/*))", descriptor.ErrDescriptor}, {"wpkh(" + xpubA + "/<>/*)", descriptor.ErrDescriptor},
		{"wpkh(" + xpubA + "/0>/*)", descriptor.ErrDescriptor}, {"wpkh(" + xpubA + "/<0/*)", descriptor.ErrDescriptor}, {"wpkh(" + xpubA + "/<0;>/*)", descriptor.ErrDescriptor},
		{"wpkh(" + xpubA + "/<0;0>/*)", descriptor.ErrDescriptor}, {"wpkh(" + xpubA + "/<0>/*)", descriptor.ErrDescriptor},
		{"and_v(v:pk(" + key33 + "),older(1))", descriptor.ErrDescriptor}, {"wsh(and_v(v:pk(" + key33 + "),older(1)))", descriptor.ErrDescriptor},
		{key33, descriptor.ErrDescriptor}, {xpubA + "/0", descriptor.ErrDescriptor}, {strings.Repeat("(", 9_000), descriptor.ErrDescriptor}, {strings.Repeat("sh(", 2_000), descriptor.ErrDescriptor},
	} {
		d, err := descriptor.Parse(tc.text, coin)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, %v, want %v", tc.text, d, err, tc.want)
		}
	}
}

// TestPrivateKeys checks that they are refused wherever they stand, also with a
// wrong character, and that no message repeats them.
func TestPrivateKeys(t *testing.T) {
	for _, coin := range []coins.Coin{coinOf(t, btc.New, coins.Main), coinOf(t, btc.New, coins.Regtest), coinOf(t, ltc.New, coins.Main), coinOf(t, doge.New, coins.Main)} {
		for _, secret := range []string{xprv, wif, "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss", strings.Replace(xprv, "R", "S", 1)} {
			for _, form := range []string{"%", "pkh(%)", "wpkh([deadbeef/0h]%/0/*)", "sh(multi(1," + key33 + ",%))", "wsh(pk(%))", "tr(%)", "combo(%)", "[deadbeef]%", "%/0/*", "addr(%)", "pkh(%", "%)"} {
				text := strings.ReplaceAll(form, "%", secret)
				_, err := descriptor.Parse(text, coin)
				if err == nil {
					t.Fatalf("%s: %s was read", coin.Params().Name, form)
				}
				if strings.Contains(err.Error(), secret[4:20]) {
					t.Errorf("%s: the message shows the key: %v", form, err)
				}
			}
			if _, err := descriptor.Parse(secret, coin); !errors.Is(err, descriptor.ErrPrivateKey) {
				t.Errorf("%s by itself: %v", secret, err)
			}
		}
	}
}
