package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"coffer.example/coffer/api"
	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	first  = "bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t"
	second = "bcrt1qqgpqyqszqgpqyqszqgpqyqszqgpqyqszazmwwa"
)

// newEngine opens an engine on a simulated node whose chain pays the first address; nobody runs it.
func newEngine(t *testing.T) *engine.Engine {
	t.Helper()
	coin, err := engine.CoinFor("btc", coins.Regtest)
	check(t, err)
	chain, err := simnode.NewChain(simnode.Config{Coin: coin, Seed: 1})
	check(t, err)
	_, err = chain.Mine(110)
	check(t, err)
	script, err := coin.Script(first)
	check(t, err)
	_, err = chain.Mine(3, simnode.Pay(script, coins.Unit))
	check(t, err)
	node, err := simnode.Serve(t.Context(), chain, simnode.Options{})
	check(t, err)
	t.Cleanup(node.Close)
	config := &engine.Config{DataDir: t.TempDir(), Coins: []engine.CoinConfig{{
		Symbol: "btc", Network: coins.Regtest, Start: engine.Start{Height: 112}, MaxReorg: 10,
		Nodes: []engine.NodeConfig{{RPC: node.RPC, User: node.User, Password: engine.Secret(node.Password)}},
	}}}
	opened, err := engine.Open(t.Context(), config, engine.Options{})
	check(t, err)
	t.Cleanup(func() { check(t, opened.Close()) })
	return opened
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve offers operations on a socket until the test ends, and returns a client.
func serve(t *testing.T, ops engine.Operations) *api.Client {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	socket, err := api.Listen(path, filepath.Join(dir, "lock"))
	check(t, err)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- socket.Serve(ctx, api.Handler(ops)) }()
	client, err := api.Dial(t.Context(), path)
	check(t, err)
	t.Cleanup(func() {
		client.Close()
		stop()
		check(t, <-served)
		check(t, socket.Close())
		if _, err := os.Stat(path); err == nil {
			t.Error("the socket is left behind")
		}
	})
	return client
}

// same fails unless both ways of asking gave the same.
func same(t *testing.T, what string, direct, remote any, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if !reflect.DeepEqual(direct, remote) {
		t.Errorf("%s:\nengine %+v\nclient %+v", what, direct, remote)
	}
}

// Whatever the engine answers, its client answers too.
func TestClientIsTheEngine(t *testing.T) {
	ctx := t.Context()
	direct := newEngine(t)
	var remote engine.Operations = serve(t, direct)
	result, err := remote.ImportAddresses(ctx, "btc", engine.ImportRequest{Addresses: []string{first, second}, Label: "x"})
	if err != nil || result.Added != 2 || result.Job == nil {
		t.Fatalf("import: %+v, %v", result, err)
	}
	cancelled, err := remote.CancelJob(ctx, "btc", 1)
	if err != nil || cancelled.State != "cancelled" {
		t.Errorf("cancel: %+v, %v", cancelled, err)
	}
	resumed, err := remote.ResumeJob(ctx, "btc", 1)
	if err != nil || resumed.State != "queued" {
		t.Errorf("resume: %+v, %v", resumed, err)
	}
	check(t, direct.RunJob(ctx, "btc", 1))
	jobs, err1 := direct.Jobs(ctx, "btc")
	jobs2, err2 := remote.Jobs(ctx, "btc")
	same(t, "jobs", jobs, jobs2, err1, err2)
	job, err := remote.Job(ctx, "btc", 1)
	same(t, "job", jobs[0], job, err)
	for _, address := range []string{"", first} {
		balance, err1 := direct.Balance(ctx, "btc", address)
		balance2, err2 := remote.Balance(ctx, "btc", address)
		same(t, "balance", balance, balance2, err1, err2)
		if balance.Confirmed.String() != "3.00000000" {
			t.Errorf("balance of %q: %+v", address, balance)
		}
		query := engine.CoinQuery{Address: address, MinConfirmations: 1, Page: engine.Page{Limit: 2}}
		coins1, err1 := direct.Coins(ctx, "btc", query)
		query.After = ""
		coins2, err2 := remote.Coins(ctx, "btc", query)
		same(t, "coins", coins1, coins2, err1, err2)
		query.After = coins1.Next
		rest, err := remote.Coins(ctx, "btc", query)
		if err != nil || len(coins1.Coins) != 2 || len(rest.Coins) != 1 || rest.Next != "" {
			t.Errorf("pages: %+v, %+v, %v", coins1, rest, err)
		}
		filtered(t, direct, remote, address)
		history1, err1 := direct.History(ctx, "btc", engine.HistoryQuery{Address: address})
		history2, err2 := remote.History(ctx, "btc", engine.HistoryQuery{Address: address})
		same(t, "history", history1, history2, err1, err2)
	}
	reservations(t, direct, remote)
	watches1, err1 := direct.Watches(ctx, "btc", engine.WatchQuery{})
	watches2, err2 := remote.Watches(ctx, "btc", engine.WatchQuery{})
	same(t, "watches", watches1, watches2, err1, err2)
	lookups(t, direct, remote)
	removed, err := remote.RemoveWatches(ctx, "btc", []string{second})
	same(t, "removed", 1, removed, err)
	report, err := remote.CheckIndex(ctx, "btc")
	if err != nil || !report.OK {
		t.Errorf("check: %+v, %v", report, err)
	}
	rebuilt, err := remote.RebuildIndex(ctx, "btc")
	if err != nil || rebuilt.Known != 1 {
		t.Errorf("rebuild: %+v, %v", rebuilt, err)
	}
}

