package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// Limits of settings.
const (
	maxReorgLimit     = 100_000
	confirmationLimit = 10_000
	minPoll, maxPoll  = 100 * time.Millisecond, time.Hour
	defaultPoll       = 2 * time.Second

	// socketPathLimit is what the address of a unix socket has room for (sun_path, with its zero byte).
	socketPathLimit = 107
)

// LoadConfig reads a configuration file. Every fault in it is reported at once, as a [*ConfigError]; a file that is
// not there is [ErrNoConfig]. Texts may hold ${NAME}, which env answers (os.LookupEnv).
func LoadConfig(file string, env func(name string) (string, bool)) (*Config, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", file, ErrNoConfig)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return ParseConfig(file, text, env)
}

// ParseConfig is [LoadConfig] on a text already read; file is what relative paths and faults refer to.
func ParseConfig(file string, text []byte, env func(name string) (string, bool)) (*Config, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	r := &yamlReader{dir: dir, env: env}
	config := &Config{File: file}
	if root := r.document(text); root != nil {
		r.config(root, config)
	}
	if len(r.faults) > 0 {
		sort.SliceStable(r.faults, func(i, j int) bool { return r.faults[i].Line < r.faults[j].Line })
		return nil, &ConfigError{File: file, Faults: r.faults}
	}
	return config, nil
}

func (r *yamlReader) config(n *yaml.Node, c *Config) {
	found := map[string]bool{}
	r.mapping("", n, map[string]setting{
		"data_dir": func(key string, n *yaml.Node) {
			found["data_dir"] = true
			r.path(key, n, &c.DataDir)
			if len(c.Socket()) > socketPathLimit {
				r.fault(n, key, "%s is %d bytes long, and a unix socket's path has room for %d: choose a shorter folder",
					c.Socket(), len(c.Socket()), socketPathLimit)
			}
		},
		"coins": func(key string, n *yaml.Node) {
			found["coins"] = true
			r.coins(key, n, c)
		},
		"http": func(key string, n *yaml.Node) { r.http(key, n, &c.HTTP) },
	}, map[string]string{
		"database": "ledger", "events": "event sinks", "service": "payouts",
	})
	for _, key := range []string{"data_dir", "coins"} {
		if n.Kind == yaml.MappingNode && !found[key] {
			r.fault(n, key, "is missing")
		}
	}
}

func (r *yamlReader) coins(path string, n *yaml.Node, c *Config) {
	r.pairs(path, n, func(symbol string, name, value *yaml.Node) {
		if len(networksOf(coins.Symbol(symbol))) == 0 && !has(value, "params") {
			r.fault(name, join(path, symbol), "is not a coin that Coffer knows: %s; others are described by a file, as params: FILE", joinSymbols(Symbols()))
			return
		}
		c.Coins = append(c.Coins, r.coin(join(path, symbol), coins.Symbol(symbol), value))
	})
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		r.fault(n, path, "is empty: configure at least one of %s", joinSymbols(Symbols()))
	}
}

// coin reads one coin. The network comes first, because the defaults of the rest hang on it.
func (r *yamlReader) coin(path string, symbol coins.Symbol, n *yaml.Node) CoinConfig {
	c := CoinConfig{Symbol: symbol, Index: "watched", Start: Start{Tip: true}, Verify: "merkle", PollInterval: defaultPoll}
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "must be a group of settings (network, nodes, …), not %s", describe(n))
		return c
	}
	if r.paramsFile(path, n, &c); c.Params != "" && c.described == nil {
		return c // the rest hangs on it
	}
	params := r.network(path, n, &c)
	if params != nil {
		c.Confirmations, c.FinalDepth, c.MaxReorg = params.Policy.Confirmations, params.Policy.FinalDepth, params.Policy.MaxReorg
	}
	nodes := false
	r.mapping(path, n, map[string]setting{
		"network": func(string, *yaml.Node) {},
		"params":  func(string, *yaml.Node) {},
		"nodes": func(key string, n *yaml.Node) {
			nodes = true
			r.nodes(key, n, &c, params)
		},
		"index":         func(key string, n *yaml.Node) { r.indexMode(key, n, &c) },
		"start":         func(key string, n *yaml.Node) { r.start(key, n, &c.Start) },
		"verify":        func(key string, n *yaml.Node) { r.oneOf(key, n, &c.Verify, "merkle", "header") },
		"confirmations": func(key string, n *yaml.Node) { r.confirmations(key, n, &c) },
		"final_depth":   func(key string, n *yaml.Node) { r.height(key, n, &c.FinalDepth, maxReorgLimit) },
		"max_reorg":     func(key string, n *yaml.Node) { r.height(key, n, &c.MaxReorg, maxReorgLimit) },
		"poll_interval": func(key string, n *yaml.Node) { r.duration(key, n, &c.PollInterval, minPoll, maxPoll) },
	}, map[string]string{
		"report_confirmations": "events", "min_deposit": "ledger", "fee": "payouts", "require_ack": "events",
	})
	if !nodes {
		r.fault(n, path, "has no nodes: name at least one, with its rpc address")
	}
	r.depths(path, n, &c)
	return c
}

