package core_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/core"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
)

func TestScriptReadsWhatNodesWrite(t *testing.T) {
	for _, tc := range []struct {
		build           func(coins.Network) (coins.Coin, error)
		network         coins.Network
		address, script string
	}{
		// BIP 173 and BIP 350.
		{btc.New, coins.Main, "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6"},
		{btc.New, coins.Test, "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262"},
		{btc.New, coins.Main, "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y", "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6"},
		{btc.New, coins.Main, "BC1SW50QGDZ25J", "6002751e"},
		{btc.New, coins.Main, "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323"},
		{btc.New, coins.Main, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "5120" + keyX},
		// Genesis era.
		{btc.New, coins.Main, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac"},
		// Addresses that regtest nodes gave out or decoded.
		{ltc.New, coins.Regtest, "rltc1qdke6vl49z0ftc46yzxzf78enz8xmqers0gtkmd", "00146db3a67ea513d2bc574411849f1f3311cdb06470"},
		{ltc.New, coins.Regtest, "QhqFEpnf4gCHywPK7wEd5A64ndox8FuYCs", "a914e8dcadbbccb69bfb6ff8d9146111cd5cb7d7ffa487"},
		{ltc.New, coins.Regtest, "mwwZXsoK3zQfb34qVvHQz6FCiWNrrYyZtH", "76a914b429693d5d3f7d07093a9f8022f0b4ea849c128288ac"},
		{doge.New, coins.Regtest, "mtathrsHjDD35dtZfK3pSnpndwgsfM63mA", "76a9148f584d79a8b993a296815184d2bfa8ba57751c2088ac"},
		{doge.New, coins.Regtest, "2N1EWB2uBTtXNQutUCA53yideVj2ZeuVVgA", "a914579e19e4dc41f8a9aad5fba52ce1b2d0319bf05687"},
	} {
		got, err := coin(t, tc.build, tc.network).Script(tc.address)
		if err != nil || !bytes.Equal(got, unhex(t, tc.script)) {
			t.Errorf("%s: %x, %v; want %s", tc.address, got, err, tc.script)
		}
	}
}

func TestScriptRefuses(t *testing.T) {
	const stealth = "tmweb1qqwap36fus5g9m8ashxvcvwgqhzz3m399h6wyp894f3e7gu5ksq4vwquvuj6mp2fqxxk2zjkjzl7dqc0u04q89xzz4nar7thkw28ev0ultun93wx4"
	for _, tc := range []struct {
		build         func(coins.Network) (coins.Coin, error)
		network       coins.Network
		address, says string
		want          error
	}{
		{btc.New, coins.Main, "", "empty", coins.ErrAddress},
		{btc.New, coins.Main, strings.Repeat("1", 151), "151 characters", coins.ErrAddress},
		{btc.New, coins.Main, "hello", "neither", coins.ErrAddress},
		{btc.New, coins.Main, " 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "neither", coins.ErrAddress},
		{btc.New, coins.Main, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum", coins.ErrAddress},
		{btc.New, coins.Main, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "checksum", coins.ErrAddress},
		{btc.New, coins.Main, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4", "case", coins.ErrAddress},
		{btc.New, coins.Main, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "of bech32, not bech32m", coins.ErrAddress},
		{btc.New, coins.Test, "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47", "of bech32m, not bech32:", coins.ErrAddress},
		{btc.New, coins.Main, "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "not bech32", coins.ErrAddress},
		{btc.New, coins.Main, "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "version 17", coins.ErrAddress},
		{btc.New, coins.Main, "bc1pw5dgrnzv", "1 bytes", coins.ErrAddress},
		{btc.New, coins.Main, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", "41 bytes", coins.ErrAddress},
		{btc.New, coins.Main, "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "20 or 32", coins.ErrAddress},
		{btc.New, coins.Main, "bc1gmk9yu", "no witness version", coins.ErrAddress},
		{btc.New, coins.Main, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", "padding", coins.ErrAddress},
		{btc.New, coins.Test, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Bitcoin main", coins.ErrWrongNetwork},
		{btc.New, coins.Main, "rltc1qdke6vl49z0ftc46yzxzf78enz8xmqers0gtkmd", "Litecoin regtest", coins.ErrWrongNetwork},
		{btc.New, coins.Main, "mtathrsHjDD35dtZfK3pSnpndwgsfM63mA", "test network", coins.ErrWrongNetwork},
		{doge.New, coins.Main, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Bitcoin main", coins.ErrWrongNetwork},
		{doge.New, coins.Main, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "Bitcoin main", coins.ErrWrongNetwork},
		{ltc.New, coins.Main, "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "use the Litecoin form M", coins.ErrAmbiguous},
		{ltc.New, coins.Regtest, "2MtoTvMi65NXBt3sTCXNd1aqKGa7gXsX8CC", "QNAE3NaL6UaH2EdVpdQe6HGkQxZWWDoUK7", coins.ErrAmbiguous},
		{ltc.New, coins.Regtest, stealth, "MWEB stealth", coins.ErrAddress},
		{ltc.New, coins.Regtest, strings.ToUpper(stealth), "MWEB stealth", coins.ErrAddress},
		{ltc.New, coins.Main, stealth, "Litecoin MWEB", coins.ErrWrongNetwork},
		{ltc.New, coins.Regtest, "rltc1gqqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0st8qfsz", "bookkeeping", coins.ErrAddress},
		{ltc.New, coins.Regtest, "rltc1fqqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0s5vsvdu", "bookkeeping", coins.ErrAddress},
		{btc.New, coins.Main, "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", "private key", coins.ErrAddress},
	} {
		_, err := coin(t, tc.build, tc.network).Script(tc.address)
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%q: %v; want %v saying %q", tc.address, err, tc.want, tc.says)
		}
	}
}

func TestPrivateKeysAreNotRepeated(t *testing.T) {
	const wif = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"
	c := coin(t, btc.New, coins.Main)
	for _, text := range []string{wif, wif[:len(wif)-1] + "K", wif + "O", "L" + strings.Repeat("z", 51), keyX} {
		_, err := c.Script(text)
		if err == nil || strings.Contains(err.Error(), text) {
			t.Errorf("%v repeats what may be a private key", err)
		}
	}
}

func TestAcceptAmbiguous(t *testing.T) {
	params, err := ltc.Params(coins.Main)
	if err != nil {
		t.Fatal(err)
	}
	c, err := core.New(params, core.AcceptAmbiguous())
	if err != nil {
		t.Fatal(err)
	}
	script, err := c.Script("3P14159f73E4gFr7JterCCQh9QjiTjiZrG")
	if err != nil {
		t.Fatal(err)
	}
	if address, ok := c.Address(script); !ok || address[0] != 'M' {
		t.Errorf("address %q: the M form is what Litecoin writes", address)
	}
}

func TestNewListsEveryFault(t *testing.T) {
	params, err := btc.Params(coins.Main)
	if err != nil {
		t.Fatal(err)
	}
	params.Address.P2SH = []byte{0}
	params.Chain.Genesis[0]++
	params.Chain.Maturity = nil
	params.Policy.HardDust = 1
	params.Node.Daemon = ""
	_, err = core.New(params)
	if !errors.Is(err, core.ErrParams) {
		t.Fatalf("%v; want %v", err, core.ErrParams)
	}
	for _, fault := range []string{"version 0 stands twice", "genesis header hashes to", "maturity rule", "dust is by", "daemon"} {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("%v\ndoes not say %q", err, fault)
		}
	}
	if _, err := core.New(coins.Params{}); !errors.Is(err, core.ErrParams) {
		t.Errorf("no parameters at all: %v", err)
	}
}

func TestUnknownNetworks(t *testing.T) {
	for _, build := range []func(coins.Network) (coins.Coin, error){btc.New, ltc.New, doge.New} {
		if _, err := build("moon"); !errors.Is(err, coins.ErrNetwork) {
			t.Errorf("%v; want %v", err, coins.ErrNetwork)
		}
	}
}