func lookups(t *testing.T, direct, remote engine.Operations) {
	t.Helper()
	ctx := t.Context()
	block1, err1 := direct.Block(ctx, "btc", "112")
	block2, err2 := remote.Block(ctx, "btc", block1.ID.Hash.String())
	same(t, "block", block1, block2, err1, err2)
	tx1, err1 := direct.Transaction(ctx, "btc", block1.TxIDs[1], "112")
	tx2, err2 := remote.Transaction(ctx, "btc", block1.TxIDs[1], "112")
	same(t, "transaction", tx1, tx2, err1, err2)
	coin, err := remote.Coin(ctx, "btc")
	if err != nil || coin.Tip.Height != 113 || coin.Node.Tip.Height != 113 {
		t.Errorf("coin: %+v, %v", coin, err)
	}
	status, err := remote.Status(ctx)
	if err != nil || len(status.Coins) != 1 || status.Daemon {
		t.Errorf("status: %+v, %v", status, err)
	}
}

// Errors keep their kind and their words on the way.
func TestErrorsCross(t *testing.T) {
	ctx := t.Context()
	direct := newEngine(t)
	remote := serve(t, direct)
	for _, ask := range []func(engine.Operations) error{
		func(o engine.Operations) error { _, err := o.Coin(ctx, "eth"); return err },
		func(o engine.Operations) error { _, err := o.Balance(ctx, "btc", first); return err },
		func(o engine.Operations) error { _, err := o.Balance(ctx, "btc", "nonsense/../x"); return err },
		func(o engine.Operations) error { _, err := o.Block(ctx, "btc", "9999"); return err },
		func(o engine.Operations) error { _, err := o.Job(ctx, "btc", 9); return err },
		func(o engine.Operations) error { _, err := o.RemoveWatches(ctx, "btc", []string{first}); return err },
		func(o engine.Operations) error {
			_, err := o.ImportLines(ctx, "btc", engine.LinesRequest{Lines: strings.NewReader("x\n" + first + "\ny,\"")}, nil)
			return err
		},
		func(o engine.Operations) error {
			_, err := o.ImportLines(ctx, "btc", engine.LinesRequest{Lines: strings.NewReader(first), From: "soon"}, nil)
			return err
		},
		func(o engine.Operations) error {
			_, err := o.ChangeWatches(ctx, "btc", engine.WatchChange{Addresses: []string{first}})
			return err
		},
		func(o engine.Operations) error {
			_, err := o.ImportAddresses(ctx, "btc", engine.ImportRequest{Addresses: []string{"x", first, "y"}})
			return err
		},
	} {
		ours, theirs := ask(direct), ask(remote)
		if ours == nil || theirs == nil || ours.Error() != theirs.Error() || engine.CodeOf(ours) != engine.CodeOf(theirs) {
			t.Errorf("engine %v (%s), client %v (%s)", ours, engine.CodeOf(ours), theirs, engine.CodeOf(theirs))
		}
	}
}

