package descriptor_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/descriptor"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
)

// withVersion writes an extended key with other version bytes.
func withVersion(tb testing.TB, text string, version uint32) string {
	tb.Helper()
	parsed, err := hdkeychain.NewKeyFromString(text)
	if err != nil {
		tb.Fatal(err)
	}
	other, err := parsed.CloneWithVersion(binary.BigEndian.AppendUint32(nil, version))
	if err != nil {
		tb.Fatal(err)
	}
	return other.String()
}

// TestPlainKeys checks what a key by itself stands for, by its version.
func TestPlainKeys(t *testing.T) {
	for _, tc := range []struct {
		open    func(coins.Network) (coins.Coin, error)
		network coins.Network
		version uint32
		begins  string // of the key as given
		want    string // with % for the key as the coin's node writes it
	}{
		{btc.New, coins.Main, 0x0488b21e, "xpub", "combo(%/<0;1>/*)"},
		{btc.New, coins.Main, 0x049d7cb2, "ypub", "sh(wpkh(%/<0;1>/*))"},
		{btc.New, coins.Main, 0x04b24746, "zpub", "wpkh(%/<0;1>/*)"},
		{btc.New, coins.Regtest, 0x043587cf, "tpub", "combo(%/<0;1>/*)"},
		{btc.New, coins.Test, 0x044a5262, "upub", "sh(wpkh(%/<0;1>/*))"},
		{btc.New, coins.Signet, 0x045f1cf6, "vpub", "wpkh(%/<0;1>/*)"},
		{ltc.New, coins.Main, 0x0488b21e, "xpub", "combo(%/<0;1>/*)"},
		{ltc.New, coins.Main, 0x019da462, "Ltub", "combo(%/<0;1>/*)"},
		{ltc.New, coins.Main, 0x01b26ef6, "Mtub", "sh(wpkh(%/<0;1>/*))"},
		{ltc.New, coins.Main, 0x04b24746, "zpub", "wpkh(%/<0;1>/*)"},
		{ltc.New, coins.Regtest, 0x0436f6e1, "ttub", "combo(%/<0;1>/*)"},
		{doge.New, coins.Main, 0x02facafd, "dgub", "pkh(%/<0;1>/*)"},
		{doge.New, coins.Regtest, 0x043587cf, "tpub", "pkh(%/<0;1>/*)"},
	} {
		coin := coinOf(t, tc.open, tc.network)
		given := withVersion(t, xpubA, tc.version)
		if !strings.HasPrefix(given, tc.begins) {
			t.Errorf("%08x begins with %s, not %s", tc.version, given[:4], tc.begins)
		}
		own := withVersion(t, xpubA, coin.Params().Address.HDPublic)
		want, err := descriptor.Parse(strings.ReplaceAll(tc.want, "%", own), coin)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{given, " " + given + "\n", given + "/<0;1>/*"} {
			if d, err := descriptor.Parse(text, coin); err != nil || d.String() != want.String() {
				t.Errorf("%s %s: %s is %v, want %v (%v)", coin.Params().Name, tc.network, text, d, want, err)
			}
		}
		if d, err := descriptor.Parse("[deadbeef/84h/0h/0h]"+given+"/7/*", coin); err != nil || d.Branches() != want.Branches()/2 {
			t.Errorf("%s with origin and path: %v (%v)", given, d, err)
		}
	}
}

