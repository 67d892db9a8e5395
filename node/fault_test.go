package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// say answers with a status and a text in the node's place.
func say(status int, text string) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, _ string) bool {
		w.WriteHeader(status)
		io.WriteString(w, text)
		return true
	}
}

// cutAfter promises more than it sends.
func cutAfter(text string) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, _ string) bool {
		w.Header().Set("Content-Length", "100000")
		io.WriteString(w, text)
		return true
	}
}

// endless sends a start and then the same piece for ever.
func endless(start, piece string) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, _ string) bool {
		io.WriteString(w, start)
		block := []byte(strings.Repeat(piece, 1<<15))
		for {
			if _, err := w.Write(block); err != nil {
				return true
			}
		}
	}
}

// trickle sends the head of an answer and then nothing until the client has
// left.
func trickle(ctx context.Context, text string) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, _ string) bool {
		io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush() // what fails here shows in the client's error
		<-ctx.Done()
		return true
	}
}

func TestFaults(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	html := "<!DOCTYPE html><html><body>Welcome to nginx!</body></html>"
	cases := []struct {
		name  string
		fault func(http.ResponseWriter, string) bool
		tip   error // what Tip fails with
		block error // what Block fails with, over RPC
	}{
		{"wrong password", say(401, ""), node.ErrUnauthorized, node.ErrUnauthorized},
		{"address not allowed", say(403, ""), node.ErrForbidden, node.ErrForbidden},
		{"work queue", say(503, "Work queue depth exceeded"), node.ErrBusy, node.ErrBusy},
		{"work queue before Core 22", say(500, "Work queue depth exceeded"), node.ErrBusy, node.ErrBusy},
		{"HTML", say(200, html), node.ErrGarbage, node.ErrGarbage},
		{"HTML not found", say(404, html), node.ErrGarbage, node.ErrGarbage},
		{"redirect", say(302, ""), node.ErrGarbage, node.ErrGarbage},
		{"bad gateway", say(502, html), node.ErrGarbage, node.ErrGarbage},
		{"nothing", say(200, ""), node.ErrGarbage, node.ErrCutShort},
		{"text", say(200, "hello"), node.ErrGarbage, node.ErrGarbage},
		{"array", say(200, `[1,2]`), node.ErrGarbage, node.ErrGarbage},
		{"another call's answer", say(200, `{"result":"00","error":null,"id":4711}`), node.ErrGarbage, node.ErrGarbage},
		{"no id", say(200, `{"result":"00","error":null}`), node.ErrGarbage, node.ErrGarbage},
		{"another type", say(200, `{"result":{"blocks":"x"},"error":null,"id":1}`), node.ErrGarbage, node.ErrGarbage},
		{"not hexadecimal", say(200, `{"result":"zz","error":null,"id":1}`), node.ErrGarbage, node.ErrGarbage},
		{"odd hexadecimal", say(200, `{"result":"abc","error":null,"id":1}`), node.ErrGarbage, node.ErrGarbage},
		{"starting", say(500, `{"result":null,"error":{"code":-28,"message":"Loading block index..."},"id":1}`), node.ErrWarmingUp, node.ErrWarmingUp},
		{"initial download", say(500, `{"result":null,"error":{"code":-10,"message":"downloading"},"id":1}`), node.ErrInitialDownload, node.ErrInitialDownload},
		{"method missing", say(404, `{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":1}`), node.ErrMethodMissing, node.ErrMethodMissing},
		{"pruned", say(500, `{"result":null,"error":{"code":-1,"message":"Block not available (pruned data)"},"id":1}`), node.ErrPruned, node.ErrPruned},
		{"cut short", cutAfter(`{"result":"0011`), node.ErrCutShort, node.ErrCutShort},
		{"cut short without a length", say(200, `{"result":"0011`), node.ErrCutShort, node.ErrCutShort},
		{"endless digits", endless(`{"result":"`, "00"), node.ErrTooLarge, node.ErrTooLarge},
		{"endless spaces", endless(``, "  "), node.ErrTooLarge, node.ErrTooLarge},
		{"endless member", endless(`{"id":`, "00"), node.ErrTooLarge, node.ErrTooLarge},
		{"slow", trickle(ctx, `{"result":"00`), node.ErrTimeout, node.ErrTimeout},
		{"silent", trickle(ctx, ``), node.ErrTimeout, node.ErrTimeout},
	}
	f := newFake(t)
	n := f.open(t, func(o *node.Options) {
		o.CallTimeout, o.BlockTimeout, o.MaxAnswer = 400*time.Millisecond, 400*time.Millisecond, 256<<10
	})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f.setFault(c.fault)
			defer f.setFault(nil)
			check := func(what string, err, want error) {
				t.Helper()
				if !errors.Is(err, want) || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
					t.Errorf("%s: got %v, want %v on one line", what, err, want)
				}
			}
			_, err := n.Tip(t.Context())
			check("tip", err, c.tip)
			_, err = n.Block(t.Context(), f.chain[50].id(), nil)
			check("block", err, c.block)
			f.setFault(nil)
			if _, err := n.Tip(t.Context()); err != nil {
				t.Errorf("not healed: %v", err)
			}
		})
	}
	cancel()
}

