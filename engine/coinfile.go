package engine

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// CoinFile is a coin that a parameter file describes: any that differs from Bitcoin, Litecoin or Dogecoin by data alone.
// docs/adding-a-coin.md explains every key.
type CoinFile struct {
	File   string
	Symbol coins.Symbol
	Name   string

	networks map[coins.Network]describedCoin
}

// describedCoin is one network of a parameter file.
type describedCoin struct {
	coin       coins.Coin
	headerWork bool
}

// LoadCoinFile reads a parameter file. Every fault in it is reported at once, as a [*ConfigError].
func LoadCoinFile(file string) (*CoinFile, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return ParseCoinFile(file, text)
}

// ParseCoinFile is [LoadCoinFile] on a text already read; file is what faults refer to.
func ParseCoinFile(file string, text []byte) (*CoinFile, error) {
	noVariables := func(string) (string, bool) { return "", false }
	r := &coinReader{yamlReader: yamlReader{dir: filepath.Dir(file), env: noVariables}}
	c := &CoinFile{File: file, networks: map[coins.Network]describedCoin{}}
	if root := r.document(text); root != nil {
		r.file(root, c)
	}
	if len(r.faults) > 0 {
		sort.SliceStable(r.faults, func(i, j int) bool { return r.faults[i].Line < r.faults[j].Line })
		return nil, &ConfigError{File: file, Faults: r.faults}
	}
	return c, nil
}

