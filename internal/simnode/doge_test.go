package simnode

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// recordedChain makes a chain of the blocks of a real Dogecoin node.
func recordedChain(t *testing.T) *Chain {
	file, err := os.Open("../../coins/testdata/doge-regtest.jsonl.gz")
	must(t, err)
	defer func() { _ = file.Close() }()
	reader, err := gzip.NewReader(file)
	must(t, err)
	c := newChain(t, Config{Coin: testCoins(t)["doge"]})
	lines := bufio.NewScanner(reader)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var block struct {
			Height int
			Hex    string
		}
		must(t, json.Unmarshal(lines.Bytes(), &block))
		raw, err := hex.DecodeString(block.Hex)
		must(t, err)
		if block.Height > 0 {
			must(t, c.Submit(raw))
		}
	}
	must(t, lines.Err())
	return c
}

// TestDogecoinRecording replays the calls that a real node answered, on the
// same chain, and compares the answers.
func TestDogecoinRecording(t *testing.T) {
	text, err := os.ReadFile("../../node/testdata/doge-rpc.json")
	must(t, err)
	var recording struct {
		Records []struct {
			Method string
			Params json.RawMessage
			Status int `json:"http_status"`
			Raw    string
		}
	}
	must(t, json.Unmarshal(text, &recording))
	c := recordedChain(t)
	n := serve(t, c, Options{NoP2P: true, NoZMQ: true})
	// What needs the node's own wallet or index, and what has it in its answer.
	absent := setOf("getnewaddress", "createrawtransaction", "signrawtransaction", "listunspent", "getblockstats", "gettxoutproof",
		"getinfo", "estimatefee", "estimatesmartfee", "uptime")
	skip := theirOwn()
	for _, key := range []string{"pubkey", "iscompressed", "account", "timestamp", "hdkeypath", "hdmasterkeyid"} {
		skip["-"+key] = true
	}
	skip["ismine"] = true
	replayed := 0
	for _, record := range recording.Records {
		if record.Method == "sendtoaddress" {
			sendRecorded(t, n, text)
			continue
		}
		if absent[record.Method] {
			continue
		}
		replayed++
		var want answered
		decoder := json.NewDecoder(strings.NewReader(record.Raw))
		decoder.UseNumber()
		must(t, decoder.Decode(&want))
		have := n.answer(t, call{record.Method, string(record.Params)})
		if have.status != record.Status || (have.Error == nil) != (want.Error == nil) || (have.Error != nil && *have.Error != *want.Error) {
			t.Errorf("%s %.150q: status %d %+v, want %d %+v", record.Method, string(record.Params), have.status, have.Error, record.Status, want.Error)
			continue
		}
		sortTexts(have.Result)
		sortTexts(want.Result)
		for _, difference := range unlike("", have.Result, want.Result, skip) {
			t.Errorf("%s %.150q: %.300s", record.Method, string(record.Params), difference)
		}
	}
	if replayed < 40 {
		t.Fatal(replayed, "calls replayed")
	}
}

// sendRecorded puts the transaction into the mempool that the recorded wallet
// sent: the one that is later decoded.
func sendRecorded(t *testing.T, n *Node, text []byte) {
	t.Helper()
	var recording struct {
		Records []struct {
			Method string
			Params []json.RawMessage
		}
	}
	must(t, json.Unmarshal(text, &recording))
	for _, record := range recording.Records {
		if record.Method == "decoderawtransaction" {
			if a := n.answer(t, call{"sendrawtransaction", `[` + string(record.Params[0]) + `]`}); a.Error != nil {
				t.Fatalf("%+v", a.Error)
			}
			return
		}
	}
	t.Fatal("no transaction in the recording")
}
