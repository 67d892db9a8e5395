package coinstest

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"coffer.example/coffer/coins"
)

// ask calls the node and decodes its answer, or ends the test.
func ask[T any](t testing.TB, node Node, method string, params ...any) (answer T) {
	t.Helper()
	raw, err := node.Call(t.Context(), method, params...)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return answer
}

func checkNode(t *testing.T, c coins.Coin, node Node) {
	t.Run("chain", func(t *testing.T) { checkChain(t, c.Params(), node) })
	t.Run("scripts", func(t *testing.T) { checkDecodedScripts(t, c, node) })
	t.Run("addresses", func(t *testing.T) { checkNewAddresses(t, c, node) })
	t.Run("blocks", func(t *testing.T) { checkBlocks(t, c, node) })
}

func checkChain(t *testing.T, p *coins.Params, node Node) {
	names := map[coins.Network]string{coins.Main: "main", coins.Test: "test", coins.Testnet4: "testnet4", coins.Signet: "signet", coins.Regtest: "regtest"}
	info := ask[struct{ Chain string }](t, node, "getblockchaininfo")
	if want := names[p.Network]; info.Chain != want {
		t.Errorf("node is on chain %q, want %q", info.Chain, want)
	}
	if hash := ask[coins.BlockHash](t, node, "getblockhash", 0); hash != p.Chain.Genesis {
		t.Errorf("node's genesis is %s, want %s", hash, p.Chain.Genesis)
	}
	header := ask[string](t, node, "getblockheader", p.Chain.Genesis.String(), false)
	if want := hex.EncodeToString(p.Chain.GenesisHeader[:]); header != want {
		t.Errorf("node's genesis header is %s, want %s", header, want)
	}
	network := ask[struct {
		ProtocolVersion uint32
		RelayFee        json.Number
	}](t, node, "getnetworkinfo")
	if network.ProtocolVersion != p.Node.ProtocolVersion {
		t.Errorf("node speaks version %d, want %d", network.ProtocolVersion, p.Node.ProtocolVersion)
	}
	floor, err := coins.ParseAmount(network.RelayFee.String())
	if err != nil || coins.PerKVByte(floor) > p.Policy.RelayFloor {
		t.Errorf("node relays from %s (%v), want at most %d", network.RelayFee, err, p.Policy.RelayFloor)
	}
}

// nodeScript is a script as nodes describe it: with an address, or in the old
// way with several.
type nodeScript struct {
	Hex       string
	Type      coins.ScriptType
	Address   string
	Addresses []string
}

func (s *nodeScript) addresses() []string {
	if s.Address != "" {
		return []string{s.Address}
	}
	return s.Addresses
}

