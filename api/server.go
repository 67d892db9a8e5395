package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/utxo"
)

// Longest request bodies.
const (
	maxBody     = 64 << 10
	maxListBody = 128 << 20 // engine.MaxImport addresses of the longest form
)

// server answers requests from Operations.
type server struct {
	ops engine.Operations
}

// Handler serves the operations under /v1.
func Handler(ops engine.Operations) http.Handler {
	s := &server{ops: ops}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok", nil) })
	mux.HandleFunc("GET /v1/status", s.status)
	const coin = "/v1/coins/{coin}"
	mux.HandleFunc("GET "+coin, s.coin)
	mux.HandleFunc("POST "+coin+"/watch", s.importAddresses)
	mux.HandleFunc("GET "+coin+"/watch", s.watches)
	mux.HandleFunc("POST "+coin+"/watch/lines", s.importLines)
	mux.HandleFunc("POST "+coin+"/watch/change", s.changeWatches)
	mux.HandleFunc("POST "+coin+"/unwatch", s.removeWatches)
	for _, of := range []string{coin, coin + "/addresses/{address}"} {
		s.queries(mux, of)
	}
	s.handleXpubs(mux, coin+"/xpubs")
	s.reservations(mux, coin)
	mux.HandleFunc("POST "+coin+"/rescans", s.rescan)
	mux.HandleFunc("GET "+coin+"/rescans", s.jobs)
	mux.HandleFunc("GET "+coin+"/rescans/{id}", s.job(s.ops.Job))
	mux.HandleFunc("POST "+coin+"/rescans/{id}/cancel", s.job(s.ops.CancelJob))
	mux.HandleFunc("POST "+coin+"/rescans/{id}/resume", s.job(s.ops.ResumeJob))
	mux.HandleFunc("GET "+coin+"/chain/blocks/{block}", s.block)
	mux.HandleFunc("GET "+coin+"/chain/blocks/{block}/agreement", s.agreement)
	mux.HandleFunc("GET "+coin+"/chain/transactions/{txid}", s.transaction)
	mux.HandleFunc("POST "+coin+"/index/check", s.checkIndex)
	mux.HandleFunc("POST "+coin+"/index/rebuild", s.rebuildIndex)
	mux.HandleFunc("POST "+coin+"/index/rebuild-all", s.rebuildWhole)
	s.snapshots(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, engine.ErrNotFound))
	})
	return onlyOwner(mux)
}

// answer writes value as the response, or err as a problem document.
func answer(w http.ResponseWriter, status int, value any, err error) {
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the only failure is a peer that went away
}

func fail(w http.ResponseWriter, err error) { writeProblem(w, problemOf(err)) }

func writeProblem(w http.ResponseWriter, p problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // as above
}

func coinOf(r *http.Request) coins.Symbol { return coins.Symbol(r.PathValue("coin")) }

// body reads the request's JSON document into value. Unknown members are errors: they are misspelled.
func body(w http.ResponseWriter, r *http.Request, limit int64, value any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return fmt.Errorf("request body: %w: %w", engine.ErrInput, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("request body goes on after its document: %w", engine.ErrInput)
	}
	return nil
}

// page reads the paging of a list from the query.
func page(query url.Values) (engine.Page, error) {
	limit, err := number(query, "limit", engine.MaxPage)
	return engine.Page{After: query.Get("after"), Limit: limit}, err
}

func number(query url.Values, name string, most int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s=%q is not a number from 0 to %d: %w", name, text, most, engine.ErrInput)
	}
	return n, nil
}

func (s *server) status(w http.ResponseWriter, r *http.Request) {
	status, err := s.ops.Status(r.Context())
	answer(w, http.StatusOK, status, err)
}

func (s *server) coin(w http.ResponseWriter, r *http.Request) {
	status, err := s.ops.Coin(r.Context(), coinOf(r))
	answer(w, http.StatusOK, status, err)
}

func (s *server) rescan(w http.ResponseWriter, r *http.Request) {
	var request engine.RescanRequest
	if err := body(w, r, maxListBody, &request); err != nil {
		fail(w, err)
		return
	}
	job, err := s.ops.Rescan(r.Context(), coinOf(r), request)
	answer(w, http.StatusAccepted, job, err)
}

func (s *server) jobs(w http.ResponseWriter, r *http.Request) {
	jobs, err := s.ops.Jobs(r.Context(), coinOf(r))
	answer(w, http.StatusOK, jobs, err)
}

// jobOperation is Job, CancelJob or ResumeJob.
type jobOperation func(ctx context.Context, coin coins.Symbol, id utxo.JobID) (engine.Job, error)

func (s *server) job(operation jobOperation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
		if err != nil {
			fail(w, fmt.Errorf("rescan %q: %w", r.PathValue("id"), engine.ErrNotFound))
			return
		}
		job, err := operation(r.Context(), coinOf(r), utxo.JobID(id))
		answer(w, http.StatusOK, job, err)
	}
}

func (s *server) block(w http.ResponseWriter, r *http.Request) {
	block, err := s.ops.Block(r.Context(), coinOf(r), r.PathValue("block"))
	answer(w, http.StatusOK, block, err)
}

func (s *server) agreement(w http.ResponseWriter, r *http.Request) {
	agreement, err := s.ops.Agreement(r.Context(), coinOf(r), r.PathValue("block"))
	answer(w, http.StatusOK, agreement, err)
}

func (s *server) transaction(w http.ResponseWriter, r *http.Request) {
	id, err := coins.ParseTxID(r.PathValue("txid"))
	if err != nil {
		fail(w, err)
		return
	}
	tx, err := s.ops.Transaction(r.Context(), coinOf(r), id, r.URL.Query().Get("block"))
	answer(w, http.StatusOK, tx, err)
}

func (s *server) checkIndex(w http.ResponseWriter, r *http.Request) {
	report, err := s.ops.CheckIndex(r.Context(), coinOf(r))
	answer(w, http.StatusOK, report, err)
}

func (s *server) rebuildIndex(w http.ResponseWriter, r *http.Request) {
	result, err := s.ops.RebuildIndex(r.Context(), coinOf(r))
	answer(w, http.StatusOK, result, err)
}
