package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"coffer.example/coffer/coins"
)

// rest takes blocks and headers as raw bytes over HTTP. It needs no
// credentials: nodes serve it to whoever reaches the port.
type rest struct {
	base    string
	http    *http.Client
	headers http.Header
	timeout time.Duration
	slots   slots
	format  coins.Format
	dials   atomic.Uint64
}

func newREST(o *Options, rpcURL string, format coins.Format) *rest {
	r := &rest{
		base: strings.TrimSuffix(rpcURL, "/") + "/rest/", headers: http.Header{},
		timeout: o.BlockTimeout, slots: make(slots, o.Connections), format: format,
	}
	addHeaders(r.headers, o.Headers)
	r.http = newHTTP(o, o.Connections, &r.dials)
	return r
}

// slots bound how many do a thing at once.
type slots chan struct{}

func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slots) give() { <-s }

func (r *rest) block(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
	return r.get(ctx, "block/"+id.Hash.String()+".bin", buf, r.format.MaxBlock)
}

// headersFrom returns the headers of the active chain from a block on, at most
// count of them; none when the block is not in it (any more).
func (r *rest) headersFrom(ctx context.Context, first coins.BlockHash, count int) ([]coins.RawHeader, error) {
	path := "headers/" + strconv.Itoa(count) + "/" + first.String() + ".bin"
	raw, err := r.get(ctx, path, nil, MaxFrame)
	if err != nil {
		return nil, err
	}
	headers, err := parseHeaders(r.format, raw, count, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(headers) > 0 && headers[0].Hash() != first {
		return nil, fmt.Errorf("%s: %w", path, ErrWrongBlock)
	}
	return headers, nil
}

// get reads one resource of at most limit bytes into buf's memory.
func (r *rest) get(ctx context.Context, path string, buf []byte, limit int) ([]byte, error) {
	if err := r.slots.take(ctx); err != nil {
		return buf, err
	}
	defer r.slots.give()
	attempt, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(attempt, http.MethodGet, r.base+path, nil)
	if err != nil {
		return buf, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	req.Header = r.headers
	resp, err := r.http.Do(req)
	if err == nil {
		buf, err = readResource(resp, buf[:0], limit)
	}
	if err = explain(ctx, attempt, err); err != nil {
		return buf, fmt.Errorf("GET %s: %w", path, err)
	}
	return buf, nil
}

func readResource(resp *http.Response, buf []byte, limit int) ([]byte, error) {
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return buf, restRefusal(resp)
	}
	if resp.ContentLength > int64(limit) {
		return buf, fmt.Errorf("%d bytes, limit %d: %w", resp.ContentLength, limit, ErrTooLarge)
	}
	if resp.ContentLength < 0 {
		return readUnsized(resp.Body, buf, limit)
	}
	size := int(resp.ContentLength)
	buf = slices.Grow(buf, size)[:size]
	if _, err := io.ReadFull(resp.Body, buf); err != nil {
		return buf[:0], cutShort(err)
	}
	return buf, nil
}

// readUnsized reads a body whose length was not said (a proxy stands between).
func readUnsized(body io.Reader, buf []byte, limit int) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return buf[:0], fmt.Errorf("limit %d: %w", limit, ErrTooLarge)
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf[:0], err
		}
	}
}

// restRefusal reads the reason that a node gives in plain text.
func restRefusal(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxSmallAnswer))
	if err != nil {
		return err
	}
	said := string(text)
	var reason error
	switch {
	case strings.Contains(said, "pruned"):
		reason = ErrPruned
	case resp.StatusCode == http.StatusServiceUnavailable && strings.Contains(said, "temporarily unavailable"):
		reason = ErrWarmingUp
	case resp.StatusCode != http.StatusNotFound:
		return refusal(resp.StatusCode, text)
	case strings.Contains(said, "not found"):
		reason = ErrNotFound
	default:
		reason = ErrRESTOff
	}
	return fmt.Errorf("HTTP %d %q: %w", resp.StatusCode, clip(said), reason)
}
