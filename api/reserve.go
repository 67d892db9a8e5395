package api

import (
	"context"
	"net/http"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// maxReserveBody is room for a request with as many outpoints as the index takes.
const maxReserveBody = 1 << 20

// reservations are the routes of reservations.
func (s *server) reservations(mux *http.ServeMux, coin string) {
	mux.HandleFunc("POST "+coin+"/reservations", s.reserve)
	mux.HandleFunc("GET "+coin+"/reservations", s.listReservations)
	mux.HandleFunc("DELETE "+coin+"/reservations", s.release)
}

func (s *server) reserve(w http.ResponseWriter, r *http.Request) {
	var request engine.ReserveRequest
	if err := body(w, r, maxReserveBody, &request); err != nil {
		fail(w, err)
		return
	}
	reservation, err := s.ops.Reserve(r.Context(), coinOf(r), request)
	answer(w, http.StatusCreated, reservation, err)
}

func (s *server) listReservations(w http.ResponseWriter, r *http.Request) {
	at, err := page(r.URL.Query())
	if err != nil {
		fail(w, err)
		return
	}
	list, err := s.ops.Reservations(r.Context(), coinOf(r), engine.ReservationQuery{Owner: r.URL.Query().Get("owner"), Page: at})
	answer(w, http.StatusOK, list, err)
}

// released is the answer to a release.
type released struct {
	Released int `json:"released"`
}

func (s *server) release(w http.ResponseWriter, r *http.Request) {
	var request engine.ReleaseRequest
	if err := body(w, r, maxReserveBody, &request); err != nil {
		fail(w, err)
		return
	}
	count, err := s.ops.Release(r.Context(), coinOf(r), request)
	answer(w, http.StatusOK, released{count}, err)
}

// Reserve is [engine.Reserving]'s.
func (c *Client) Reserve(ctx context.Context, coin coins.Symbol, request engine.ReserveRequest) (engine.Reservation, error) {
	return post[engine.Reservation](ctx, c, of(coin, "reservations"), request)
}

// Reservations is [engine.Reserving]'s.
func (c *Client) Reservations(ctx context.Context, coin coins.Symbol, query engine.ReservationQuery) (engine.ReservationList, error) {
	var more []string
	if query.Owner != "" {
		more = []string{"owner", query.Owner}
	}
	return get[engine.ReservationList](ctx, c, paged(of(coin, "reservations"), query.Page, more...))
}

// Release is [engine.Reserving]'s.
func (c *Client) Release(ctx context.Context, coin coins.Symbol, request engine.ReleaseRequest) (int, error) {
	var out released
	err := c.call(ctx, http.MethodDelete, of(coin, "reservations"), request, &out)
	return out.Released, err
}
