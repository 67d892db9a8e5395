package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"coffer.example/coffer/api"
	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// woken is a Waker that counts.
type woken struct {
	mu    sync.Mutex
	count map[string]int
}

func (w *woken) Wake(coin coins.Symbol, news engine.News) error {
	if coin != "btc" && coin != "ltc" {
		return fmt.Errorf("coin %q: %w", coin, engine.ErrUnknownCoin)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count[fmt.Sprint(coin, news)]++
	return nil
}

func TestHints(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for _, test := range []struct {
		method, path, host string
		want               int
		wakes              string
	}{
		{"GET", "/hint/btc/block/" + hash, "127.0.0.1:18881", http.StatusNoContent, "btc0"},
		{"POST", "/hint/btc/block/" + strings.ToUpper(hash), "localhost:18881", http.StatusNoContent, "btc0"},
		{"GET", "/hint/ltc/wallet/" + hash, "[::1]:18881", http.StatusNoContent, "ltc1"},
		{"POST", "/hint/ltc/wallet/" + hash, "127.0.0.1", http.StatusNoContent, "ltc1"},
		{"GET", "/hint/doge/block/" + hash, "127.0.0.1", http.StatusNotFound, ""},
		{"GET", "/hint/btc/block/" + hash[1:], "127.0.0.1", http.StatusBadRequest, ""},
		{"GET", "/hint/btc/block/" + hash + "00", "127.0.0.1", http.StatusBadRequest, ""},
		{"GET", "/hint/btc/block/%25s", "127.0.0.1", http.StatusBadRequest, ""},
		{"GET", "/hint/btc/block/" + hash[2:] + "zz", "127.0.0.1", http.StatusBadRequest, ""},
		{"GET", "/hint/btc/block/" + hash, "evil.example:18881", http.StatusForbidden, ""},
		{"GET", "/hint/btc/block/" + hash, "", http.StatusForbidden, ""},
		{"PUT", "/hint/btc/block/" + hash, "127.0.0.1", http.StatusNotFound, ""},
		{"GET", "/hint/btc/header/" + hash, "127.0.0.1", http.StatusNotFound, ""},
		{"GET", "/v1/status", "127.0.0.1", http.StatusNotFound, ""},
	} {
		w := &woken{count: map[string]int{}}
		request := httptest.NewRequest(test.method, test.path, strings.NewReader("no matter what"))
		request.Host = test.host
		answer := httptest.NewRecorder()
		api.HintHandler(w, nil).ServeHTTP(answer, request)
		wakes := len(w.count) == 0 && test.wakes == "" || len(w.count) == 1 && w.count[test.wakes] == 1
		if answer.Code != test.want || !wakes {
			t.Errorf("%s %s of %q: %d, woke %v; want %d, %q", test.method, test.path, test.host, answer.Code, w.count, test.want, test.wakes)
		}
	}
}

func TestHintsAreLimited(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	w := &woken{count: map[string]int{}}
	h := api.HintHandler(w, func() time.Time { return now })
	ask := func(path string) int {
		request := httptest.NewRequest("GET", path+strings.Repeat("0a", 32), nil)
		request.Host = "127.0.0.1:1"
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, request)
		return answer.Code
	}
	for range 1000 {
		ask("/hint/btc/wallet/")
	}
	burst := w.count["btc1"]
	if burst == 0 || burst > 100 || ask("/hint/btc/wallet/") != http.StatusTooManyRequests {
		t.Fatalf("%d of 1000 at once", burst)
	}
	if ask("/hint/btc/block/") != http.StatusNoContent || ask("/hint/ltc/wallet/") != http.StatusNoContent {
		t.Error("a flood of one kind, of one coin, is in the way of others")
	}
	now = now.Add(time.Second)
	if ask("/hint/btc/wallet/") != http.StatusNoContent {
		t.Error("refused for ever")
	}
	now = now.Add(time.Hour)
	before := w.count["btc1"]
	for range 1000 {
		ask("/hint/btc/wallet/")
	}
	if got := w.count["btc1"] - before; got != burst {
		t.Errorf("%d at once after an hour, %d before", got, burst)
	}
}

func TestServeHTTP(t *testing.T) {
	w := &woken{count: map[string]int{}}
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:1", "example.com:1", "[::]:0"} {
		if err := api.ServeHTTP(t.Context(), address, api.HintHandler(w, nil)); !errors.Is(err, api.ErrNotLoopback) {
			t.Errorf("%s: %v", address, err)
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := api.ServeHTTP(t.Context(), address, nil); err == nil {
		t.Error("an address in use was taken")
	}
	free.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- api.ServeHTTP(ctx, address, api.HintHandler(w, nil)) }()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	until(t, func() bool {
		response, err := client.Get("http://" + address + "/hint/btc/block/" + strings.Repeat("00", 32))
		if err != nil {
			return false // it does not listen yet
		}
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body)
		return response.StatusCode == http.StatusNoContent
	})
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if w.count["btc0"] != 1 {
		t.Errorf("woke %v", w.count)
	}
}

func until(t *testing.T, reached func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
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
