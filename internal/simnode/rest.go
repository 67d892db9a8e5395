package simnode

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"coffer.example/coffer/coins"
)

// maxRESTHeaders is how many headers one answer has at most.
const maxRESTHeaders = 2000

// rest answers a path below /rest/.
func (n *Node) rest(path string, query url.Values) answer {
	base, format := path, ""
	if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
		base, format = path[:dot], path[dot+1:]
	}
	head, tail, _ := strings.Cut(base, "/")
	n.chain.mu.RLock()
	defer n.chain.mu.RUnlock()
	switch {
	case base == "chaininfo" && format == "json":
		return restJSON(n.chainInfo())
	case base == "mempool/info" && format == "json":
		return restJSON(n.poolInfo())
	case base == "mempool/contents" && format == "json":
		entries := object{}
		for _, entry := range n.chain.pool.order {
			entries = entries.with(entry.id.String(), n.showEntry(entry))
		}
		return restJSON(entries)
	case head == "block":
		return n.restBlock(strings.TrimPrefix(tail, "notxdetails/"), format, tail)
	case head == "headers":
		return n.restHeaders(tail, format, query)
	case head == "blockhashbyheight" && n.dialect.byHeight:
		return n.restByHeight(tail, format)
	case head == "tx":
		return n.restTx(tail, format)
	}
	return answer{status: http.StatusNotFound}
}

func restJSON(value any) answer {
	return answer{http.StatusOK, "application/json", append(appendJSON(nil, value), '\n')}
}

func restError(status int, format string, args ...any) answer {
	return answer{status, "text/plain", fmt.Appendf(nil, format+"\r\n", args...)}
}

// restBytes answers bytes as bin or hex, or false for another format.
func restBytes(format string, raw []byte) (answer, bool) {
	switch format {
	case "bin":
		return answer{http.StatusOK, "application/octet-stream", raw}, true
	case "hex":
		return answer{http.StatusOK, "text/plain", append(hex.AppendEncode(nil, raw), '\n')}, true
	}
	return restError(http.StatusNotFound, "output format not found (available: .bin, .hex, .json)"), false
}

// restHash reads the hash of a path. An unknown format belongs to the hash.
func restHash(text, format string) (coins.BlockHash, answer, bool) {
	if format != "bin" && format != "hex" && format != "json" {
		text += "." + format
	}
	hash, err := coins.ParseBlockHash(text)
	if err != nil {
		return hash, restError(http.StatusBadRequest, "Invalid hash: %s", text), false
	}
	return hash, answer{}, true
}

func (n *Node) restBlock(text, format, tail string) answer {
	hash, refused, ok := restHash(text, format)
	if !ok {
		return refused
	}
	b, known := n.chain.blocks[hash]
	switch {
	case !known:
		return restError(http.StatusNotFound, "%s not found", text)
	case n.pruned(b):
		return restError(http.StatusNotFound, "%s not available (pruned data)", text)
	case format == "json" && text == tail:
		return restJSON(n.showBlock(b, 2))
	case format == "json":
		return restJSON(n.showBlock(b, 1))
	}
	found, _ := restBytes(format, b.raw)
	return found
}

// restHeaders answers headers/COUNT/HASH, and headers/HASH?count= as well where
// the node is new enough.
func (n *Node) restHeaders(tail, format string, query url.Values) answer {
	countText, hashText, ok := strings.Cut(tail, "/")
	if !ok && n.dialect.kind == core29 {
		countText, hashText, ok = query.Get("count"), tail, true
		if countText == "" {
			countText = "5"
		}
	}
	if !ok {
		return restError(http.StatusBadRequest, "No header count specified. Use /rest/headers/<count>/<hash>.<ext>.")
	}
	count, err := strconv.Atoi(countText)
	if err != nil || count < 1 || count > maxRESTHeaders {
		if n.dialect.kind == core29 {
			return restError(http.StatusBadRequest, "Header count is invalid or out of acceptable range (1-%d): %s", maxRESTHeaders, countText)
		}
		return restError(http.StatusBadRequest, "Header count out of range: %s", countText)
	}
	hash, refused, ok := restHash(hashText, format)
	if !ok {
		return refused
	}
	var raw []byte
	shown := list{}
	if b, known := n.chain.blocks[hash]; known && n.chain.isActive(b) {
		for h := int(b.id.Height); h < len(n.chain.active) && count > 0; h, count = h+1, count-1 {
			next := n.chain.active[h]
			if format == "json" {
				shown = append(shown, n.showHeader(next))
			}
			raw = append(raw, next.raw[:next.body]...)
		}
	}
	if format == "json" {
		return restJSON(shown)
	}
	found, _ := restBytes(format, raw)
	return found
}

func (n *Node) restByHeight(text, format string) answer {
	height, err := strconv.ParseInt(text, 10, 32)
	switch {
	case err != nil || height < 0:
		return restError(http.StatusBadRequest, "Invalid height: %s", text)
	case int(height) >= len(n.chain.active):
		return restError(http.StatusNotFound, "Block height out of range")
	}
	hash := n.chain.active[height].id.Hash
	switch format {
	case "json":
		return restJSON(object{{"blockhash", hash}})
	case "hex":
		return answer{http.StatusOK, "text/plain", []byte(hash.String() + "\n")}
	}
	found, _ := restBytes(format, hash[:])
	return found
}

func (n *Node) restTx(text, format string) answer {
	hash, refused, ok := restHash(text, format)
	if !ok {
		return refused
	}
	entry, known := n.chain.pool.byID[coins.TxID(hash)]
	if !known {
		return restError(http.StatusNotFound, "%s not found", text)
	}
	if format == "json" {
		return restJSON(n.verboseTx(entry.tx))
	}
	found, _ := restBytes(format, entry.raw)
	return found
}