func checkDecodedScripts(t *testing.T, c coins.Coin, node Node) {
	for _, s := range samples(c) {
		decoded := ask[nodeScript](t, node, "decodescript", hex.EncodeToString(s.script))
		checkScript(t, c, s.script, decoded.Type, decoded.addresses())
		if address, ok := c.Address(s.script); ok {
			checkValid(t, c, node, address)
		}
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 400 {
		script := mutate(random, samples(c))
		decoded := ask[nodeScript](t, node, "decodescript", hex.EncodeToString(script))
		checkScript(t, c, script, decoded.Type, decoded.addresses())
	}
}

// mutate changes, drops or doubles a byte or two of one of the samples: where
// a form ends and nonstandard begins, coin and node must agree.
func mutate(random *rand.Rand, from []sample) []byte {
	script := bytes.Clone(from[random.IntN(len(from))].script)
	telling := []byte{0, 1, 2, 4, 20, 32, 33, 0x4c, 0x4d, 0x4e, 0x4f, 0x50, 0x51, 0x52, 0x58, 0x59, 0x60, 0x61, 0x6a, 0xac, 0xae}
	for range 1 + random.IntN(2) {
		at := random.IntN(len(script))
		switch random.IntN(4) {
		case 0:
			script[at] = byte(random.Uint32())
		case 1:
			script[at] = telling[random.IntN(len(telling))]
		case 2:
			script = append(slices.Delete(script, at, at+1), telling[random.IntN(len(telling))])
		default:
			script = slices.Insert(script, at, script[at])
		}
	}
	return script
}

// checkValid compares an address's script with the node's.
func checkValid(t testing.TB, c coins.Coin, node Node, address string) {
	t.Helper()
	answer := ask[struct {
		IsValid      bool
		ScriptPubKey string
	}](t, node, "validateaddress", address)
	script, err := c.Script(address)
	if err != nil || !answer.IsValid || answer.ScriptPubKey != hex.EncodeToString(script) {
		t.Errorf("%s: %x (%v), node says %+v", address, script, err, answer)
	}
}

// checkNewAddresses has the node's wallet make an address of each kind.
func checkNewAddresses(t *testing.T, c coins.Coin, node Node) {
	kinds := map[string]coins.ScriptType{"legacy": coins.PubKeyHash}
	if c.Params().Format.Segwit {
		kinds["p2sh-segwit"], kinds["bech32"] = coins.ScriptHash, coins.WitnessV0PK
	}
	if c.Params().Classifier >= coins.Core029 {
		kinds["bech32m"] = coins.WitnessV1TR
	}
	for kind, want := range kinds {
		params := []any{"", kind}
		if !c.Params().Format.Segwit {
			params = nil // nodes without segwit know one kind only
		}
		address := ask[string](t, node, "getnewaddress", params...)
		script, err := c.Script(address)
		if err != nil || c.Type(script) != want {
			t.Errorf("%s: %x (%v), want a script of type %s", address, script, err, want)
			continue
		}
		roundTrip(t, c, address, script)
		checkValid(t, c, node, address)
	}
}

// checkBlocks compares every block that the node has.
func checkBlocks(t *testing.T, c coins.Coin, node Node) {
	var loaded coins.Block
	tip := ask[coins.Height](t, node, "getblockcount")
	for height := range tip + 1 {
		block, err := fetch(t.Context(), node, height)
		if err != nil {
			t.Fatalf("block %d: %v", height, err)
		}
		if CheckBlock(t, c, &loaded, block); t.Failed() {
			t.Fatalf("block %d differs from the node's", height)
		}
	}
}

// fetch takes a block from a node, raw and decoded.
func fetch(ctx context.Context, node Node, height coins.Height) (*Block, error) {
	block := &Block{Height: height}
	hash, err := node.Call(ctx, "getblockhash", height)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(hash, &block.Hash); err != nil {
		return nil, err
	}
	raw, err := node.Call(ctx, "getblock", block.Hash.String(), 0)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &block.Hex); err != nil {
		return nil, err
	}
	decoded, err := node.Call(ctx, "getblock", block.Hash.String(), 2)
	if err != nil {
		return nil, err
	}
	block.Txs, err = decodedTxs(decoded)
	return block, err
}

// decodedTxs reads the transactions of a verbose getblock.
func decodedTxs(raw json.RawMessage) ([]Tx, error) {
	var decoded struct {
		Tx []struct {
			TxID coins.TxID
			Vin  []In
			Vout []struct {
				Value        json.Number
				ScriptPubKey nodeScript
				IsMWEB       bool
			}
		}
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&decoded); err != nil {
		return nil, err
	}
	var txs []Tx
	for _, tx := range decoded.Tx {
		outs := make([]Out, len(tx.Vout))
		for i, o := range tx.Vout {
			if o.IsMWEB {
				outs[i] = Out{MWEB: true}
				continue
			}
			value, err := coins.ParseAmount(o.Value.String())
			if err != nil {
				return nil, fmt.Errorf("transaction %s: %w", tx.TxID, err)
			}
			outs[i] = Out{Value: value, Script: o.ScriptPubKey.Hex, Type: o.ScriptPubKey.Type, Addresses: o.ScriptPubKey.addresses()}
		}
		txs = append(txs, Tx{ID: tx.TxID, Ins: slices.Clone(tx.Vin), Outs: outs})
	}
	return txs, nil
}