// TestWallets has the first addresses of BIP 49, 84 and 86.
func TestWallets(t *testing.T) {
	main, test := coinOf(t, btc.New, coins.Main), coinOf(t, btc.New, coins.Test)
	for _, tc := range []struct {
		coin          coins.Coin
		text, receive string
		change        string
	}{
		{main, "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs",
			"bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"},
		{main, "tr(xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ/<0;1>/*)",
			"bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr", "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"},
		{test, "sh(wpkh(tpubDD7tXK8KeQ3YY83yWq755fHY2JW8Ha8Q765tknUM5rSvjPcGWfUppDFMpQ1ScziKfW3ZNtZvAD7M3u7bSs7HofjTD3KP3YxPK7X6hwV8Rk2/<0;1>/*))",
			"2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2", ""},
	} {
		d, err := descriptor.Parse(tc.text, tc.coin)
		if err != nil {
			t.Fatal(err)
		}
		for branch, want := range []string{tc.receive, tc.change} {
			script, err := d.Script(uint32(branch), 0)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := tc.coin.Address(script); want != "" && got != want {
				t.Errorf("%s, branch %d: %s, want %s", tc.text, branch, got, want)
			}
		}
	}
}

// TestForms checks what a coin cannot have and what versions contradict.
func TestForms(t *testing.T) {
	bitcoin, dogecoin := coinOf(t, btc.New, coins.Main), coinOf(t, doge.New, coins.Main)
	zpub, bigZpub := withVersion(t, xpubA, 0x04b24746), withVersion(t, xpubA, 0x02aa7ed3)
	dgub := withVersion(t, xpubA, 0x02facafd)
	for _, tc := range []struct {
		coin coins.Coin
		text string
		want error
	}{
		{dogecoin, "wpkh(" + dgub + ")", descriptor.ErrForm}, {dogecoin, "sh(wpkh(" + dgub + "))", descriptor.ErrForm}, {dogecoin, "wsh(pk(" + dgub + "))", descriptor.ErrForm},
		{dogecoin, "sh(wsh(pk(" + dgub + ")))", descriptor.ErrForm}, {dogecoin, "tr(" + dgub + ")", descriptor.ErrForm},
		{dogecoin, xpubA, coins.ErrWrongNetwork}, {dogecoin, zpub, coins.ErrWrongNetwork}, {bitcoin, dgub, coins.ErrWrongNetwork},
		{bitcoin, withVersion(t, xpubA, 0x043587cf), coins.ErrWrongNetwork},
		{bitcoin, "pkh(" + zpub + ")", descriptor.ErrForm}, {bitcoin, "sh(wpkh(" + zpub + "))", descriptor.ErrForm}, {bitcoin, bigZpub, descriptor.ErrForm},
		{bitcoin, "wpkh(" + bigZpub + ")", descriptor.ErrForm}, {bitcoin, "wsh(multi(1," + zpub + "))", descriptor.ErrForm},
		{bitcoin, "wpkh(" + zpub + "/0/*)", nil}, {bitcoin, "wsh(multi(1," + bigZpub + "))", nil}, {dogecoin, "sh(sortedmulti(1," + dgub + "/*," + dgub + "/0/*))", nil},
	} {
		if d, err := descriptor.Parse(tc.text, tc.coin); !errors.Is(err, tc.want) {
			t.Errorf("%s %s: %v, %v, want %v", tc.coin.Params().Name, tc.text, d, err, tc.want)
		}
	}
	if d, err := descriptor.Parse("combo("+dgub+"/*)", dogecoin); err != nil || d.Branches() != 2 {
		t.Errorf("a combo of Dogecoin: %v (%v)", d, err)
	}
}

// TestReceiving checks which branch is for addresses to be given out, and how
// scripts are called.
func TestReceiving(t *testing.T) {
	bitcoin, dogecoin := coinOf(t, btc.New, coins.Main), coinOf(t, doge.New, coins.Main)
	for _, tc := range []struct {
		coin   coins.Coin
		text   string
		branch uint32
		path   string
	}{
		{bitcoin, xpubA, 4, "wpkh 0/5"}, {dogecoin, withVersion(t, xpubA, 0x02facafd), 0, "0/5"}, {bitcoin, "tr(" + xpubA + "/3/<7;9>/*)", 0, "3/7/5"},
		{dogecoin, "combo(" + withVersion(t, xpubA, 0x02facafd) + "/*)", 1, "pkh 5"}, {bitcoin, "raw(51)", 0, ""}, {bitcoin, "pkh(" + xpubA + ")", 0, ""},
	} {
		d, err := descriptor.Parse(tc.text, tc.coin)
		if err != nil {
			t.Fatal(err)
		}
		if branch := d.Receiving(); branch != tc.branch || d.Path(branch, 5) != tc.path {
			t.Errorf("%s: branch %d, path %q, want %d, %q", tc.text, branch, d.Path(branch, 5), tc.branch, tc.path)
		}
	}
}

