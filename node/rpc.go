package node

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// rpc speaks JSON-RPC to one node over kept-alive connections.
type rpc struct {
	url       string
	http      *http.Client
	auth      *credentials
	headers   http.Header
	timeout   time.Duration // of a call
	blockTime time.Duration // of a call that returns a block
	maxAnswer int64
	nextID    atomic.Uint64
	dials     atomic.Uint64 // connections made so far: a new one may lead to another node
}

func newRPC(o *Options) (*rpc, error) {
	address, err := url.Parse(o.RPC)
	if err != nil {
		return nil, fmt.Errorf("%w: rpc: %w", ErrOptions, err)
	}
	c := &rpc{
		auth: newCredentials(o, address), timeout: o.CallTimeout, blockTime: o.BlockTimeout, maxAnswer: o.MaxAnswer,
		headers: http.Header{"Content-Type": {"application/json"}},
	}
	address.User = nil
	c.url = address.String()
	addHeaders(c.headers, o.Headers)
	c.http = newHTTP(o, o.Connections+controlConnections, &c.dials)
	return c, nil
}

// controlConnections is how many connections calls may use beside those that
// fetch blocks, so that a tip is not asked for behind megabytes.
const controlConnections = 4

func addHeaders(to http.Header, extra map[string]string) {
	for name, value := range extra {
		to.Set(name, value)
	}
	// A call that finds its kept-alive connection closed may be repeated: every
	// call we make does the same when made twice. The empty value is not sent.
	to["Idempotency-Key"] = nil
}

// newHTTP is a client that counts the connections it makes, follows no
// redirect (it would take the credentials elsewhere) and uses no proxy.
func newHTTP(o *Options, connections int, dials *atomic.Uint64) *http.Client {
	dialer := &net.Dialer{Timeout: o.DialTimeout}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dialer.DialContext(ctx, network, address)
				if err == nil {
					dials.Add(1)
				}
				return conn, err
			},
			TLSHandshakeTimeout: o.DialTimeout,
			MaxConnsPerHost:     connections,
			MaxIdleConnsPerHost: connections,
			IdleConnTimeout:     25 * time.Second, // nodes close at 30: rpcservertimeout
			DisableCompression:  true,
			ReadBufferSize:      64 << 10,
		},
	}
}