// Networks returns the networks that the file describes, sorted.
func (c *CoinFile) Networks() []coins.Network {
	var names []coins.Network
	for name := range c.networks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Coin returns the coin on a network. It fails with [coins.ErrNetwork] where the file does not describe it.
func (c *CoinFile) Coin(network coins.Network) (coins.Coin, error) {
	described, ok := c.networks[network]
	if !ok {
		return nil, fmt.Errorf("%s has no network %q, it has %v: %w", c.File, network, c.Networks(), coins.ErrNetwork)
	}
	return described.coin, nil
}

// coinReader reads a parameter file.
type coinReader struct {
	yamlReader
}

func (r *coinReader) file(n *yaml.Node, c *CoinFile) {
	var networks *yaml.Node
	found := map[string]bool{}
	r.mapping("", n, map[string]setting{
		"symbol": func(key string, n *yaml.Node) {
			found["symbol"] = true
			text, ok := r.text(key, n)
			if ok && !goodSymbol(text) {
				r.fault(n, key, "%q is not of 2 to 8 lower case letters and digits", text)
			}
			c.Symbol = coins.Symbol(text)
			if _, builtIn := wireOf(c.Symbol); builtIn {
				r.fault(n, key, "%s is a coin that Coffer has: a file cannot describe it anew", text)
			}
		},
		"name": func(key string, n *yaml.Node) {
			found["name"] = true
			c.Name, _ = r.text(key, n)
		},
		"networks": func(_ string, n *yaml.Node) {
			found["networks"] = true
			networks = n
		},
	}, nil)
	r.missing(n, "", found, "symbol", "name", "networks")
	if networks == nil {
		return
	}
	names := []coins.Network{coins.Main, coins.Test, coins.Testnet4, coins.Signet, coins.Regtest}
	r.pairs("networks", networks, func(name string, at, value *yaml.Node) {
		if !slices.Contains(names, coins.Network(name)) {
			r.fault(at, join("networks", name), "is not one of %v", names)
			return
		}
		r.network(join("networks", name), value, c, coins.Network(name))
	})
	if networks.Kind == yaml.MappingNode && len(networks.Content) == 0 {
		r.fault(networks, "networks", "is empty: describe at least one of %v", names)
	}
}

func goodSymbol(text string) bool {
	return len(text) >= 2 && len(text) <= 8 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// missing has a fault for each key that must be given.
func (r *coinReader) missing(n *yaml.Node, path string, found map[string]bool, keys ...string) {
	for _, key := range keys {
		if n.Kind == yaml.MappingNode && !found[key] {
			r.fault(n, join(path, key), "is missing")
		}
	}
}

// network reads one network's parameters and has the codec check them as a whole.
func (r *coinReader) network(path string, n *yaml.Node, c *CoinFile, network coins.Network) {
	p := coins.Params{Symbol: c.Symbol, Name: c.Name, Network: network}
	described := describedCoin{}
	before := len(r.faults)
	r.required(path, n, r.formatKeys(&p, &described), map[string]setting{
		"address": func(key string, n *yaml.Node) { r.address(key, n, &p.Address) },
		"genesis": func(key string, n *yaml.Node) { r.genesis(key, n, &p.Chain) },
		"chain":   func(key string, n *yaml.Node) { r.chain(key, n, &p.Chain) },
		"policy":  func(key string, n *yaml.Node) { r.policy(key, n, &p.Policy) },
		"node":    func(key string, n *yaml.Node) { r.node(key, n, &p.Node) },
	})
	if len(r.faults) > before || c.Symbol == "" || c.Name == "" {
		return // what is missing would be told twice
	}
	if p.Format.Segwit {
		p.Node.WitnessFlag = witnessFlag
	}
	coin, err := core.New(p)
	if err != nil {
		r.contradictions(n, path, err)
		return
	}
	described.coin = coin
	c.networks[network] = described
}

// witnessFlag asks for witnesses over the peer protocol (BIP 144).
const witnessFlag = 0x40000000

// contradictions makes a fault of each line of the codec's error.
func (r *coinReader) contradictions(n *yaml.Node, path string, err error) {
	text := err.Error()
	if _, rest, found := strings.Cut(text, core.ErrParams.Error()+": "); found {
		text = rest
	}
	for line := range strings.SplitSeq(text, "\n") {
		r.fault(n, path, "%s", line)
	}
}

// required reads a mapping of which every key must be given.
func (r *coinReader) required(path string, n *yaml.Node, keys ...map[string]setting) {
	r.group(path, n, nil, keys...)
}

// group is required with some keys that may be left out.
func (r *coinReader) group(path string, n *yaml.Node, optional map[string]setting, keys ...map[string]setting) {
	all, found := map[string]setting{}, map[string]bool{}
	var names []string
	for _, some := range keys {
		for name, read := range some {
			names = append(names, name)
			all[name] = func(key string, n *yaml.Node) {
				found[name] = true
				read(key, n)
			}
		}
	}
	for name, read := range optional {
		all[name] = read
	}
	r.mapping(path, n, all, nil)
	slices.Sort(names)
	r.missing(n, path, found, names...)
}

// formatKeys are those of the block format, which stand beside the groups.
func (r *coinReader) formatKeys(p *coins.Params, described *describedCoin) map[string]setting {
	return map[string]setting{
		"generation": func(key string, n *yaml.Node) {
			var text string
			generations := map[string]coins.Classifier{"core-0.14": coins.Core014, "core-0.21": coins.Core021, "core-29": coins.Core029}
			r.oneOf(key, n, &text, "core-0.14", "core-0.21", "core-29")
			p.Classifier = generations[text]
		},
		"segwit":      func(key string, n *yaml.Node) { r.boolean(key, n, &p.Format.Segwit) },
		"merge_mined": func(key string, n *yaml.Node) { r.boolean(key, n, &p.Format.AuxPoW) },
		"max_block": func(key string, n *yaml.Node) {
			size, _ := r.integer(key, n, coins.HeaderSize, 1<<30)
			p.Format.MaxBlock = int(size)
		},
		"proof_of_work": func(key string, n *yaml.Node) {
			var text string
			r.oneOf(key, n, &text, "sha256d", "other")
			described.headerWork = text == "sha256d"
		},
	}
}

func (r *coinReader) address(path string, n *yaml.Node, a *coins.AddressParams) {
	r.group(path, n, map[string]setting{
		"p2sh_foreign": func(key string, n *yaml.Node) { a.P2SHForeign = r.versions(key, n) },
		"hrp":          func(key string, n *yaml.Node) { a.HRP, _ = r.text(key, n) },
		"hd_aliases": func(key string, n *yaml.Node) {
			r.list(key, n, func(key string, n *yaml.Node) { a.HDAliases = append(a.HDAliases, r.alias(key, n)) })
		},
	}, map[string]setting{
		"p2pkh": func(key string, n *yaml.Node) { a.P2PKH = r.versions(key, n) },
		"p2sh":  func(key string, n *yaml.Node) { a.P2SH = r.versions(key, n) },
		"wif": func(key string, n *yaml.Node) {
			version, _ := r.integer(key, n, 0, 255)
			a.WIF = byte(version)
		},
		"hd_public":  func(key string, n *yaml.Node) { a.HDPublic = r.hex32(key, n) },
		"hd_private": func(key string, n *yaml.Node) { a.HDPrivate = r.hex32(key, n) },
		"slip44": func(key string, n *yaml.Node) {
			number, _ := r.integer(key, n, 0, 1<<31-1)
			a.SLIP44 = uint32(number)
		},
	})
}

func (r *coinReader) alias(path string, n *yaml.Node) (alias coins.HDAlias) {
	r.required(path, n, map[string]setting{
		"public": func(key string, n *yaml.Node) { alias.Public = r.hex32(key, n) },
		"form": func(key string, n *yaml.Node) {
			var text string
			forms := []string{"any", string(coins.HDNestedKey), string(coins.HDWitnessKey), string(coins.HDNestedScript), string(coins.HDWitnessScript)}
			r.oneOf(key, n, &text, forms...)
			if text != "any" {
				alias.Form = coins.HDForm(text)
			}
		},
	})
	return alias
}

// versions reads a list of version bytes.
func (r *coinReader) versions(path string, n *yaml.Node) (list []byte) {
	r.list(path, n, func(key string, n *yaml.Node) {
		if version, ok := r.integer(key, n, 0, 255); ok {
			list = append(list, byte(version))
		}
	})
	return list
}

// hex32 reads eight hexadecimal digits.
func (r *coinReader) hex32(path string, n *yaml.Node) uint32 {
	raw := r.bytes(path, n, 4)
	if raw == nil {
		return 0
	}
	return uint32(raw[0])<<24 | uint32(raw[1])<<16 | uint32(raw[2])<<8 | uint32(raw[3])
}

// bytes reads so many bytes in hexadecimal, nil with a fault where it is something else.
func (r *coinReader) bytes(path string, n *yaml.Node, size int) []byte {
	text, ok := r.text(path, n)
	if !ok {
		return nil
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != size {
		r.fault(n, path, "%q is not of %d hexadecimal digits; put it in quotes", text, 2*size)
		return nil
	}
	return raw
}

func (r *coinReader) genesis(path string, n *yaml.Node, c *coins.ChainParams) {
	g := core.Genesis{Version: 1}
	hash := func(into *string) setting {
		return func(key string, n *yaml.Node) {
			if r.bytes(key, n, coins.HashSize) != nil {
				*into, _ = r.text(key, n)
			}
		}
	}
	number := func(into *uint32) setting {
		return func(key string, n *yaml.Node) {
			value, _ := r.integer(key, n, 0, 1<<32-1)
			*into = uint32(value)
		}
	}
	r.group(path, n, map[string]setting{"version": number(&g.Version)}, map[string]setting{
		"hash": hash(&g.Hash), "merkle_root": hash(&g.MerkleRoot), "time": number(&g.Time), "nonce": number(&g.Nonce),
		"bits": func(key string, n *yaml.Node) { g.Bits = r.hex32(key, n) },
	})
	c.Genesis, c.GenesisHeader = g.BlockHash(), g.Header()
}

func (r *coinReader) chain(path string, n *yaml.Node, c *coins.ChainParams) {
	r.required(path, n, map[string]setting{
		"magic": func(key string, n *yaml.Node) {
			if raw := r.bytes(key, n, len(c.Magic)); raw != nil {
				c.Magic = [4]byte(raw)
			}
		},
		"maturity": func(key string, n *yaml.Node) {
			r.list(key, n, func(key string, n *yaml.Node) { c.Maturity = append(c.Maturity, r.maturity(key, n)) })
		},
		"segwit_from":      func(key string, n *yaml.Node) { c.SegwitFrom = r.activation(key, n) },
		"taproot_from":     func(key string, n *yaml.Node) { c.TaprootFrom = r.activation(key, n) },
		"merge_mined_from": func(key string, n *yaml.Node) { c.AuxPoWFrom = r.activation(key, n) },
		"interval":         func(key string, n *yaml.Node) { r.duration(key, n, &c.Interval, time.Second, 24*time.Hour) },
		"max_money":        func(key string, n *yaml.Node) { c.MaxMoney = r.amount(key, n) },
	})
}

func (r *coinReader) maturity(path string, n *yaml.Node) (rule coins.MaturityRule) {
	r.required(path, n, map[string]setting{
		"from":   func(key string, n *yaml.Node) { rule.From = r.wholeHeight(key, n) },
		"blocks": func(key string, n *yaml.Node) { rule.Blocks = r.wholeHeight(key, n) },
	})
	return rule
}

func (r *coinReader) wholeHeight(path string, n *yaml.Node) coins.Height {
	value, _ := r.integer(path, n, 0, int64(coins.MaxHeight))
	return coins.Height(value)
}

// activation reads a height, or "never".
func (r *coinReader) activation(path string, n *yaml.Node) coins.Height {
	if text, ok := r.text(path, n); !ok || text == "never" {
		return coins.MaxHeight
	}
	return r.wholeHeight(path, n)
}

// amount reads whole coins as a decimal text.
func (r *coinReader) amount(path string, n *yaml.Node) coins.Amount {
	text, ok := r.text(path, n)
	if !ok {
		return 0
	}
	amount, err := coins.ParseAmount(text)
	if err != nil {
		r.fault(n, path, "%v", err)
	}
	return amount
}

func (r *coinReader) policy(path string, n *yaml.Node, p *coins.PolicyParams) {
	rate := func(into *coins.PerKVByte) setting {
		return func(key string, n *yaml.Node) {
			value, _ := r.integer(key, n, 0, 1<<50)
			*into = coins.PerKVByte(value)
		}
	}
	height := func(into *coins.Height) setting {
		return func(key string, n *yaml.Node) { *into = r.wholeHeight(key, n) }
	}
	r.group(path, n, map[string]setting{
		"dust_rate": rate(&p.DustRate),
		"hard_dust": func(key string, n *yaml.Node) { p.HardDust = r.amount(key, n) },
		"soft_dust": func(key string, n *yaml.Node) { p.SoftDust = r.amount(key, n) },
	}, map[string]setting{
		"relay_floor": rate(&p.RelayFloor), "wallet_floor": rate(&p.WalletFloor),
		"replaceable": func(key string, n *yaml.Node) {
			var text string
			stances := map[string]coins.Replaceability{"never": coins.ReplaceNever, "opt-in": coins.ReplaceOptIn, "always": coins.ReplaceAlways}
			r.oneOf(key, n, &text, "never", "opt-in", "always")
			p.Replaceable = stances[text]
		},
		"mempool_expiry": func(key string, n *yaml.Node) { r.duration(key, n, &p.MempoolExpiry, time.Minute, 10_000*time.Hour) },
		"max_ancestors": func(key string, n *yaml.Node) {
			value, _ := r.integer(key, n, 1, 1_000_000)
			p.MaxAncestors = int(value)
		},
		"max_ancestor_size": func(key string, n *yaml.Node) {
			value, _ := r.integer(key, n, 1, 1<<40)
			p.MaxAncestorSize = coins.VBytes(value)
		},
		"max_standard_weight": func(key string, n *yaml.Node) {
			value, _ := r.integer(key, n, 1, 1<<40)
			p.MaxStandardWeight = coins.Weight(value)
		},
		"confirmations": height(&p.Confirmations), "final_depth": height(&p.FinalDepth), "max_reorg": height(&p.MaxReorg),
	})
}

func (r *coinReader) node(path string, n *yaml.Node, p *coins.NodeParams) {
	port := func(into *uint16) setting {
		return func(key string, n *yaml.Node) {
			value, _ := r.integer(key, n, 1, 65_535)
			*into = uint16(value)
		}
	}
	r.required(path, n, map[string]setting{
		"daemon":   func(key string, n *yaml.Node) { p.Daemon, _ = r.text(key, n) },
		"rpc_port": port(&p.RPCPort), "p2p_port": port(&p.P2PPort),
		"protocol_version": func(key string, n *yaml.Node) {
			value, _ := r.integer(key, n, 1, 1<<31-1)
			p.ProtocolVersion = uint32(value)
		},
	})
}

// paramsFile reads the coin's parameter file, where the configuration names one.
func (r *yamlReader) paramsFile(path string, n *yaml.Node, c *CoinConfig) {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "params" {
			continue
		}
		at, key := resolve(n.Content[i+1]), join(path, "params")
		if r.path(key, at, &c.Params); c.Params == "" {
			return
		}
		file, err := LoadCoinFile(c.Params)
		var faults *ConfigError
		switch {
		case errors.As(err, &faults):
			for _, fault := range faults.Faults {
				r.fault(at, key, "%s", strings.TrimPrefix((&ConfigError{File: c.Params, Faults: []Fault{fault}}).Error(), "./"))
			}
		case err != nil:
			r.fault(at, key, "%v", err)
		case file.Symbol != c.Symbol:
			r.fault(at, key, "%s describes %s, and the coin here is called %s", c.Params, file.Symbol, c.Symbol)
		default:
			c.described = file
		}
	}
}

// known returns the coin on its network, from the wiring table or from its parameter file, and whether a header's
// double SHA-256 is its proof of work.
func (c *CoinConfig) known() (coins.Coin, bool, error) {
	if c.Params == "" {
		w, _ := wireOf(c.Symbol)
		coin, err := CoinFor(c.Symbol, c.Network)
		return coin, w.headerWork, err
	}
	if c.described == nil {
		file, err := LoadCoinFile(c.Params)
		if err != nil {
			return nil, false, err
		}
		c.described = file
	}
	coin, err := c.described.Coin(c.Network)
	return coin, c.described.networks[c.Network].headerWork, err
}

// Coin returns the coin on its network: one that Coffer has, or one that its parameter file describes.
func (c *CoinConfig) Coin() (coins.Coin, error) {
	coin, _, err := c.known()
	return coin, err
}

// networks returns the names of the networks that the coin has.
func (c *CoinConfig) networks() (names []string) {
	if c.described == nil {
		return networksOf(c.Symbol)
	}
	for _, name := range c.described.Networks() {
		names = append(names, string(name))
	}
	return names
}