func TestBatchFaults(t *testing.T) {
	cases := []struct {
		name  string
		fault func(http.ResponseWriter, string) bool
		want  error
	}{
		{"one answer for many", say(200, `{"result":null,"error":null,"id":1}`), node.ErrGarbage},
		{"fewer answers", say(200, `[]`), node.ErrGarbage},
		{"another's answers", say(200, `[{"result":"00","error":null,"id":99999}]`), node.ErrGarbage},
		{"no objects", say(200, `[1,2,3]`), node.ErrGarbage},
		{"cut short", say(200, `[{"result":"00",`), node.ErrCutShort},
		{"cut short of a length", cutAfter(`[{"result":"00",`), node.ErrCutShort},
		{"endless", endless(`[`, "  "), node.ErrTooLarge},
		{"HTML", say(200, "<html>"), node.ErrGarbage},
	}
	f := newFake(t)
	n := f.open(t, func(o *node.Options) { o.MaxAnswer = 256 << 10 })
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f.setFault(func(w http.ResponseWriter, method string) bool { return method == "batch" && c.fault(w, method) })
			defer f.setFault(nil)
			if _, err := n.Headers(t.Context(), 10, 20); !errors.Is(err, c.want) {
				t.Errorf("headers: got %v, want %v", err, c.want)
			}
			err := n.MempoolTxs(t.Context(), []coins.TxID{{1}}, func(coins.TxID, []byte) error { return nil })
			if !errors.Is(err, c.want) {
				t.Errorf("mempool: got %v, want %v", err, c.want)
			}
		})
	}
}

// TestNextTransport breaks REST in every way and expects the block over RPC,
// and the reason in the status.
func TestNextTransport(t *testing.T) {
	other := func(f *fake) func(http.ResponseWriter, string) bool {
		return func(w http.ResponseWriter, _ string) bool {
			w.Write(f.chain[7].raw(f.t))
			return true
		}
	}
	cases := []struct {
		name  string
		fault func(f *fake) func(http.ResponseWriter, string) bool
		want  error
	}{
		{"wrong block", other, node.ErrWrongBlock},
		{"HTML", func(*fake) func(http.ResponseWriter, string) bool { return say(200, strings.Repeat("<p>", 100)) }, node.ErrWrongBlock},
		{"too short", func(*fake) func(http.ResponseWriter, string) bool { return say(200, "x") }, node.ErrCutShort},
		{"cut short", func(*fake) func(http.ResponseWriter, string) bool { return cutAfter("x") }, node.ErrCutShort},
		{"switched off", func(*fake) func(http.ResponseWriter, string) bool { return say(404, "") }, node.ErrRESTOff},
		{"starting", func(*fake) func(http.ResponseWriter, string) bool {
			return say(503, "Service temporarily unavailable: Loading block index…")
		}, node.ErrWarmingUp},
		{"huge", func(*fake) func(http.ResponseWriter, string) bool {
			return func(w http.ResponseWriter, _ string) bool {
				w.Header().Set("Content-Length", "99999999999")
				return true
			}
		}, node.ErrTooLarge},
		{"endless", func(*fake) func(http.ResponseWriter, string) bool { return endless("", "00") }, node.ErrTooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.open(t, func(o *node.Options) { o.REST = true })
			if got := n.Status().Transport; got != node.REST {
				t.Fatalf("transport %q at first: %+v", got, n.Status().Transports)
			}
			fault := c.fault(f)
			f.setFault(func(w http.ResponseWriter, method string) bool { return method == "GET" && fault(w, method) })
			if _, err := n.Block(t.Context(), f.chain[50].id(), nil); err != nil {
				t.Fatal(err)
			}
			status := n.Status()
			if status.Transport != node.RPC || !errors.Is(status.Transports[0].Err, c.want) || status.Transports[0].RetryAt.IsZero() {
				t.Errorf("want %v in %+v", c.want, status.Transports)
			}
		})
	}
}

// TestBetterTransportComesBack expects REST to be used again once it works.
func TestBetterTransportComesBack(t *testing.T) {
	f := newFake(t)
	n := f.open(t, func(o *node.Options) { o.REST, o.RetryMin, o.RetryMax = true, time.Millisecond, 5*time.Millisecond })
	f.setFault(func(w http.ResponseWriter, method string) bool { return method == "GET" && say(404, "")(w, method) })
	if _, err := n.Block(t.Context(), f.chain[50].id(), nil); err != nil {
		t.Fatal(err)
	}
	f.setFault(nil)
	eventually(t, func() bool { return n.Status().Transport == node.REST })
}

