package node_test

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// recorded is one call of testdata/doge-rpc.json: a Dogecoin Core 1.14 node's
// verbatim answer.
type recorded struct {
	Method string
	Params []any
	Status int `json:"http_status"`
	Raw    string
}

func recordings(t testing.TB) []recorded {
	t.Helper()
	text, err := os.ReadFile("testdata/doge-rpc.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Records []recorded }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Records
}

// recordedBlock is a line of the recorded chain.
type recordedBlock struct {
	Height coins.Height
	Hash   coins.BlockHash
	Hex    string
}

func (b *recordedBlock) id() coins.BlockID { return coins.BlockID{Height: b.Height, Hash: b.Hash} }

func (b *recordedBlock) raw(t testing.TB) []byte {
	raw, err := hex.DecodeString(b.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func recordedChain(t testing.TB) []recordedBlock {
	t.Helper()
	f, err := os.Open("../coins/testdata/doge-regtest.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var chain []recordedBlock
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var b recordedBlock
		if err := json.Unmarshal(lines.Bytes(), &b); err != nil {
			t.Fatal(err)
		}
		chain = append(chain, b)
	}
	return chain
}

// fake is an HTTP server that answers as the recorded Dogecoin node did, and
// where it was not recorded out of its recorded chain. Whatever is to go wrong
// is put in front by a test.
type fake struct {
	*httptest.Server
	t       testing.TB
	records []recorded
	chain   []recordedBlock
	heights map[string]int // of the chain's blocks, by hash

	mu sync.Mutex // over what follows, the records, and the chain's ids
	// fault answers in the node's place and reports true. method is "batch" or
	// "GET" where it is no single call.
	fault func(w http.ResponseWriter, method string) bool
}

func newFake(t testing.TB) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newFakeOn(t, l)
}

func newFakeOn(t testing.TB, l net.Listener) *fake {
	f := &fake{t: t, records: recordings(t), chain: recordedChain(t), heights: map[string]int{}}
	for height := range f.chain {
		f.heights[f.chain[height].Hash.String()] = height
	}
	f.Server = &httptest.Server{Listener: l, Config: &http.Server{Handler: f}}
	f.Start()
	t.Cleanup(f.Close)
	return f
}

func (f *fake) setFault(fault func(w http.ResponseWriter, method string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// record puts answers before the recorded ones and returns what takes them
// back.
func (f *fake) record(r recorded) (undo func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records = append([]recorded{r}, f.records...)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.records = f.records[1:]
	}
}

func (f *fake) fails(w http.ResponseWriter, method string) bool {
	f.mu.Lock()
	fault := f.fault
	f.mu.Unlock()
	return fault != nil && fault(w, method)
}

type fakeCall struct {
	ID     json.RawMessage
	Method string
	Params []any
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		if !f.fails(w, "GET") {
			f.serveREST(w, r)
		}
		return
	}
	var body json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if body[0] == '[' {
		f.serveBatch(w, body)
		return
	}
	var c fakeCall
	if err := json.Unmarshal(body, &c); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if f.fails(w, c.Method) {
		return
	}
	status, text := f.answer(&c)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

func (f *fake) serveBatch(w http.ResponseWriter, body json.RawMessage) {
	var calls []fakeCall
	if err := json.Unmarshal(body, &calls); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if f.fails(w, "batch") {
		return
	}
	answers := make([]string, len(calls))
	for i := range calls {
		_, text := f.answer(&calls[i])
		answers[i] = strings.TrimSpace(text)
	}
	fmt.Fprintln(w, "["+strings.Join(answers, ",")+"]")
}

// answer is what was recorded, but for the id, or what the chain has.
func (f *fake) answer(c *fakeCall) (status int, text string) {
	params := c.Params
	if params == nil {
		params = []any{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.records {
		if r.Method == c.Method && reflect.DeepEqual(r.Params, params) {
			return r.Status, strings.Replace(r.Raw, `"id":1}`, `"id":`+string(c.ID)+"}", 1)
		}
	}
	result := func(text string) (int, string) {
		return 200, fmt.Sprintf(`{"result":%s,"error":null,"id":%s}`+"\n", text, c.ID)
	}
	switch c.Method {
	case "getblockhash":
		if height := int(params[0].(float64)); height < len(f.chain) {
			return result(`"` + f.chain[height].Hash.String() + `"`)
		}
		return 500, fmt.Sprintf(`{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":%s}`, c.ID)
	case "getblock", "getblockheader":
		if height, ok := f.heights[params[0].(string)]; ok {
			return result(`"` + f.chain[height].Hex + `"`) // a header may have anything behind it: nobody reads on
		}
		return 500, fmt.Sprintf(`{"result":null,"error":{"code":-5,"message":"Block not found"},"id":%s}`, c.ID)
	case "getchaintips":
		return result(`[{"height":138,"hash":"` + f.chain[138].Hash.String() + `","branchlen":0,"status":"active"},` +
			`{"height":100,"hash":"` + strings.Repeat("ab", 32) + `","branchlen":1,"status":"invalid"}]`)
	case "getmempoolentry":
		return 500, fmt.Sprintf(`{"result":null,"error":{"code":-5,"message":"Transaction not in mempool"},"id":%s}`, c.ID)
	case "help":
		return result(`"sendrawtransaction \"hexstring\" ( allowhighfees )\n\nSubmits raw transaction"`)
	}
	return 404, fmt.Sprintf(`{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":%s}`, c.ID)
}

// serveREST serves blocks, and headers with their proofs.
func (f *fake) serveREST(w http.ResponseWriter, r *http.Request) {
	var count int
	name := strings.TrimSuffix(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], ".bin")
	_, _ = fmt.Sscanf(r.URL.Path, "/rest/headers/%d/", &count) // 0 for a block
	first, ok := f.heights[name]
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, "%s not found\r\n", name)
	case count == 0:
		w.Write(f.chain[first].raw(f.t))
	default:
		for _, b := range f.chain[first:min(first+count, len(f.chain))] {
			w.Write(headerWithProof(f.t, b.raw(f.t)))
		}
	}
}

func headerWithProof(t testing.TB, raw []byte) []byte {
	header := coins.RawHeader(raw[:coins.HeaderSize])
	if !header.HasProof() {
		return raw[:coins.HeaderSize]
	}
	proof, err := coins.ParseProof(raw[coins.HeaderSize:])
	if err != nil {
		t.Fatal(err)
	}
	return raw[:coins.HeaderSize+proof.Size]
}

// options reach the fake with pauses and timeouts short enough for tests.
func (f *fake) options() node.Options {
	return node.Options{
		RPC: f.URL, User: "u", Password: "secret", CallTimeout: 5 * time.Second, BlockTimeout: 5 * time.Second,
		RetryMin: time.Hour, RetryMax: time.Hour,
	}
}

func (f *fake) open(t testing.TB, change func(*node.Options)) *node.Node {
	t.Helper()
	o := f.options()
	if change != nil {
		change(&o)
	}
	n, err := node.Open(t.Context(), params(t, "doge"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}
