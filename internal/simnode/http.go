package simnode

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxBody is the longest request that is read, in bytes (Core's MAX_SIZE).
const maxBody = 32 << 20

// ServeHTTP answers RPC and REST.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !n.life.begin() {
		return
	}
	defer n.life.work.Done()
	if path, ok := strings.CutPrefix(r.URL.Path, "/rest/"); ok && !n.options.NoREST {
		found := restError(http.StatusServiceUnavailable, "Service temporarily unavailable: %s", loading)
		if !n.state.warming.Load() {
			found = n.rest(path, r.URL.Query())
		}
		n.reply(w, r, ProtocolREST, path, found)
		return
	}
	switch {
	case r.URL.Path != "/":
		n.reply(w, r, ProtocolREST, r.URL.Path, answer{status: http.StatusNotFound})
	case r.Method != http.MethodPost:
		n.reply(w, r, ProtocolRPC, "", answer{status: http.StatusMethodNotAllowed, body: []byte("JSONRPC server handles only POST requests")})
	case !n.authorized(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="jsonrpc"`)
		n.reply(w, r, ProtocolRPC, "", answer{status: http.StatusUnauthorized})
	default:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		method, answer := n.rpc(body)
		n.reply(w, r, ProtocolRPC, method, answer)
	}
}

func (n *Node) authorized(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	byName := same(user, n.User) && same(password, n.Password)
	byCookie := n.state.cookie != "" && same(user, "__cookie__") && same(password, n.state.cookie)
	return ok && (byName || byCookie)
}

// answer is what goes back over HTTP.
type answer struct {
	status int
	kind   string // content type
	body   []byte
}

// reply sends an answer, or what a fault makes of it.
func (n *Node) reply(w http.ResponseWriter, r *http.Request, protocol Protocol, method string, a answer) {
	fault := n.fault(r.Context(), protocol, method)
	if fault.Drop {
		select {
		case <-r.Context().Done():
		case <-n.life.stopped:
		}
		return
	}
	if fault.Status != 0 {
		a = answer{status: fault.Status}
	}
	a.body = fault.apply(a.body)
	if a.kind == "" {
		a.kind = "text/html; charset=ISO-8859-1"
	}
	if fault.broken() {
		n.breakOff(w, a, fault.keep(len(a.body)))
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client is gone: nobody is left to be told
}

// breakOff sends the head and so many bytes of the body, and closes the
// connection.
func (n *Node) breakOff(w http.ResponseWriter, a answer, keep int) {
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // HTTP/2, which we don't offer
	}
	defer func() { _ = conn.Close() }()
	if keep > 0 {
		_, _ = fmt.Fprintf(buffer, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
			a.status, http.StatusText(a.status), a.kind, len(a.body))
		_, _ = buffer.Write(a.body[:keep])
		_ = buffer.Flush()
	}
}

// request is one call.
type request struct {
	Version string          `json:"jsonrpc"`
	Method  json.RawMessage `json:"method"`
	Params  json.RawMessage `json:"params"`
	ID      json.RawMessage `json:"id"`
}

// loading is what a node says that is not ready.
const loading = "Loading block index..."

// The codes of requests that are no calls (JSON-RPC 2.0, Core's protocol.h).
const (
	codeWarmUp    = -28
	codeParse     = -32700
	codeRequest   = -32600
	codeNoMethod  = -32601
	codeMisc      = -1
	codeType      = -3
	codeNotFound  = -5
	codeParameter = -8
)

// rpc answers the body of a request: one call or a batch.
func (n *Node) rpc(body []byte) (method string, a answer) {
	a = answer{status: http.StatusOK, kind: "application/json"}
	trimmed := bytes.TrimSpace(body)
	switch {
	case !json.Valid(trimmed):
		a.status = http.StatusInternalServerError
		a.body = oldReply(nil, &Reject{codeParse, "Parse error"}, nil)
	case trimmed[0] == '[':
		return "batch", n.batch(trimmed, a)
	case trimmed[0] != '{':
		a.status = http.StatusInternalServerError
		a.body = oldReply(nil, &Reject{codeParse, "Top-level object parse error"}, nil)
	default:
		method, a.body, a.status = n.one(trimmed, false)
	}
	a.body = append(a.body, '\n')
	return method, a
}

func (n *Node) batch(body []byte, a answer) answer {
	var calls []json.RawMessage
	_ = json.Unmarshal(body, &calls) // it is valid and a list
	a.body = append(a.body, '[')
	for i, call := range calls {
		if i > 0 {
			a.body = append(a.body, ',')
		}
		_, reply, _ := n.one(call, true)
		a.body = append(a.body, reply...)
	}
	a.body = append(a.body, "]\n"...)
	return a
}

// one answers one call.
func (n *Node) one(body []byte, inBatch bool) (method string, reply []byte, status int) {
	var r request
	var reject *Reject
	if err := json.Unmarshal(body, &r); err != nil {
		reject = &Reject{codeRequest, "Invalid Request object"}
	} else if r.Method == nil {
		reject = &Reject{codeRequest, "Missing method"}
	} else if json.Unmarshal(r.Method, &method) != nil {
		reject = &Reject{codeRequest, "Method must be a string"}
	}
	var result any
	if reject == nil && n.state.warming.Load() {
		reject = &Reject{codeWarmUp, loading}
	}
	if reject == nil {
		result, reject = n.call(method, r.Params)
	}
	if r.Version == "2.0" && n.dialect.kind == core29 {
		if r.ID == nil && !inBatch {
			return method, nil, http.StatusNoContent
		}
		return method, newReply(result, reject, r.ID), http.StatusOK
	}
	return method, oldReply(result, reject, r.ID), statusOf(reject)
}

// statusOf returns the HTTP status that goes with an error.
func statusOf(reject *Reject) int {
	switch {
	case reject == nil:
		return http.StatusOK
	case reject.Code == codeRequest:
		return http.StatusBadRequest
	case reject.Code == codeNoMethod:
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

func rejectObject(reject *Reject) any {
	if reject == nil {
		return nil
	}
	return object{{"code", reject.Code}, {"message", reject.Reason}}
}

func idOf(id json.RawMessage) any {
	if id == nil {
		return nil
	}
	return literal(id)
}

// oldReply is JSON-RPC 1: both result and error are always there.
func oldReply(result any, reject *Reject, id json.RawMessage) []byte {
	if reject != nil {
		result = nil
	}
	return appendJSON(nil, object{{"result", result}, {"error", rejectObject(reject)}, {"id", idOf(id)}})
}

// newReply is JSON-RPC 2: one of them is.
func newReply(result any, reject *Reject, id json.RawMessage) []byte {
	o := object{{"jsonrpc", "2.0"}}
	if reject != nil {
		return appendJSON(nil, o.with("error", rejectObject(reject)).with("id", idOf(id)))
	}
	return appendJSON(nil, o.with("result", result).with("id", idOf(id)))
}