// What programs get: RFC 9457 documents with a stable code.
func TestProblemDocuments(t *testing.T) {
	handler := api.Handler(newEngine(t))
	for _, test := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/v1/nonsense", "", 404, "not_found"},
		{"GET", "/v1/coins/eth", "", 404, "unknown_coin"},
		{"GET", "/v1/coins/btc/utxos?limit=x", "", 400, "bad_input"},
		{"GET", "/v1/coins/btc/utxos?limit=10001", "", 400, "bad_input"},
		{"GET", "/v1/coins/btc/utxos?after=zz", "", 400, "bad_input"},
		{"POST", "/v1/coins/btc/watch", `{"adresses":[]}`, 400, "bad_input"},
		{"POST", "/v1/coins/btc/watch", `{"addresses":["x"]}`, 400, "bad_input"},
		{"POST", "/v1/coins/btc/watch", `{}{}`, 400, "bad_input"},
		{"GET", "/v1/coins/btc/rescans/x", "", 404, "not_found"},
		{"GET", "/v1/coins/btc/chain/transactions/x", "", 400, "bad_input"},
	} {
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, httptest.NewRequest(test.method, test.path, strings.NewReader(test.body)))
		var p struct {
			Type, Title, Detail, Code string
			Status                    int
		}
		err := json.Unmarshal(response.Body.Bytes(), &p)
		if err != nil || response.Code != test.status || p.Status != test.status || p.Code != test.code || p.Detail == "" || p.Title == "" ||
			p.Type != "urn:coffer:error:"+test.code || response.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %s, %v", test.method, test.path, response.Code, response.Body, err)
		}
	}
}

// One process listens; a socket that was left behind is replaced.
func TestListen(t *testing.T) {
	dir := t.TempDir()
	path, lock := filepath.Join(dir, "s"), filepath.Join(dir, "lock")
	if _, err := api.Dial(t.Context(), path); !errors.Is(err, api.ErrNoDaemon) {
		t.Errorf("nobody there: %v", err)
	}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	check(t, err)
	left.SetUnlinkOnClose(false)
	check(t, left.Close())
	if _, err := api.Dial(t.Context(), path); !errors.Is(err, api.ErrNoDaemon) {
		t.Errorf("left behind: %v", err)
	}
	socket, err := api.Listen(path, lock)
	check(t, err)
	if _, err := api.Listen(path, lock); !errors.Is(err, api.ErrRunning) {
		t.Errorf("twice: %v", err)
	}
	check(t, socket.Close())
	again, err := api.Listen(path, lock)
	check(t, err)
	check(t, again.Close())
}

// Something else that listens on the socket is not taken for a daemon.
func TestForeignAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	check(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>")
	})}
	done := make(chan struct{})
	go func() { _ = server.Serve(listener); close(done) }()
	defer func() { check(t, server.Close()); <-done }()
	if _, err := api.Dial(t.Context(), path); !errors.Is(err, api.ErrAnswer) {
		t.Errorf("got %v", err)
	}
}

