package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// Limits of hints: of each coin and kind, hintBurst at once and one more each hintEvery. What is refused is lost
// nothing: a coin that was woken a moment ago looks at everything that there is, and asks again by itself soon after.
const (
	hintBurst = 20
	hintEvery = 100 * time.Millisecond
	hintBytes = 32 // of a block's hash and a transaction's id
)

// Waker lets a coin's scanner look at its nodes: [*engine.Engine].
type Waker interface {
	Wake(coin coins.Symbol, news engine.News) error
}

// HintHandler serves the wake-ups that a node sends by its blocknotify and walletnotify commands:
//
//	GET or POST /hint/{coin}/block/{hash}
//	GET or POST /hint/{coin}/wallet/{txid}
//
// They carry no truth: the id is only checked to be one. The answer is 204 at once, whatever comes of it; 400 where it
// is no id, 404 where the coin is not configured, 429 beyond the limits. It asks for no token, so it is to be served
// on a loopback address; requests that name another host (a web page's, by DNS) are refused. clock is time, nil is
// time.Now.
func HintHandler(w Waker, clock func() time.Time) http.Handler {
	if clock == nil {
		clock = time.Now
	}
	h := &hintServer{waker: w, clock: clock, buckets: map[bucketKey]*bucket{}}
	mux := http.NewServeMux()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		mux.HandleFunc(method+" /hint/{coin}/block/{id}", h.serve(engine.NewsBlock))
		mux.HandleFunc(method+" /hint/{coin}/wallet/{id}", h.serve(engine.NewsTx))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, engine.ErrNotFound))
	})
	return mux
}

type hintServer struct {
	waker Waker
	clock func() time.Time

	mu      sync.Mutex
	buckets map[bucketKey]*bucket // of configured coins only
}

type bucketKey struct {
	coin coins.Symbol
	news engine.News
}

// bucket holds the tokens that are left, and when that was counted.
type bucket struct {
	left int
	at   time.Time
}

func (h *hintServer) serve(news engine.News) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		coin := coinOf(r)
		if !engine.IsLoopback(r.Host) {
			writeProblem(w, problem{
				Type: "urn:coffer:error:host", Title: "another host", Status: http.StatusForbidden, Code: engine.CodeFailed,
				Detail: "the request is for another host: use the loopback address of http.listen",
			})
			return
		}
		if id, err := hex.DecodeString(r.PathValue("id")); err != nil || len(id) != hintBytes {
			fail(w, fmt.Errorf("%q is not %d bytes in hexadecimal, as %%s of the node's command is: %w", clip(r.PathValue("id")), hintBytes, engine.ErrInput))
			return
		}
		if !h.allowed(bucketKey{coin, news}) {
			w.Header().Set("Retry-After", "1")
			writeProblem(w, problem{
				Type: "urn:coffer:error:too_many_hints", Title: "too many hints", Status: http.StatusTooManyRequests, Code: engine.CodeConflict,
				Detail: "the coin was woken a moment ago, and sees what there is",
			})
			return
		}
		if err := h.waker.Wake(coin, news); err != nil {
			h.forget(bucketKey{coin, news})
			fail(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// clip bounds what of a request is said again.
func clip(text string) string { return text[:min(len(text), 2*hintBytes+8)] }

// allowed takes a token.
func (h *hintServer) allowed(key bucketKey) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock()
	b := h.buckets[key]
	if b == nil {
		b = &bucket{left: hintBurst, at: now}
		h.buckets[key] = b
	}
	if fresh := int(now.Sub(b.at) / hintEvery); fresh > 0 {
		b.left = min(hintBurst, b.left+fresh)
		b.at = b.at.Add(time.Duration(fresh) * hintEvery)
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}

// forget drops what was counted for a coin that is not there, so that made-up names take no memory.
func (h *hintServer) forget(key bucketKey) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.buckets, key)
}

// ServeHTTP answers on a loopback address, HOST:PORT, until ctx ends. It fails with [ErrNotLoopback] for any other.
func ServeHTTP(ctx context.Context, address string, handler http.Handler) error {
	if !engine.IsLoopback(address) {
		return fmt.Errorf("%s: %w", address, ErrNotLoopback)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	return serveUntil(ctx, listener, &http.Server{
		Handler: handler, ReadHeaderTimeout: headerLimit, ReadTimeout: headerLimit, WriteTimeout: headerLimit, IdleTimeout: idleLimit,
		MaxHeaderBytes: maxHeader,
	})
}

// serveUntil serves until ctx ends, and waits for the requests under way.
func serveUntil(ctx context.Context, listener net.Listener, server *http.Server) error {
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	err := server.Shutdown(limit)
	if err != nil {
		err = server.Close()
	}
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