// TestChildrenAgainstLibrary compares derived keys with hdkeychain's.
func TestChildrenAgainstLibrary(t *testing.T) {
	bitcoin := coinOf(t, btc.New, coins.Main)
	for _, text := range []string{xpubA, xpubB, xpubC, xpubD} {
		d, err := descriptor.Parse("pk("+text+"/7/*)", bitcoin)
		if err != nil {
			t.Fatal(err)
		}
		at, err := hdkeychain.NewKeyFromString(text)
		if err != nil {
			t.Fatal(err)
		}
		if at, err = at.Derive(7); err != nil {
			t.Fatal(err)
		}
		for n := range uint32(200) {
			index := n * n * n * 97 % (1 << 31)
			child, err := at.Derive(index)
			if err != nil {
				t.Fatal(err)
			}
			public, err := child.ECPubKey()
			if err != nil {
				t.Fatal(err)
			}
			if script, err := d.Script(0, index); err != nil || string(script[1:34]) != string(public.SerializeCompressed()) {
				t.Fatalf("child %d: %x, the library has %x (%v)", index, script, public.SerializeCompressed(), err)
			}
		}
	}
}

// FuzzParse holds whatever is read to the invariants, and checks that no
// message repeats what may be a key.
func FuzzParse(f *testing.F) {
	all := []coins.Coin{coinOf(f, btc.New, coins.Main), coinOf(f, ltc.New, coins.Regtest), coinOf(f, doge.New, coins.Main)}
	for _, text := range []string{
		xpubA, "wpkh([deadbeef/84h/0h/0h]" + xpubA + "/<0;1>/*)", "sh(wsh(sortedmulti(2," + xpubA + "/0/*," + xpubB + "/*," + key33 + ")))", "raw(deadbeef)#89f8spxm",
		"tr(" + key33[2:] + ")", "addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)", "pkh(" + xprv + "/0'/*)", "combo(" + key65 + ")", wif, "multi(1,,)", "sh()", "pk(/)", "[", "pk([]x)", "*h",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, coin := range all {
			d, err := descriptor.Parse(text, coin)
			if err != nil {
				if strings.Contains(err.Error(), xprv[4:20]) {
					t.Fatalf("%q: the message shows the key: %v", text, err)
				}
				continue
			}
			again, err := descriptor.Parse(d.String(), coin)
			if err != nil || again.String() != d.String() || again.Branches() != d.Branches() || again.Len() != d.Len() {
				t.Fatalf("%q is written as %s, read as %v (%v)", text, d, again, err)
			}
			for branch := range d.Branches() {
				script, err := d.Script(branch, d.Len()-1)
				if err != nil || len(script) == 0 || coins.Unspendable(script) {
					t.Fatalf("%q, branch %d: %x (%v)", text, branch, script, err)
				}
			}
			if len(base58.Decode(text)) == 82 && base58.Decode(text)[45] == 0 {
				t.Fatalf("%q: a private key was read", text)
			}
		}
	})
}

func BenchmarkScript(b *testing.B) {
	d, err := descriptor.Parse("wpkh("+xpubA+"/<0;1>/*)", coinOf(b, btc.New, coins.Main))
	if err != nil {
		b.Fatal(err)
	}
	index := uint32(0)
	for b.Loop() {
		if _, err := d.Script(0, index); err != nil {
			b.Fatal(err)
		}
		index++
	}
}