func reservations(t *testing.T, direct, remote engine.Operations) {
	t.Helper()
	ctx := t.Context()
	list, err := direct.Coins(ctx, "btc", engine.CoinQuery{Spendable: true})
	if err != nil || len(list.Coins) == 0 {
		t.Fatalf("coins: %+v, %v", list, err)
	}
	at := []coins.OutPoint{list.Coins[0].OutPoint}
	made, err := remote.Reserve(ctx, "btc", engine.ReserveRequest{OutPoints: at, Owner: "shop", Purpose: "a test", TTL: time.Hour})
	check(t, err)
	if _, err := remote.Reserve(ctx, "btc", engine.ReserveRequest{OutPoints: at, Owner: "other"}); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("reserved twice: %v", err)
	}
	list1, err1 := direct.Reservations(ctx, "btc", engine.ReservationQuery{Owner: "shop"})
	list2, err2 := remote.Reservations(ctx, "btc", engine.ReservationQuery{Owner: "shop"})
	same(t, "reservations", list1, list2, err1, err2)
	same(t, "the reservation", []engine.Reservation{made}, list2.Reservations)
	coins1, err1 := direct.Coins(ctx, "btc", engine.CoinQuery{Reserved: true})
	coins2, err2 := remote.Coins(ctx, "btc", engine.CoinQuery{Reserved: true})
	same(t, "reserved coins", coins1, coins2, err1, err2)
	released, err := remote.Release(ctx, "btc", engine.ReleaseRequest{Owner: "shop", Token: made.Token})
	if err != nil || released != 1 || len(coins1.Coins) != 1 {
		t.Errorf("released %d of %+v: %v", released, coins1, err)
	}
	if _, err := remote.Release(ctx, "btc", engine.ReleaseRequest{Owner: "shop", Token: made.Token}); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("released twice: %v", err)
	}
}

func filtered(t *testing.T, direct, remote engine.Operations, address string) {
	t.Helper()
	ctx := t.Context()
	none := coins.Height(1)
	query := engine.CoinQuery{Address: address, MaxConfirmations: &none, MinValue: 1, MaxValue: 1 << 40, Spendable: true, Coinbase: true}
	coins1, err1 := direct.Coins(ctx, "btc", query)
	coins2, err2 := remote.Coins(ctx, "btc", query)
	same(t, "filtered coins", coins1, coins2, err1, err2)
	past1, err1 := direct.BalanceAt(ctx, "btc", address, "100")
	past2, err2 := remote.BalanceAt(ctx, "btc", address, "100")
	same(t, "past balance", past1, past2, err1, err2)
	events := engine.HistoryQuery{Address: address, Kind: "funded", From: "1", To: "2020-01-01", Oldest: true}
	history1, err1 := direct.History(ctx, "btc", events)
	history2, err2 := remote.History(ctx, "btc", events)
	if code1, code2 := engine.CodeOf(err1), engine.CodeOf(err2); code1 != code2 || !reflect.DeepEqual(history1, history2) {
		t.Errorf("filtered history: %v, %v", err1, err2)
	}
}

// Lines go through the socket as they come, and what is done comes back.
func TestImportLines(t *testing.T) {
	ctx := t.Context()
	direct := newEngine(t)
	remote := serve(t, direct)
	last := engine.ImportProgress{}
	lines := strings.Repeat("# nothing\n", 200_000) + first + ",\"a, b\",user=1\n" + second
	result, err := remote.ImportLines(ctx, "btc", engine.LinesRequest{Lines: strings.NewReader(lines), From: "none", Label: "all & more"},
		func(p engine.ImportProgress) { last = p })
	if err != nil || result.Added != 2 || last != (engine.ImportProgress{Checked: 200_002, Stored: 2, Total: 2}) {
		t.Fatalf("import: %+v, %+v, %v", result, last, err)
	}
	label, yes := "c", true
	changed, err := remote.ChangeWatches(ctx, "btc", engine.WatchChange{Addresses: []string{second}, Label: &label, Archived: &yes})
	if err != nil || changed != 1 {
		t.Errorf("changed %d: %v", changed, err)
	}
	for _, query := range []engine.WatchQuery{{}, {Archived: true}, {Label: "a"}, {State: "scanning"}} {
		watches1, err1 := direct.Watches(ctx, "btc", query)
		watches2, err2 := remote.Watches(ctx, "btc", query)
		same(t, "watches", watches1, watches2, err1, err2)
		if want := map[bool]int{true: 0, false: 1}[query.State != ""]; len(watches1.Watches) != want {
			t.Errorf("%+v: %+v", query, watches1)
		}
	}
	broken := io.MultiReader(strings.NewReader(first+"\n"), iotest.ErrReader(errBroken))
	if _, err := remote.ImportLines(ctx, "btc", engine.LinesRequest{Lines: broken}, nil); !errors.Is(err, errBroken) {
		t.Errorf("a source that breaks off: %v", err)
	}
}

var errBroken = errors.New("the source broke off")
