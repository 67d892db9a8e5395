package engine

import (
	"net"
	"strings"

	"go.yaml.in/yaml/v3"
)

// http reads where to listen. What is served asks for no token, so only the machine itself may reach it.
func (r *yamlReader) http(path string, n *yaml.Node, c *HTTPConfig) {
	r.mapping(path, n, map[string]setting{
		"listen": func(key string, n *yaml.Node) {
			text, ok := r.text(key, n)
			if !ok || !r.checkHostPort(key, n, text, text) {
				return
			}
			if !IsLoopback(text) {
				r.fault(n, key, "%q can be reached by others, and there are no tokens yet to keep them out: use 127.0.0.1, or [::1]", text)
				return
			}
			c.Listen = text
		},
	}, nil)
}

// IsLoopback reports whether HOST:PORT, or HOST, is of the machine itself: localhost or a loopback address.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
