package api

import (
	"context"
	"net/http"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// snapshots serves [engine.Snapshots].
func (s *server) snapshots(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/snapshots", s.snapshot)
	mux.HandleFunc("POST /v1/restores", s.restore)
	mux.HandleFunc("POST /v1/coins/{coin}/index/compact", s.compactIndex)
}

func (s *server) snapshot(w http.ResponseWriter, r *http.Request) {
	var request engine.SnapshotRequest
	if err := body(w, r, maxBody, &request); err != nil {
		fail(w, err)
		return
	}
	report, err := s.ops.Snapshot(r.Context(), request)
	answer(w, http.StatusCreated, report, err)
}

func (s *server) restore(w http.ResponseWriter, r *http.Request) {
	var request engine.RestoreRequest
	if err := body(w, r, maxBody, &request); err != nil {
		fail(w, err)
		return
	}
	report, err := s.ops.Restore(r.Context(), request)
	answer(w, http.StatusOK, report, err)
}

func (s *server) compactIndex(w http.ResponseWriter, r *http.Request) {
	report, err := s.ops.CompactIndex(r.Context(), coinOf(r))
	answer(w, http.StatusOK, report, err)
}

// Snapshot is [engine.Snapshots]'.
func (c *Client) Snapshot(ctx context.Context, request engine.SnapshotRequest) (engine.SnapshotReport, error) {
	return post[engine.SnapshotReport](ctx, c, "/v1/snapshots", request)
}

// Restore is [engine.Snapshots]'.
func (c *Client) Restore(ctx context.Context, request engine.RestoreRequest) (engine.RestoreReport, error) {
	return post[engine.RestoreReport](ctx, c, "/v1/restores", request)
}

// CompactIndex is [engine.Snapshots]'.
func (c *Client) CompactIndex(ctx context.Context, coin coins.Symbol) (engine.CompactReport, error) {
	return post[engine.CompactReport](ctx, c, of(coin, "index", "compact"), nil)
}