// network finds the coin's network before anything else is read, and returns its parameters, nil with a fault
// where it is missing or wrong.
func (r *yamlReader) network(path string, n *yaml.Node, c *CoinConfig) *coins.Params {
	networks := c.networks()
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "network" {
			continue
		}
		var network string
		r.oneOf(join(path, "network"), resolve(n.Content[i+1]), &network, networks...)
		if network == "" {
			return nil
		}
		c.Network = coins.Network(network)
		coin, err := c.Coin()
		if err != nil {
			r.fault(n.Content[i], join(path, "network"), "%v", err)
			return nil
		}
		return coin.Params()
	}
	r.fault(n, path, "has no network: one of %s", strings.Join(networks, ", "))
	return nil
}

func (r *yamlReader) indexMode(key string, n *yaml.Node, c *CoinConfig) {
	mode, ok := r.text(key, n)
	switch {
	case !ok || mode == IndexWatched:
	case mode == IndexAll:
		c.Index = IndexAll
	default:
		r.fault(n, key, "%q is neither watched nor all", mode)
	}
}

func (r *yamlReader) start(key string, n *yaml.Node, into *Start) {
	text, ok := r.text(key, n)
	if !ok {
		return
	}
	height, err := strconv.ParseInt(text, 10, 32)
	switch {
	case text == "tip":
		*into = Start{Tip: true}
	case text == "genesis":
		*into = Start{}
	case err != nil || height < 0:
		r.fault(n, key, "%q is neither tip, genesis nor a height", text)
	default:
		*into = Start{Height: coins.Height(height)}
	}
}

func (r *yamlReader) height(key string, n *yaml.Node, into *coins.Height, most int64) {
	if value, ok := r.integer(key, n, 1, most); ok {
		*into = coins.Height(value)
	}
}

func (r *yamlReader) confirmations(key string, n *yaml.Node, c *CoinConfig) {
	if n.Kind == yaml.SequenceNode {
		r.fault(n, key, "this version takes one number; confirmations that depend on the amount come with the ledger")
		return
	}
	r.height(key, n, &c.Confirmations, confirmationLimit)
}

// depths checks what must hold between settings, once each is right by itself.
func (r *yamlReader) depths(path string, n *yaml.Node, c *CoinConfig) {
	if c.Confirmations > c.FinalDepth {
		r.fault(n, path, "confirmations (%d) is more than final_depth (%d): a deposit cannot be credited after it is final",
			c.Confirmations, c.FinalDepth)
	}
	if c.FinalDepth > c.MaxReorg {
		r.fault(n, path, "final_depth (%d) is more than max_reorg (%d): what is not final yet must be undoable",
			c.FinalDepth, c.MaxReorg)
	}
}

func (r *yamlReader) nodes(path string, n *yaml.Node, c *CoinConfig, params *coins.Params) {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.fault(n, path, "is empty: name at least one node, with its rpc address")
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) > node.MaxNodes {
		r.fault(n.Content[node.MaxNodes], path, "has %d nodes; %d are the most", len(n.Content), node.MaxNodes)
	}
	r.list(path, n, func(path string, item *yaml.Node) {
		read := r.node(path, item, params)
		if slices.ContainsFunc(c.Nodes, func(other NodeConfig) bool { return other.RPC == read.RPC && read.RPC != "" }) {
			r.fault(item, path, "%s is named twice: a node that stands in for itself stands in for nothing", read.RPC)
		}
		c.Nodes = append(c.Nodes, read)
	})
}

func (r *yamlReader) node(path string, n *yaml.Node, params *coins.Params) NodeConfig {
	var c NodeConfig
	r.mapping(path, n, map[string]setting{
		"rpc":  func(key string, n *yaml.Node) { r.rpcURL(key, n, &c.RPC, params) },
		"user": func(key string, n *yaml.Node) { c.User, _ = r.text(key, n) },
		"password": func(key string, n *yaml.Node) {
			text, _ := r.text(key, n)
			c.Password = Secret(text)
		},
		"password_file": func(key string, n *yaml.Node) { r.secretFile(key, n, &c.PasswordFile) },
		"cookie_file":   func(key string, n *yaml.Node) { r.path(key, n, &c.CookieFile) },
		"headers":       func(key string, n *yaml.Node) { c.Headers = r.headers(key, n) },
		"p2p":           func(key string, n *yaml.Node) { r.hostPort(key, n, &c.P2P) },
		"rest":          func(key string, n *yaml.Node) { r.boolean(key, n, &c.REST) },
		"zmq":           func(key string, n *yaml.Node) { r.zmq(key, n, &c.ZMQ) },
	}, nil)
	if n.Kind == yaml.MappingNode {
		r.login(path, n, &c)
	}
	return c
}

