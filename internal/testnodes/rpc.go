package testnodes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// responseLimit bounds an answer: a 4 MB block at verbosity 2 is far below it.
const responseLimit = 256 << 20

// methodNotFound is JSON-RPC's code for a method that the node was built without.
const methodNotFound = -32601

// Client is a small JSON-RPC client for driving a node in tests, made on purpose apart from the engine's own.
type Client struct {
	URL      string // http://HOST:PORT
	User     string
	Password string
	http     *http.Client
}

// NewClient returns a client of the node at the address. Close it after use.
func NewClient(url, user, password string) *Client {
	return &Client{
		URL: url, User: user, Password: password,
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}},
	}
}

// Close closes the client's idle connections; a later call opens new ones.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Call calls a method. Amounts and other decimals are best given as json.Number. An answer with an error comes back
// as *RPCError.
func (c *Client) Call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	return c.call(ctx, "", method, params)
}

// CallWallet is Call on the named wallet of the node. dogecoind has no named wallets: use Call.
func (c *Client) CallWallet(ctx context.Context, wallet, method string, params ...any) (json.RawMessage, error) {
	return c.call(ctx, "/wallet/"+wallet, method, params)
}

func (c *Client) call(ctx context.Context, path, method string, params []any) (json.RawMessage, error) {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	req.SetBasicAuth(c.User, c.Password)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	defer resp.Body.Close()
	return answer(method, resp)
}

// Call is Client.Call on the node.
func (n *Node) Call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	return n.call(ctx, "", method, params)
}

// CallWallet is Client.CallWallet on the node.
func (n *Node) CallWallet(ctx context.Context, wallet, method string, params ...any) (json.RawMessage, error) {
	return n.call(ctx, "/wallet/"+wallet, method, params)
}

func (n *Node) call(ctx context.Context, path, method string, params []any) (json.RawMessage, error) {
	if n.PID() == 0 {
		return nil, fmt.Errorf("%s: %w", method, ErrStopped)
	}
	return n.client.call(ctx, path, method, params)
}

func answer(method string, resp *http.Response) (json.RawMessage, error) {
	text, err := io.ReadAll(io.LimitReader(resp.Body, responseLimit))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	var reply struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return nil, fmt.Errorf("%s: HTTP %s: %w", method, resp.Status, err)
	}
	if reply.Error != nil {
		return nil, &RPCError{Method: method, Code: reply.Error.Code, Message: reply.Error.Message}
	}
	return reply.Result, nil
}

// ask is Call with the result decoded into a T.
func ask[T any](ctx context.Context, n *Node, method string, params ...any) (T, error) {
	var v T
	raw, err := n.Call(ctx, method, params...)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("%s: %w", method, err)
	}
	return v, nil
}

// findZMQ clears ZMQ where the node does not publish there: it may have been built without (Debian's litecoind).
func (n *Node) findZMQ(ctx context.Context) error {
	active, err := ask[[]json.RawMessage](ctx, n, "getzmqnotifications")
	var refused *RPCError
	switch {
	case errors.As(err, &refused) && refused.Code == methodNotFound && n.Coin == DOGE:
		return nil // 1.14 publishes but has no such call
	case errors.As(err, &refused) && refused.Code == methodNotFound, err == nil && len(active) == 0:
		n.ZMQ = ""
		return nil
	default:
		return err
	}
}
