package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// handleXpubs serves [engine.Deriving].
func (s *server) handleXpubs(mux *http.ServeMux, path string) {
	mux.HandleFunc("POST "+path, s.importXpub)
	mux.HandleFunc("GET "+path, s.xpubs)
	mux.HandleFunc("GET "+path+"/{id}", s.xpub)
	mux.HandleFunc("POST "+path+"/{id}/next", s.nextAddress)
}

func (s *server) importXpub(w http.ResponseWriter, r *http.Request) {
	var request engine.XpubRequest
	if err := body(w, r, maxBody, &request); err != nil {
		fail(w, err)
		return
	}
	result, err := s.ops.ImportXpub(r.Context(), coinOf(r), request)
	answer(w, http.StatusCreated, result, err)
}

func (s *server) xpubs(w http.ResponseWriter, r *http.Request) {
	at, err := page(r.URL.Query())
	if err != nil {
		fail(w, err)
		return
	}
	list, err := s.ops.Xpubs(r.Context(), coinOf(r), at)
	answer(w, http.StatusOK, list, err)
}

func xpubOf(r *http.Request) (engine.XpubID, error) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("xpub %q: %w", r.PathValue("id"), engine.ErrNotFound)
	}
	return engine.XpubID(id), nil
}

func (s *server) xpub(w http.ResponseWriter, r *http.Request) {
	id, err := xpubOf(r)
	if err != nil {
		fail(w, err)
		return
	}
	xpub, err := s.ops.Xpub(r.Context(), coinOf(r), id)
	answer(w, http.StatusOK, xpub, err)
}

func (s *server) nextAddress(w http.ResponseWriter, r *http.Request) {
	var request engine.NextRequest
	id, err := xpubOf(r)
	if err == nil {
		err = body(w, r, maxBody, &request)
	}
	if err != nil {
		fail(w, err)
		return
	}
	next, err := s.ops.NextAddress(r.Context(), coinOf(r), id, request)
	answer(w, http.StatusCreated, next, err)
}

// ImportXpub is [engine.Deriving]'s.
func (c *Client) ImportXpub(ctx context.Context, coin coins.Symbol, request engine.XpubRequest) (engine.XpubResult, error) {
	return post[engine.XpubResult](ctx, c, of(coin, "xpubs"), request)
}

// Xpubs is [engine.Deriving]'s.
func (c *Client) Xpubs(ctx context.Context, coin coins.Symbol, page engine.Page) (engine.XpubList, error) {
	return get[engine.XpubList](ctx, c, paged(of(coin, "xpubs"), page))
}

// Xpub is [engine.Deriving]'s.
func (c *Client) Xpub(ctx context.Context, coin coins.Symbol, id engine.XpubID) (engine.Xpub, error) {
	return get[engine.Xpub](ctx, c, of(coin, "xpubs", strconv.FormatUint(uint64(id), 10)))
}

// NextAddress is [engine.Deriving]'s.
func (c *Client) NextAddress(ctx context.Context, coin coins.Symbol, id engine.XpubID, request engine.NextRequest) (engine.NextAddress, error) {
	return post[engine.NextAddress](ctx, c, of(coin, "xpubs", strconv.FormatUint(uint64(id), 10), "next"), request)
}
