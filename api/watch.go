package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

func (s *server) importAddresses(w http.ResponseWriter, r *http.Request) {
	var request engine.ImportRequest
	if err := body(w, r, maxListBody, &request); err != nil {
		fail(w, err)
		return
	}
	result, err := s.ops.ImportAddresses(r.Context(), coinOf(r), request)
	answer(w, http.StatusCreated, result, err)
}

// importNews is a line of the answer to an import of lines: how far it is, and at last how it ended.
type importNews struct {
	engine.ImportProgress
	Result  *engine.ImportResult `json:"result,omitempty"`
	Problem *problem             `json:"problem,omitempty"`
}

// newsPeriod is how often an import says how far it is.
const newsPeriod = 100 * time.Millisecond

// importLines reads lines of text from the body, of any length. What is wrong with them is a problem document; from when
// on addresses are stored, the answer is a line of JSON for each step.
func (s *server) importLines(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	request := engine.LinesRequest{Lines: r.Body, From: query.Get("from"), Label: query.Get("label")}
	var told time.Time
	begun := false
	out := json.NewEncoder(w)
	say := func(news importNews) {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.WriteHeader(http.StatusCreated)
		}
		_ = out.Encode(news) // the only failure is a peer that went away
		_ = http.NewResponseController(w).Flush()
	}
	result, err := s.ops.ImportLines(r.Context(), coinOf(r), request, func(p engine.ImportProgress) {
		if now := time.Now(); p.Total > 0 && now.Sub(told) >= newsPeriod {
			told = now
			say(importNews{ImportProgress: p})
		}
	})
	switch {
	case err == nil:
		say(importNews{Result: &result})
	case begun:
		p := problemOf(err)
		say(importNews{Problem: &p})
	default:
		fail(w, err)
	}
}

func (s *server) watches(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	at, err := page(query)
	if err != nil {
		fail(w, err)
		return
	}
	list, err := s.ops.Watches(r.Context(), coinOf(r), engine.WatchQuery{
		Label: query.Get("label"), State: query.Get("state"), Archived: query.Get("archived") == "true", Page: at,
	})
	answer(w, http.StatusOK, list, err)
}

// counted is the answer to a change of watched addresses.
type counted struct {
	Changed int `json:"changed"`
}

func (s *server) changeWatches(w http.ResponseWriter, r *http.Request) {
	var change engine.WatchChange
	if err := body(w, r, maxListBody, &change); err != nil {
		fail(w, err)
		return
	}
	changed, err := s.ops.ChangeWatches(r.Context(), coinOf(r), change)
	answer(w, http.StatusOK, counted{changed}, err)
}

// unwatch is the body of a request to stop watching, and its answer.
type unwatch struct {
	Addresses []string `json:"addresses,omitempty"`
	Removed   int      `json:"removed"`
}

func (s *server) removeWatches(w http.ResponseWriter, r *http.Request) {
	var request unwatch
	if err := body(w, r, maxListBody, &request); err != nil {
		fail(w, err)
		return
	}
	removed, err := s.ops.RemoveWatches(r.Context(), coinOf(r), request.Addresses)
	answer(w, http.StatusOK, unwatch{Removed: removed}, err)
}

// ImportAddresses is [engine.Watching]'s.
func (c *Client) ImportAddresses(
	ctx context.Context, coin coins.Symbol, request engine.ImportRequest,
) (engine.ImportResult, error) {
	return post[engine.ImportResult](ctx, c, of(coin, "watch"), request)
}

// ImportLines is [engine.Watching]'s.
func (c *Client) ImportLines(
	ctx context.Context, coin coins.Symbol, request engine.LinesRequest, progress func(engine.ImportProgress),
) (engine.ImportResult, error) {
	query := url.Values{"from": {request.From}, "label": {request.Label}}
	path := "http://coffer" + of(coin, "watch", "lines") + "?" + query.Encode()
	lines := &watchedReader{Reader: request.Lines}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, path, lines)
	if err != nil {
		return engine.ImportResult{}, err
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	response, err := c.http.Do(r)
	if err != nil {
		return engine.ImportResult{}, errors.Join(lines.err, unwrapURL(err))
	}
	defer response.Body.Close()
	in := json.NewDecoder(bufio.NewReader(response.Body))
	if response.StatusCode >= http.StatusBadRequest {
		return engine.ImportResult{}, problemIn(in, response.StatusCode)
	}
	for {
		var news importNews
		err := in.Decode(&news)
		switch {
		case err != nil && ctx.Err() != nil:
			return engine.ImportResult{}, ctx.Err()
		case err != nil:
			return engine.ImportResult{}, fmt.Errorf("%w: %w", ErrAnswer, err)
		case news.Problem != nil:
			return engine.ImportResult{}, news.Problem.err()
		case news.Result != nil:
			return *news.Result, nil
		case progress != nil:
			progress(news.ImportProgress)
		}
	}
}

// problemIn reads a problem document.
func problemIn(in *json.Decoder, status int) error {
	var p problem
	if err := in.Decode(&p); err != nil || p.Code == "" {
		return fmt.Errorf("status %d: %w", status, ErrAnswer)
	}
	return p.err()
}

// watchedReader keeps why a reader failed.
type watchedReader struct {
	io.Reader
	err error
}

func (r *watchedReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// Watches is [engine.Watching]'s.
func (c *Client) Watches(ctx context.Context, coin coins.Symbol, query engine.WatchQuery) (engine.WatchList, error) {
	more := []string{"label", query.Label, "state", query.State, "archived", strconv.FormatBool(query.Archived)}
	return get[engine.WatchList](ctx, c, paged(of(coin, "watch"), query.Page, more...))
}

// ChangeWatches is [engine.Watching]'s.
func (c *Client) ChangeWatches(ctx context.Context, coin coins.Symbol, change engine.WatchChange) (int, error) {
	result, err := post[counted](ctx, c, of(coin, "watch", "change"), change)
	return result.Changed, err
}

// RemoveWatches is [engine.Watching]'s.
func (c *Client) RemoveWatches(ctx context.Context, coin coins.Symbol, addresses []string) (int, error) {
	result, err := post[unwatch](ctx, c, of(coin, "unwatch"), unwatch{Addresses: addresses})
	return result.Removed, err
}
