package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// TestAccess tries each way of giving credentials, and headers of a host.
func TestAccess(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	password := write("password", "right\r\nanother line\n")
	cookie := write("cookie", "user:right")
	broken := write("broken", "no colon here")
	cases := []struct {
		name   string
		change func(*node.Options)
		want   error
	}{
		{"password", func(o *node.Options) { o.User, o.Password = "user", "right" }, nil},
		{"password file", func(o *node.Options) { o.User, o.PasswordFile = "user", password }, nil},
		{"cookie", func(o *node.Options) { o.CookieFile = cookie }, nil},
		{"in the address", func(o *node.Options) { o.RPC = strings.Replace(o.RPC, "://", "://user:right@", 1) }, nil},
		{"host's header", func(o *node.Options) { o.Headers = map[string]string{"x-api-key": "right"} }, nil},
		{"none", func(*node.Options) {}, node.ErrUnauthorized},
		{"wrong", func(o *node.Options) { o.User, o.Password = "user", "wrong" }, node.ErrUnauthorized},
		{"no such file", func(o *node.Options) { o.User, o.PasswordFile = "user", filepath.Join(dir, "none") }, node.ErrSecretFile},
		{"no cookie", func(o *node.Options) { o.CookieFile = broken }, node.ErrSecretFile},
	}
	f := newFake(t)
	handler := f.Config.Handler
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if (user != "user" || password != "right") && r.Header.Get("X-Api-Key") != "right" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := f.options()
			o.User, o.Password = "", ""
			c.change(&o)
			n, err := node.Open(t.Context(), params(t, "doge"), o)
			if err == nil {
				defer n.Close()
				if strings.Contains(n.Status().Endpoint, "right") {
					t.Errorf("the status shows the password: %s", n.Status().Endpoint)
				}
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestUnknownChain expects the error about a wrong chain to describe one that
// has no name.
func TestUnknownChain(t *testing.T) {
	f := newFake(t)
	_, err := node.Open(t.Context(), params(t, "ltc"), f.options())
	if !errors.Is(err, node.ErrWrongChain) {
		t.Fatalf("got %v, want ErrWrongChain", err)
	}
	for _, want := range []string{"Shibetoshi", `"regtest"`, f.chain[0].Hash.String(), "Litecoin"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %q", err, want)
		}
	}
}

// TestHeaderFaults answers for headers what is none, or another.
func TestHeaderFaults(t *testing.T) {
	f := newFake(t)
	n := f.open(t, nil)
	hashes := f.chain[10].Hash.String()
	for name, c := range map[string]struct {
		header string
		want   error
	}{
		"short":    {`"00"`, node.ErrGarbage},
		"not hex":  {`"` + strings.Repeat("zz", 80) + `"`, node.ErrGarbage},
		"object":   {`{}`, node.ErrGarbage},
		"another":  {`"` + f.chain[11].Hex[:160] + `"`, node.ErrWrongBlock},
		"right":    {`"` + f.chain[10].Hex[:160] + `"`, nil},
		"no proof": {`"` + f.chain[10].Hex[:200] + `"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			defer f.record(recorded{Method: "getblockheader", Params: []any{hashes, false}, Status: 200,
				Raw: `{"result":` + c.header + `,"error":null,"id":1}`})()
			if headers, err := n.Headers(t.Context(), 10, 1); !errors.Is(err, c.want) || (err == nil && len(headers) != 1) {
				t.Errorf("%d headers, %v; want %v", len(headers), err, c.want)
			}
		})
	}
}

// TestOldVerbosity asks a Dogecoin before 1.14.7 for decoded transactions.
func TestOldVerbosity(t *testing.T) {
	f := newFake(t)
	hash := f.chain[138].Hash
	f.record(recorded{Method: "getblock", Params: []any{hash.String(), 2.0}, Status: 500,
		Raw: `{"result":null,"error":{"code":-1,"message":"JSON value is not a boolean as expected"},"id":1}`})
	n := f.open(t, nil)
	if _, err := n.BlockJSON(t.Context(), hash, node.DetailTxs); !errors.Is(err, node.ErrUnsupported) {
		t.Errorf("got %v, want ErrUnsupported", err)
	}
	raw, err := n.BlockJSON(t.Context(), hash, node.DetailIDs)
	var block struct{ Height coins.Height }
	if err != nil || json.Unmarshal(raw, &block) != nil || block.Height != 138 {
		t.Errorf("%s, %v", raw, err)
	}
}

// TestDoctorAdvice expects advice on all that is not configured, and each
// broken transport named.
func TestDoctorAdvice(t *testing.T) {
	f := newFake(t)
	bare := map[string]node.Finding{}
	for _, finding := range f.open(t, nil).Doctor(t.Context()) {
		bare[finding.Check] = finding
	}
	for _, check := range []string{"blocks over rest", "blocks over p2p", "zmq"} {
		if bare[check].Level != node.LevelAdvice || bare[check].Remedy == "" {
			t.Errorf("%s: %+v", check, bare[check])
		}
	}
	n := f.open(t, func(o *node.Options) { o.REST, o.ZMQ = true, []string{"tcp://" + f.Listener.Addr().String()} })
	f.setFault(func(w http.ResponseWriter, method string) bool { return method == "GET" && say(404, "")(w, method) })
	broken := map[string]node.Finding{}
	for _, finding := range n.Doctor(t.Context()) {
		broken[finding.Check] = finding
	}
	if got := broken["blocks over rest"]; got.Level != node.LevelAdvice || !strings.Contains(got.Text, "rest=1") {
		t.Errorf("%+v", got)
	}
	if got := broken["zmq "+"tcp://"+f.Listener.Addr().String()]; got.Level != node.LevelFault || got.Remedy == "" {
		t.Errorf("%+v in %+v", got, broken)
	}
}

// TestQueueCancelled cancels calls that wait for a turn.
func TestQueueCancelled(t *testing.T) {
	release, stop := context.WithCancel(t.Context())
	f := newFake(t)
	n := f.open(t, func(o *node.Options) { o.Connections = 1 })
	entered := make(chan struct{})
	f.setFault(func(w http.ResponseWriter, method string) bool {
		if method == "getblock" {
			close(entered)
			<-release.Done()
		}
		return false
	})
	first := make(chan error)
	go func() {
		_, err := n.Block(t.Context(), f.chain[5].id(), nil)
		first <- err
	}()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Block(ctx, f.chain[6].id(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the caller's error", err)
	}
	stop()
	if err := <-first; err != nil {
		t.Errorf("the call before: %v", err)
	}
}
