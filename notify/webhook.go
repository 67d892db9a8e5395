package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coffer.example/coffer/ledger"
)

// WebhookOptions describe a receiver.
type WebhookOptions struct {
	// URL is where events are posted: http or https.
	URL string
	// Secrets sign each delivery; two while one is exchanged.
	Secrets []Secret
	// Form posts application/x-www-form-urlencoded with event_name and data, as older receivers expect, instead of JSON.
	Form bool
	// AllowPrivate lets a name resolve to private addresses.
	AllowPrivate bool
	// Timeout ends a delivery, from connecting to the answer's headers; default 15 s.
	Timeout time.Duration
	// Clock is time; nil is time.Now.
	Clock func() time.Time
}

// Limits of a delivery.
const (
	defaultTimeout = 15 * time.Second
	// maxSaid is how much of an answer is read.
	maxSaid = 1024
	// maxRetryAfter bounds what a receiver may ask to be left alone for.
	maxRetryAfter = 24 * time.Hour
	idleReceiver  = 90 * time.Second
)

// Webhook posts events to a receiver. It may be used by several goroutines; close it.
type Webhook struct {
	options WebhookOptions
	client  *http.Client
}

// NewWebhook returns a sink for a receiver. It fails with [ErrURL] or, without a secret, [ErrSecret].
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(o.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, fmt.Errorf("it must be http://… or https://…: %w", ErrURL)
	}
	if len(o.Secrets) == 0 {
		return nil, fmt.Errorf("%w: none is given", ErrSecret)
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	dialer := &net.Dialer{Timeout: o.Timeout, KeepAlive: idleReceiver / 3}
	if !o.AllowPrivate && !literal(u.Hostname()) {
		dialer.Control = publicOnly
	}
	transport := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: o.Timeout, ResponseHeaderTimeout: o.Timeout,
		IdleConnTimeout: idleReceiver, MaxIdleConnsPerHost: 8, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
	}
	return &Webhook{options: o, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close closes idle connections.
func (w *Webhook) Close() { w.client.CloseIdleConnections() }

// Deliver posts an event. It fails with [*Refused] for an answer other than 2xx, and with what the network says.
func (w *Webhook) Deliver(ctx context.Context, e *ledger.Event) error {
	ctx, cancel := context.WithTimeout(ctx, w.options.Timeout)
	defer cancel()
	body, kind, err := w.body(e)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.options.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrURL, err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", "coffer")
	Sign(req.Header, e.ID, w.options.Clock(), body, w.options.Secrets...)
	resp, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("deliver %s: %w", e.ID, err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, maxSaid))
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil // the status came whole, whatever became of the body
	}
	if err != nil {
		said = []byte(err.Error())
	}
	return fmt.Errorf("deliver %s: %w", e.ID, &Refused{
		Status: resp.StatusCode, After: retryAfter(resp.Header.Get("Retry-After"), w.options.Clock()), Said: string(said),
	})
}

func (w *Webhook) body(e *ledger.Event) (body []byte, kind string, err error) {
	if w.options.Form {
		form := url.Values{"event_name": {e.Type}, "data": {string(e.Data)}}
		return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
	}
	body, err = encode(e)
	return body, "application/json", err
}

// encode writes an event as JSON on one line, its data byte for byte as it is stored.
func encode(e *ledger.Event) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return nil, fmt.Errorf("deliver %s: %w", e.ID, err)
	}
	return bytes.TrimRight(text.Bytes(), "\n"), nil
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3), within bounds.
func retryAfter(text string, now time.Time) time.Duration {
	after := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		after = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, 0), maxRetryAfter)
}

// literal reports whether a URL's host says by itself where it is.
func literal(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || strings.EqualFold(host, "localhost")
}

// publicOnly refuses connections to private addresses, after the name was resolved and for every address tried.
func publicOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, ErrPrivate)
	}
	if !public(at.Addr().Unmap()) {
		return fmt.Errorf("%s: %w", at.Addr(), ErrPrivate)
	}
	return nil
}

// public reports whether an address is one of the open Internet.
func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() {
		return false
	}
	for _, special := range [...]string{
		"100.64.0.0/10",  // carrier-grade NAT (RFC 6598)
		"192.0.0.0/24",   // protocol assignments (RFC 6890)
		"198.18.0.0/15",  // benchmarks (RFC 2544)
		"240.0.0.0/4",    // reserved (RFC 1112)
		"64:ff9b::/96",   // NAT64: an IPv4 address inside (RFC 6052)
		"64:ff9b:1::/48", // NAT64 of a network's own (RFC 8215)
		"2002::/16",      // 6to4 (RFC 3056)
		"fec0::/10",      // site-local, once (RFC 3879)
	} {
		if netip.MustParsePrefix(special).Contains(a) {
			return false
		}
	}
	return true
}