// login checks that a node's ways of logging in are one way.
func (r *yamlReader) login(path string, n *yaml.Node, c *NodeConfig) {
	ways := 0
	for _, given := range []bool{c.Password != "", c.PasswordFile != "", c.CookieFile != ""} {
		if given {
			ways++
		}
	}
	password := c.Password != "" || c.PasswordFile != ""
	switch {
	case !hasKey(n, "rpc"):
		r.fault(n, path, "has no rpc address, as in rpc: http://127.0.0.1:8332")
	case ways > 1:
		r.fault(n, path, "password, password_file and cookie_file are alternatives: keep one")
	case c.CookieFile != "" && c.User != "":
		r.fault(n, path, "cookie_file brings its own user: remove user")
	case c.User != "" && !password && !hasKey(n, "password") && !hasKey(n, "password_file"):
		r.fault(n, path, "user needs a password or password_file")
	case password && !hasKey(n, "user"):
		r.fault(n, path, "a password needs a user")
	}
}

func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// rpcURL reads a node's base URL and fills in the coin's default port.
func (r *yamlReader) rpcURL(key string, n *yaml.Node, into *string, params *coins.Params) {
	text, ok := r.text(key, n)
	if !ok {
		return
	}
	address, err := url.Parse(text)
	switch {
	case err != nil || (address.Scheme != "http" && address.Scheme != "https") || address.Hostname() == "":
		r.fault(n, key, "%q is not an address of the form http://HOST:PORT", stripUser(text))
		return
	case address.User != nil:
		r.fault(n, key, "carries a password: give it as user and password (or password_file, cookie_file) instead")
		return
	case (address.Path != "" && address.Path != "/") || address.RawQuery != "" || address.Fragment != "":
		r.fault(n, key, "%q goes on after the port: give only http://HOST:PORT, no wallet is used", text)
		return
	}
	if address.Port() == "" && params != nil {
		address.Host = net.JoinHostPort(address.Hostname(), strconv.Itoa(int(params.Node.RPCPort)))
	}
	address.Path = ""
	*into = address.String()
}

// stripUser takes what may be a password out of a URL that cannot be parsed.
func stripUser(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return redacted + text[at:]
	}
	return text
}

// secretFile reads the name of a file that must be readable now.
func (r *yamlReader) secretFile(key string, n *yaml.Node, into *string) {
	r.path(key, n, into)
	if *into == "" {
		return
	}
	if _, err := os.ReadFile(*into); err != nil {
		r.fault(n, key, "%v", err)
	}
}

func (r *yamlReader) headers(path string, n *yaml.Node) map[string]Secret {
	headers := map[string]Secret{}
	r.pairs(path, n, func(name string, at, value *yaml.Node) {
		text, ok := r.text(join(path, name), value)
		if ok && strings.ContainsAny(text+name, "\r\n") {
			r.fault(at, join(path, name), "is of more than one line")
			return
		}
		headers[http.CanonicalHeaderKey(name)] = Secret(text)
	})
	return headers
}

func (r *yamlReader) hostPort(key string, n *yaml.Node, into *string) {
	if text, ok := r.text(key, n); ok && r.checkHostPort(key, n, text, text) {
		*into = text
	}
}

func (r *yamlReader) checkHostPort(key string, n *yaml.Node, shown, text string) bool {
	host, port, err := net.SplitHostPort(text)
	number, numberErr := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || numberErr != nil || number == 0 {
		r.fault(n, key, "%q is not of the form HOST:PORT, as in 127.0.0.1:8333", shown)
		return false
	}
	return true
}

// zmq reads one publisher's address or a list of them.
func (r *yamlReader) zmq(path string, n *yaml.Node, into *[]string) {
	one := func(key string, n *yaml.Node) {
		text, ok := r.text(key, n)
		if !ok {
			return
		}
		rest, found := strings.CutPrefix(text, "tcp://")
		if !found {
			r.fault(n, key, "%q is not of the form tcp://HOST:PORT", text)
			return
		}
		if r.checkHostPort(key, n, text, rest) {
			*into = append(*into, text)
		}
	}
	if n.Kind == yaml.SequenceNode {
		r.list(path, n, one)
		return
	}
	one(path, n)
}

func joinSymbols(symbols []coins.Symbol) string {
	var names []string
	for _, symbol := range symbols {
		names = append(names, string(symbol))
	}
	return strings.Join(names, ", ")
}
