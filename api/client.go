package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/utxo"
)

// maxAnswer is the longest answer that a client reads, in bytes: a page of [engine.MaxPage] rows, a block's ids, or
// the largest transaction in hexadecimal all fit.
const maxAnswer = 256 << 20

var _ engine.Operations = (*Client)(nil)

// Client asks a running daemon. It is [engine.Operations] and safe for concurrent use.
type Client struct {
	http http.Client
}

// Dial finds the daemon that listens on a unix socket. It fails with [ErrNoDaemon] where none does.
func Dial(ctx context.Context, socket string) (*Client, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", socket)
	}
	c := &Client{http: http.Client{Transport: &http.Transport{DialContext: dial}}}
	var ok string
	err := c.call(ctx, http.MethodGet, "/healthz", nil, &ok)
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		c.Close()
		return nil, fmt.Errorf("%s: %w", socket, ErrNoDaemon)
	}
	c.Close()
	if errors.Is(err, fs.ErrPermission) {
		err = ErrDenied
	}
	return nil, fmt.Errorf("daemon at %s: %w", socket, err)
}

// Close ends the client's connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call sends in as JSON, where there is one, and reads the answer into out.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://coffer"+path, body)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return unwrapURL(err)
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode >= http.StatusBadRequest {
		var p problem
		if err := decoder.Decode(&p); err != nil || p.Code == "" {
			return fmt.Errorf("status %d: %w", response.StatusCode, ErrAnswer)
		}
		return p.err()
	}
	if err := decoder.Decode(out); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}

// unwrapURL takes off the wrapping that names a made-up URL.
func unwrapURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// of is the path of something of a coin; parts are escaped.
func of(coin coins.Symbol, parts ...string) string {
	path := "/v1/coins/" + url.PathEscape(string(coin))
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// ofAddress is the path of something of an address, or of all where it is "".
func ofAddress(coin coins.Symbol, address, what string) string {
	if address == "" {
		return of(coin, what)
	}
	return of(coin, "addresses", address, what)
}

func paged(path string, page engine.Page, more ...string) string {
	query := url.Values{}
	if page.After != "" {
		query.Set("after", page.After)
	}
	if page.Limit != 0 {
		query.Set("limit", strconv.Itoa(page.Limit))
	}
	for i := 0; i+1 < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// get and post are call with the answer returned.
func get[T any](ctx context.Context, c *Client, path string) (out T, err error) {
	err = c.call(ctx, http.MethodGet, path, nil, &out)
	return out, err
}

func post[T any](ctx context.Context, c *Client, path string, in any) (out T, err error) {
	err = c.call(ctx, http.MethodPost, path, in, &out)
	return out, err
}

// Status is [engine.Overview]'s.
func (c *Client) Status(ctx context.Context) (engine.Status, error) {
	return get[engine.Status](ctx, c, "/v1/status")
}

// Coin is [engine.Overview]'s.
func (c *Client) Coin(ctx context.Context, coin coins.Symbol) (engine.CoinStatus, error) {
	return get[engine.CoinStatus](ctx, c, of(coin))
}

// Rescan is [engine.Rescans]'.
func (c *Client) Rescan(ctx context.Context, coin coins.Symbol, request engine.RescanRequest) (engine.Job, error) {
	return post[engine.Job](ctx, c, of(coin, "rescans"), request)
}

// Jobs is [engine.Rescans]'.
func (c *Client) Jobs(ctx context.Context, coin coins.Symbol) ([]engine.Job, error) {
	return get[[]engine.Job](ctx, c, of(coin, "rescans"))
}

// Job is [engine.Rescans]'.
func (c *Client) Job(ctx context.Context, coin coins.Symbol, id utxo.JobID) (engine.Job, error) {
	return get[engine.Job](ctx, c, of(coin, "rescans", strconv.FormatUint(uint64(id), 10)))
}

// CancelJob is [engine.Rescans]'.
func (c *Client) CancelJob(ctx context.Context, coin coins.Symbol, id utxo.JobID) (engine.Job, error) {
	return post[engine.Job](ctx, c, of(coin, "rescans", strconv.FormatUint(uint64(id), 10), "cancel"), nil)
}

// ResumeJob is [engine.Rescans]'.
func (c *Client) ResumeJob(ctx context.Context, coin coins.Symbol, id utxo.JobID) (engine.Job, error) {
	return post[engine.Job](ctx, c, of(coin, "rescans", strconv.FormatUint(uint64(id), 10), "resume"), nil)
}

// Block is [engine.Lookups]'.
func (c *Client) Block(ctx context.Context, coin coins.Symbol, heightOrHash string) (engine.Block, error) {
	return get[engine.Block](ctx, c, of(coin, "chain", "blocks", heightOrHash))
}

// Agreement is [engine.Nodes]'.
func (c *Client) Agreement(ctx context.Context, coin coins.Symbol, heightOrHash string) (engine.Agreement, error) {
	return get[engine.Agreement](ctx, c, of(coin, "chain", "blocks", heightOrHash, "agreement"))
}

// Transaction is [engine.Lookups]'.
func (c *Client) Transaction(ctx context.Context, coin coins.Symbol, id coins.TxID, block string) (engine.Transaction, error) {
	path := of(coin, "chain", "transactions", id.String())
	if block != "" {
		path += "?block=" + url.QueryEscape(block)
	}
	return get[engine.Transaction](ctx, c, path)
}

// CheckIndex is [engine.Upkeep]'s.
func (c *Client) CheckIndex(ctx context.Context, coin coins.Symbol) (engine.CheckReport, error) {
	return post[engine.CheckReport](ctx, c, of(coin, "index", "check"), nil)
}

// RebuildIndex is [engine.Upkeep]'s.
func (c *Client) RebuildIndex(ctx context.Context, coin coins.Symbol) (engine.ImportResult, error) {
	return post[engine.ImportResult](ctx, c, of(coin, "index", "rebuild"), nil)
}