// request is one call as it is sent.
type request struct {
	Version string `json:"jsonrpc"`
	ID      uint64 `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

// fault is the error part of an answer.
type fault struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// answer is one call's answer.
type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *fault          `json:"error"`
	ID     *uint64         `json:"id"`
}

func (c *rpc) request(method string, params []any) request {
	if params == nil {
		params = []any{}
	}
	return request{Version: "1.0", ID: c.nextID.Add(1), Method: method, Params: params}
}

// result checks that the answer is to the request and returns its result.
func (a *answer) result(r *request) (json.RawMessage, error) {
	switch {
	case a.Error != nil:
		return nil, &RPCError{Method: r.Method, Code: a.Error.Code, Message: a.Error.Message}
	case a.ID == nil || *a.ID != r.ID:
		return nil, fmt.Errorf("%s: answer to another call: %w", r.Method, ErrGarbage)
	case a.Result == nil:
		return json.RawMessage("null"), nil
	}
	return a.Result, nil
}

// raw makes one call and returns its result as the node wrote it.
func (c *rpc) raw(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	r := c.request(method, params)
	var result json.RawMessage
	err := c.exchange(ctx, c.timeout, method, r, func(body io.Reader, _ *http.Response) error {
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		var a answer
		if err := json.Unmarshal(text, &a); err != nil {
			return fmt.Errorf("%q: %w", clip(string(text)), cutOrGarbage(err, len(text)))
		}
		result, err = a.result(&r)
		return err
	})
	return result, err
}

// call makes one call and decodes its result into out.
func (c *rpc) call(ctx context.Context, out any, method string, params ...any) error {
	result, err := c.raw(ctx, method, params...)
	if err != nil {
		return err
	}
	return decode(method, result, out)
}

func decode(method string, result json.RawMessage, out any) error {
	if err := json.Unmarshal(result, out); err != nil {
		return fmt.Errorf("%s: %q: %w", method, clip(string(result)), ErrGarbage)
	}
	return nil
}

// call of a batch.
type call struct {
	method string
	params []any
}

// batch makes the calls in one request, at most maxBatch of them, and hands
// over each result or refusal as it is decoded.
func (c *rpc) batch(ctx context.Context, calls []call, each func(i int, result json.RawMessage, err error) error) error {
	requests := make([]request, len(calls))
	for i := range calls {
		requests[i] = c.request(calls[i].method, calls[i].params)
	}
	first := requests[0].ID
	for i := range requests {
		requests[i].ID = first + uint64(i) // ids of concurrent batches may repeat: each has its own answer
	}
	name := "batch of " + strconv.Itoa(len(calls)) + " " + calls[0].method
	return c.exchange(ctx, c.timeout, name, requests, func(body io.Reader, _ *http.Response) error {
		return readBatch(body, requests, each)
	})
}

// readBatch decodes an array of answers one by one.
func readBatch(body io.Reader, requests []request, each func(i int, result json.RawMessage, err error) error) error {
	limited := &lastError{r: body}
	d := json.NewDecoder(limited)
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return limited.explain("no array of answers", err)
	}
	seen := make([]bool, len(requests))
	for range requests {
		var a answer
		if err := d.Decode(&a); err != nil {
			return limited.explain("an answer is missing or no JSON object", err)
		}
		if a.ID == nil || *a.ID-requests[0].ID >= uint64(len(requests)) || seen[*a.ID-requests[0].ID] {
			return limited.explain("answer to another call", nil)
		}
		i := int(*a.ID - requests[0].ID)
		seen[i] = true
		result, err := a.result(&requests[i])
		if err := each(i, result, err); err != nil {
			return err
		}
	}
	if end, err := d.Token(); err != nil || end != json.Delim(']') {
		return limited.explain("more answers than calls, or no end", err)
	}
	return nil
}

// lastError remembers why a reader failed, which a JSON decoder may hide
// behind a syntax error.
type lastError struct {
	r   io.Reader
	err error
}

func (l *lastError) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}

// explain names what a decoder met: the reader's failure, an early end, or
// what is no answer to a batch.
func (l *lastError) explain(what string, decoder error) error {
	switch {
	case l.err != nil:
		return l.err
	case errors.Is(decoder, io.EOF), errors.Is(decoder, io.ErrUnexpectedEOF):
		return ErrCutShort
	default:
		return fmt.Errorf("%s: %w", what, ErrGarbage)
	}
}

// cutOrGarbage tells a JSON text that ends early from one that is wrong.
func cutOrGarbage(err error, size int) error {
	var syntax *json.SyntaxError
	if size > 0 && errors.As(err, &syntax) && syntax.Offset == int64(size) {
		return ErrCutShort
	}
	return ErrGarbage
}

// hex makes a call whose result is hexadecimal and decodes it as it streams
// into buf, up to limit bytes.
func (c *rpc) hex(ctx context.Context, buf []byte, limit int, method string, params ...any) ([]byte, error) {
	r := c.request(method, params)
	err := c.exchange(ctx, c.blockTime, method, r, func(body io.Reader, resp *http.Response) error {
		buf = slices.Grow(buf[:0], int(max(0, min(resp.ContentLength/2, int64(limit)))))
		stream := bufio.NewReaderSize(body, streamBuffer)
		raw, a, err := readHexAnswer(stream, buf, limit)
		if err != nil {
			return err
		}
		buf = raw
		_, err = a.result(&r)
		return err
	})
	return buf, err
}

// readAnswer reads the body of an answer.
type readAnswer func(body io.Reader, resp *http.Response) error

// exchange posts a body and has the answer read, bounded in time and size.
func (c *rpc) exchange(ctx context.Context, limit time.Duration, name string, body any, read readAnswer) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", name, ErrOptions, err)
	}
	attempt, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	resp, err := c.post(attempt, text)
	if err == nil {
		err = c.read(resp, read)
	}
	if err = explain(ctx, attempt, err); err != nil {
		var refused *RPCError
		if errors.As(err, &refused) {
			return err // names the call itself
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// post sends the body, once more with fresh credentials if they were refused.
func (c *rpc) post(ctx context.Context, body []byte) (*http.Response, error) {
	for again := true; ; again = false {
		user, password, err := c.auth.get()
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOptions, err)
		}
		req.Header = c.headers.Clone()
		if user != "" || password != "" {
			req.SetBasicAuth(user, password)
		}
		resp, err := c.http.Do(req)
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
		resp.Body.Close()
		if !again || !c.auth.reload(password) {
			return nil, ErrUnauthorized
		}
	}
}

// read hands a JSON-RPC answer's body on and turns any other into an error.
func (c *rpc) read(resp *http.Response, read readAnswer) error {
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return readRefusal(resp, read)
	}
	body := &bounded{r: resp.Body, left: c.maxAnswer}
	if err := read(body, resp); err != nil {
		return err
	}
	// What is left is a line break; only a body read to its end frees the
	// connection for the next call.
	_, err := io.CopyN(io.Discard, resp.Body, maxSmallAnswer)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// readRefusal reads an answer that is not 200: JSON-RPC as nodes send it with
// 400, 404 and 500, or a text.
func readRefusal(resp *http.Response, read readAnswer) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxSmallAnswer))
	if err != nil {
		return err
	}
	if len(text) > 0 && text[0] == '{' {
		return read(bytes.NewReader(text), resp)
	}
	return refusal(resp.StatusCode, text)
}

// refusal is the error of an HTTP answer that carries a text.
func refusal(status int, text []byte) error {
	said := fmt.Sprintf("HTTP %d %q", status, clip(string(text)))
	switch {
	case status == http.StatusUnauthorized:
		return fmt.Errorf("%s: %w", said, ErrUnauthorized)
	case status == http.StatusForbidden:
		return fmt.Errorf("%s: %w", said, ErrForbidden)
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests,
		bytes.Contains(text, []byte("Work queue depth exceeded")): // with 500 before Core 22
		return fmt.Errorf("%s: %w", said, ErrBusy)
	default:
		return fmt.Errorf("%s: %w", said, ErrGarbage)
	}
}

// bounded fails with ErrTooLarge beyond a number of bytes.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.r.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, ErrTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// explain turns what net and net/http report into this package's errors. ctx
// is the caller's and attempt the one derived from it with our time limit.
func explain(ctx, attempt context.Context, err error) error {
	var network net.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case attempt.Err() != nil:
		return ErrTimeout
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrCutShort
	case errors.As(err, &network) && network.Timeout():
		return fmt.Errorf("%w (%w)", ErrUnreachable, err)
	case isOurs(err):
		return err
	default:
		return fmt.Errorf("%w (%w)", ErrUnreachable, err)
	}
}

// isOurs reports whether err already wraps an error of this package that says
// what happened.
func isOurs(err error) bool {
	var refused *RPCError
	if errors.As(err, &refused) {
		return true
	}
	for _, known := range []error{ErrUnauthorized, ErrSecretFile, ErrForbidden, ErrBusy, ErrGarbage, ErrTooLarge, ErrCutShort,
		ErrOptions, ErrNotFound, ErrPruned, ErrWarmingUp, ErrRESTOff, ErrWrongBlock, ErrTimeout, ErrUnreachable} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
