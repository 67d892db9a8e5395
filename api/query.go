package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// queries are the routes of what reads the index, under a coin or one of its addresses.
func (s *server) queries(mux *http.ServeMux, of string) {
	mux.HandleFunc("GET "+of+"/balance", s.balance)
	mux.HandleFunc("GET "+of+"/utxos", s.coins)
	mux.HandleFunc("GET "+of+"/history", s.history)
}

// balance answers with that of a block where at names one.
func (s *server) balance(w http.ResponseWriter, r *http.Request) {
	if values := r.URL.Query(); values.Has("at") {
		past, err := s.ops.BalanceAt(r.Context(), coinOf(r), r.PathValue("address"), values.Get("at"))
		answer(w, http.StatusOK, past, err)
		return
	}
	balance, err := s.ops.Balance(r.Context(), coinOf(r), r.PathValue("address"))
	answer(w, http.StatusOK, balance, err)
}

// Balance is [engine.Queries]'.
func (c *Client) Balance(ctx context.Context, coin coins.Symbol, address string) (engine.Balance, error) {
	return get[engine.Balance](ctx, c, ofAddress(coin, address, "balance"))
}

// BalanceAt is [engine.Queries]'.
func (c *Client) BalanceAt(ctx context.Context, coin coins.Symbol, address, at string) (engine.PastBalance, error) {
	return get[engine.PastBalance](ctx, c, ofAddress(coin, address, "balance")+"?at="+url.QueryEscape(at))
}

func (s *server) coins(w http.ResponseWriter, r *http.Request) {
	query, err := coinQuery(r.URL.Query())
	if err != nil {
		fail(w, err)
		return
	}
	query.Address = r.PathValue("address")
	list, err := s.ops.Coins(r.Context(), coinOf(r), query)
	answer(w, http.StatusOK, list, err)
}

// coinQuery reads the filters of a list of coins.
func coinQuery(values url.Values) (query engine.CoinQuery, err error) {
	var errs [9]error
	query.Page, errs[0] = page(values)
	least, err := number(values, "min_confirmations", int(coins.MaxHeight))
	query.MinConfirmations, errs[1] = coins.Height(least), err
	if values.Has("max_confirmations") {
		most, err := number(values, "max_confirmations", int(coins.MaxHeight))
		height := coins.Height(most)
		query.MaxConfirmations, errs[2] = &height, err
	}
	query.MinValue, errs[3] = amount(values, "min_value")
	query.MaxValue, errs[4] = amount(values, "max_value")
	query.Coinbase, errs[5] = flag(values, "coinbase")
	query.Reserved, errs[6] = flag(values, "reserved")
	query.Spendable, errs[7] = flag(values, "spendable")
	return query, errors.Join(errs[:]...)
}

func amount(values url.Values, name string) (coins.Amount, error) {
	text := values.Get(name)
	if text == "" {
		return 0, nil
	}
	value, err := coins.ParseAmount(text)
	if err != nil || value < 0 {
		return 0, fmt.Errorf("%s=%q is not an amount of coins: %w", name, text, engine.ErrInput)
	}
	return value, nil
}

func flag(values url.Values, name string) (bool, error) {
	text := values.Get(name)
	if text == "" {
		return false, nil
	}
	set, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%s=%q is neither true nor false: %w", name, text, engine.ErrInput)
	}
	return set, nil
}

// Coins is [engine.Queries]'.
func (c *Client) Coins(ctx context.Context, coin coins.Symbol, query engine.CoinQuery) (engine.CoinList, error) {
	var more []string
	add := func(name, value string) { more = append(more, name, value) }
	if query.MinConfirmations != 0 {
		add("min_confirmations", strconv.Itoa(int(query.MinConfirmations)))
	}
	if query.MaxConfirmations != nil {
		add("max_confirmations", strconv.Itoa(int(*query.MaxConfirmations)))
	}
	if query.MinValue != 0 {
		add("min_value", query.MinValue.String())
	}
	if query.MaxValue != 0 {
		add("max_value", query.MaxValue.String())
	}
	for _, one := range []struct {
		name string
		set  bool
	}{{"coinbase", query.Coinbase}, {"reserved", query.Reserved}, {"spendable", query.Spendable}} {
		if one.set {
			add(one.name, "true")
		}
	}
	return get[engine.CoinList](ctx, c, paged(ofAddress(coin, query.Address, "utxos"), query.Page, more...))
}

func (s *server) history(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	at, err := page(values)
	oldest, oldestErr := flag(values, "oldest")
	if err := errors.Join(err, oldestErr); err != nil {
		fail(w, err)
		return
	}
	list, err := s.ops.History(r.Context(), coinOf(r), engine.HistoryQuery{
		Address: r.PathValue("address"), Kind: values.Get("kind"), From: values.Get("from"), To: values.Get("to"), Oldest: oldest, Page: at,
	})
	answer(w, http.StatusOK, list, err)
}

// History is [engine.Queries]'.
func (c *Client) History(ctx context.Context, coin coins.Symbol, query engine.HistoryQuery) (engine.HistoryList, error) {
	var more []string
	for _, one := range [][2]string{{"kind", query.Kind}, {"from", query.From}, {"to", query.To}} {
		if one[1] != "" {
			more = append(more, one[0], one[1])
		}
	}
	if query.Oldest {
		more = append(more, "oldest", "true")
	}
	return get[engine.HistoryList](ctx, c, paged(ofAddress(coin, query.Address, "history"), query.Page, more...))
}