// eventually polls a state until the test's time is over.
func eventually(t *testing.T, reached func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatal("the awaited state was not reached")
		}
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	l.Close()
	o := node.Options{RPC: address, RetryMin: time.Hour}
	if _, err := node.Open(t.Context(), params(t, "doge"), o); !errors.Is(err, node.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
	o.Deferred = true
	n, err := node.Open(t.Context(), params(t, "doge"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if _, err := n.Tip(t.Context()); !errors.Is(err, node.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
	if s := n.Status(); s.Reachable || !errors.Is(s.Err, node.ErrUnreachable) {
		t.Errorf("status %+v", s)
	}
	if r := n.Doctor(t.Context()); len(r) != 1 || r[0].Check != "reachable" || r[0].Level != node.LevelFault || r[0].Remedy == "" {
		t.Errorf("doctor %+v", r)
	}
}

// TestReplacedNode puts a node of another chain behind the address: the next
// answer over a new connection is not handed out.
func TestReplacedNode(t *testing.T) {
	f := newFake(t)
	n := f.open(t, func(o *node.Options) { o.Known = map[coins.BlockHash]string{{}: "the empty chain"} })
	f.mu.Lock()
	f.chain[0].Hash = coins.BlockHash{}
	f.mu.Unlock()
	if _, err := n.Tip(t.Context()); err != nil {
		t.Errorf("over the same connection: %v", err)
	}
	f.CloseClientConnections()
	if tip, err := n.Tip(t.Context()); !errors.Is(err, node.ErrWrongChain) || !strings.Contains(err.Error(), "the empty chain") {
		t.Errorf("got %s, %v; want ErrWrongChain", tip, err)
	}
	if _, err := n.SendRaw(t.Context(), []byte{1}, false); !errors.Is(err, node.ErrWrongChain) {
		t.Errorf("send: got %v, want ErrWrongChain", err)
	}
}

// TestNewCookie expects the cookie file to be read again after a refusal.
func TestNewCookie(t *testing.T) {
	f := newFake(t)
	path := filepath.Join(t.TempDir(), ".cookie")
	accepted := make(chan string, 1)
	server := f.Config.Handler
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		want := <-accepted
		accepted <- want
		if password != want {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		server.ServeHTTP(w, r)
	})
	bake := func(cookie string) {
		if err := os.WriteFile(path, []byte("__cookie__:"+cookie), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bake("one")
	accepted <- "one"
	n := f.open(t, func(o *node.Options) { o.User, o.Password, o.CookieFile = "", "", path })
	<-accepted
	accepted <- "two"
	if _, err := n.Tip(t.Context()); !errors.Is(err, node.ErrUnauthorized) {
		t.Errorf("old cookie: got %v, want ErrUnauthorized", err)
	}
	bake("two")
	if _, err := n.Tip(t.Context()); err != nil {
		t.Errorf("new cookie: %v", err)
	}
	bake("no colon\n")
	os.Remove(path)
	<-accepted
	accepted <- "three"
	// Refused with what it knew before, or already without: the keeper may have looked for the file first.
	if _, err := n.Tip(t.Context()); !errors.Is(err, node.ErrUnauthorized) && !errors.Is(err, node.ErrSecretFile) {
		t.Errorf("no cookie: got %v, want ErrUnauthorized or ErrSecretFile", err)
	}
}

func TestCancelled(t *testing.T) {
	release, stop := context.WithCancel(t.Context())
	defer stop()
	f := newFake(t)
	n := f.open(t, func(o *node.Options) { o.REST = true })
	f.setFault(trickle(release, "x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Tip(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("tip: %v", err)
	}
	if _, err := n.Block(ctx, f.chain[5].id(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("block: %v", err)
	}
	if _, err := n.Headers(ctx, 0, 5); !errors.Is(err, context.Canceled) {
		t.Errorf("headers: %v", err)
	}
	if s := n.Status(); !s.Reachable || s.Transport != node.REST {
		t.Errorf("a caller that left was taken for a fault: %+v", s)
	}
	stop()
}

func TestOptions(t *testing.T) {
	cases := []struct {
		o    node.Options
		want []string
	}{
		{node.Options{}, []string{"rpc"}},
		{node.Options{RPC: "127.0.0.1:8332"}, []string{"rpc"}},
		{node.Options{RPC: "http://h:1", User: "u"}, []string{"user without password"}},
		{node.Options{RPC: "http://h:1", Password: "p"}, []string{"password without user"}},
		{node.Options{RPC: "http://h:1", User: "u", Password: "p", CookieFile: "c", P2P: "h", ZMQ: []string{"h:1"}},
			[]string{"cookie_file", "p2p", "zmq"}},
		{node.Options{RPC: "http://h:1", User: "u", Password: "p", PasswordFile: "f", Headers: map[string]string{"a": "b\r\nc"}},
			[]string{"password_file", "headers"}},
		{node.Options{RPC: "http://h:1", CallTimeout: -1, InFlight: -1}, []string{"timeouts", "limits"}},
	}
	for _, c := range cases {
		err := c.o.Validate()
		if !errors.Is(err, node.ErrOptions) {
			t.Errorf("%v: %v, want ErrOptions", c.o, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v does not name %q", c.o, err, want)
			}
		}
	}
	o := node.Options{RPC: "http://u:secret@h:1", Password: "secret", Headers: map[string]string{"key": "secret"}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, o); strings.Contains(text, "secret") {
			t.Errorf("%s shows a secret: %s", format, text)
		}
	}
}
