package descriptor_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/descriptor"
	"coffer.example/coffer/coins/ltc"
	"coffer.example/coffer/internal/testnodes"
)

func tell[T any](t *testing.T, n *testnodes.Node, method string, params ...any) (answer T, err error) {
	t.Helper()
	raw, err := n.Call(t.Context(), method, params...)
	if err == nil {
		err = json.Unmarshal(raw, &answer)
	}
	return answer, err
}

// TestAgainstNodes has real nodes write and derive every form.
func TestAgainstNodes(t *testing.T) {
	for _, tc := range []struct {
		coin testnodes.Coin
		open func(coins.Network) (coins.Coin, error)
		// multipath says that the node reads <0;1>, new that it reads what came
		// after Core 0.21.
		new bool
	}{{testnodes.BTC, btc.New, true}, {testnodes.LTC, ltc.New, false}} {
		t.Run(string(tc.coin), func(t *testing.T) {
			testnodes.Require(t, tc.coin)
			n := testnodes.StartTB(context.Background(), t, testnodes.Options{Coin: tc.coin})
			coin := coinOf(t, tc.open, coins.Regtest)
			a, b, c := withVersion(t, xpubA, 0x043587cf), withVersion(t, xpubB, 0x043587cf), withVersion(t, xpubC, 0x043587cf)
			forms := []string{
				"pkh(A/0/*)", "wpkh([deadbeef/84h/1h/0h]A/1/*)", "sh(wpkh(A/*))", "sh(pkh(A/0/*))", "wsh(pkh(B/5/*))", "sh(wsh(pkh(B/5/*)))", "wsh(pk(B/*))",
				"sh(multi(2,A/0/*,B/*,C))", "sh(sortedmulti(2,A/0/*,B/*,C/9/*))", "wsh(multi(1,A/0/*,B/*,C/1/2/3/*))", "wsh(sortedmulti(3,C/*,A/0/*,B/7/*))",
				"sh(wsh(sortedmulti(2,A/0/*,B/*,C/*)))", "sh(wsh(multi(1,A/0/*)))", "pkh(" + key65 + ")", "pkh(A/0/2147483647)", "wpkh(" + key33 + ")",
			}
			if tc.new {
				forms = append(forms, "tr(A/0/*)", "tr("+key33[2:]+")", "tr([deadbeef/86h]B/1/*)", "pkh(A/<0;1>/*)", "wsh(sortedmulti(2,A/<0;1>/*,B/<3;5>/*))", "tr(C/<2;0;7>/*)")
			}
			for _, form := range forms {
				text := strings.NewReplacer("A", a, "B", b, "C", c).Replace(form)
				compareWithNode(t, n, coin, form, text)
			}
			for _, form := range []string{"wpkh(" + key65 + ")", "sh(sh(pkh(A)))", "wsh(multi(3,A,B))", "pkh(A/0h/*)", "pkh(A/2147483648)", "multi(1,A,B,C,A)"} {
				text := strings.NewReplacer("A", a, "B", b, "C", c).Replace(form)
				_, theirs := tell[map[string]any](t, n, "getdescriptorinfo", text)
				if _, err := descriptor.Parse(text, coin); err == nil || theirs == nil && !errors.Is(err, descriptor.ErrHardened) {
					t.Errorf("%s: the node says %v, Parse %v", form, theirs, err)
				}
			}
		})
	}
}

// compareWithNode has the node write one descriptor and derive its addresses.
func compareWithNode(t *testing.T, n *testnodes.Node, coin coins.Coin, form, text string) {
	t.Helper()
	d, err := descriptor.Parse(text, coin)
	if err != nil {
		t.Errorf("%s: %v", form, err)
		return
	}
	info, err := tell[struct {
		Descriptor string
		IsRange    bool     `json:"isrange"`
		Multipath  []string `json:"multipath_expansion"`
	}](t, n, "getdescriptorinfo", text)
	if err != nil {
		t.Errorf("%s: %v", form, err)
		return
	}
	theirs, err := descriptor.Parse(info.Descriptor, coin)
	if err != nil || info.IsRange != (d.Len() > 1) {
		t.Errorf("%s: the node writes %s: %v", form, info.Descriptor, err)
		return
	}
	// The node writes the first of several paths, and old ones write 'h as '.
	if len(info.Multipath) == 0 && theirs.String() != d.String() {
		t.Errorf("%s: the node writes %s, we %s", form, theirs, d)
	}
	texts := info.Multipath
	if len(texts) == 0 {
		texts = []string{info.Descriptor}
	}
	if len(texts) != int(d.Branches()) {
		t.Errorf("%s: %d branches, the node has %d", form, d.Branches(), len(texts))
		return
	}
	for branch, text := range texts {
		arguments := []any{text}
		if info.IsRange {
			arguments = append(arguments, []int{0, 20})
		}
		addresses, err := tell[[]string](t, n, "deriveaddresses", arguments...)
		if err != nil {
			t.Errorf("%s, branch %d: %v", form, branch, err)
			continue
		}
		for index, want := range addresses {
			script, err := d.Script(uint32(branch), uint32(index))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := coin.Address(script); got != want {
				t.Errorf("%s, branch %d, index %s: %s, the node says %s", form, branch, strconv.Itoa(index), got, want)
			}
		}
	}
}
