package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/node"
)

func (a *app) initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "write a commented coffer.yaml to start from, and make the data folder",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "coins", Value: "btc,ltc,doge", Usage: "a `LIST` of coins, separated by commas"},
			&cli.StringFlag{Name: "network", Value: "main", Usage: "the `NETWORK` of all of them: main, test, regtest, …"},
		},
		Action: a.init,
	}
}

func (a *app) init(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	file := configName
	if a.configFile != "" {
		file = a.configFile
	} else if named, ok := a.env("COFFER_CONFIG"); ok && named != "" {
		file = named
	}
	text, err := exampleConfig(symbolList(c.String("coins")), coins.Network(c.String("network")))
	if err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already and is left as it is; move it away, or name another with --config: %w", file, engine.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	_, err = out.WriteString(text)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	config, err := engine.LoadConfig(file, a.env)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	a.show(map[string]string{"config": file, "data_dir": config.DataDir}, func() {
		fmt.Fprintf(a.out, "wrote %s and made %s\n", file, config.DataDir)
		fmt.Fprintln(a.err, "next: put your nodes' addresses into it, then run `coffer doctor` and `coffer daemon`")
	})
	return nil
}

func symbolList(text string) (symbols []coins.Symbol) {
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			symbols = append(symbols, coins.Symbol(name))
		}
	}
	return symbols
}

func (a *app) configCommand() *cli.Command {
	return &cli.Command{
		Name: "config", Usage: "look at the configuration",
		Subcommands: []*cli.Command{{
			Name: "check", Usage: "read the configuration, and say everything that is wrong with it", Action: a.configCheck,
		}},
	}
}

func (a *app) configCheck(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	config, err := a.config()
	if err != nil {
		return err
	}
	a.show(config, func() {
		fmt.Fprintf(a.out, "%s is right; data in %s\n\n", config.File, config.DataDir)
		t := newTable("coin", "network", "node", "login", "begins at", "verify", ">confirmations", ">final", ">max reorg")
		for _, coin := range config.Coins {
			t.row(string(coin.Symbol), string(coin.Network), coin.Nodes[0].RPC, loginOf(&coin.Nodes[0]), coin.Start.String(), coin.Verify,
				fmt.Sprint(int(coin.Confirmations)), fmt.Sprint(int(coin.FinalDepth)), fmt.Sprint(int(coin.MaxReorg)))
			for i := range coin.Nodes[1:] {
				t.row("", "", coin.Nodes[i+1].RPC, loginOf(&coin.Nodes[i+1]), "", "", "", "", "")
			}
		}
		t.write(a.out, a.width)
	})
	return nil
}

func loginOf(n *engine.NodeConfig) string {
	switch {
	case n.CookieFile != "":
		return "cookie file"
	case n.PasswordFile != "":
		return n.User + ", password file"
	case n.User != "":
		return n.User + ", password"
	}
	return "none"
}

func (a *app) nodeConfigCommand() *cli.Command {
	return &cli.Command{
		Name: "node-config", Usage: "print the settings that a coin's node should have, for its own configuration file",
		ArgsUsage: "COIN",
		Flags:     []cli.Flag{&cli.StringFlag{Name: "network", Usage: "for this `NETWORK` (default: the configuration's, else main)"}},
		Action:    a.nodeConfig,
	}
}

func (a *app) nodeConfig(c *cli.Context) error {
	symbol, _, err := coinArg(c, 0, 0)
	if err != nil {
		return err
	}
	shown := engine.CoinConfig{Symbol: symbol, Network: coins.Main}
	config, err := a.config()
	network := coins.Network(c.String("network"))
	if err != nil && !errors.Is(err, engine.ErrNoConfig) && network == "" {
		return err
	}
	if err == nil {
		if configured, err := config.Coin(symbol); err == nil {
			shown = *configured
		}
	}
	if network != "" {
		shown.Network = network
	}
	coin, err := shown.Coin()
	if err != nil {
		return usagef("%v", err)
	}
	text := node.NodeConfig(coin.Params())
	if config != nil && config.HTTP.Listen != "" {
		text += node.NotifyConfig(coin.Params(), config.HTTP.Listen)
	}
	a.show(map[string]string{"coin": string(symbol), "network": string(shown.Network), "config": text}, func() { fmt.Fprint(a.out, text) })
	return nil
}

func (a *app) doctorCommand() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "look at the configuration, the data folder and the running nodes, and say what is missing",
		ArgsUsage: "[COIN]", Action: a.doctor,
	}
}

func (a *app) doctor(c *cli.Context) error {
	if c.NArg() > 1 {
		return usagef("usage: %s", usageLine(c))
	}
	config, err := a.config()
	if err != nil {
		return err
	}
	var symbols []coins.Symbol
	for _, coin := range config.Coins {
		if c.NArg() == 0 || string(coin.Symbol) == strings.ToLower(c.Args().First()) {
			symbols = append(symbols, coin.Symbol)
		}
	}
	if len(symbols) == 0 {
		_, err := config.Coin(coins.Symbol(c.Args().First()))
		return err
	}
	var findings []engine.Finding
	for _, symbol := range symbols {
		found, err := engine.Examine(c.Context, config, symbol)
		if err != nil {
			return err
		}
		findings = append(findings, found...)
	}
	a.show(findings, func() { a.tellFindings(findings) })
	faults := 0
	for _, finding := range findings {
		if finding.Level == engine.LevelFault {
			faults++
		}
	}
	if faults > 0 {
		return faultsFound(faults)
	}
	return nil
}

// faultsFound is how many faults doctor found: most often a node that cannot be reached, so that is its kind.
type faultsFound int

func (f faultsFound) Error() string {
	return plural(int(f), "thing", "things") + " to put right first: see FAULT above"
}
func (f faultsFound) Unwrap() error { return engine.ErrUnreachable }

func (a *app) tellFindings(findings []engine.Finding) {
	var coin coins.Symbol
	about := ""
	for _, finding := range findings {
		if finding.Coin != coin {
			if coin != "" {
				fmt.Fprintln(a.out)
			}
			coin, about = finding.Coin, ""
			fmt.Fprintln(a.out, coin)
		}
		if finding.Node != about && finding.Node != "" {
			fmt.Fprintf(a.out, "  node %s\n", finding.Node)
		}
		about = finding.Node
		mark := map[string]string{engine.LevelOK: "ok     ", engine.LevelAdvice: "advice ", engine.LevelFault: "FAULT  "}[finding.Level]
		fmt.Fprintf(a.out, "  %s%s: %s\n", mark, finding.Check, finding.Text)
		if finding.Remedy != "" && finding.Level != engine.LevelOK && !strings.Contains(finding.Text, finding.Remedy) {
			fmt.Fprintf(a.out, "         → %s\n", finding.Remedy)
		}
	}
}

// exampleConfig is the commented configuration that init writes. All of it but addresses and networks is the same for
// every coin, so it is made from the coins' own parameters.
func exampleConfig(symbols []coins.Symbol, network coins.Network) (string, error) {
	if len(symbols) == 0 {
		return "", usagef("--coins names no coin")
	}
	var b strings.Builder
	b.WriteString(exampleHead)
	for i, symbol := range symbols {
		coin, err := engine.CoinFor(symbol, network)
		if err != nil {
			return "", usagef("%v", err)
		}
		if slices.Contains(symbols[:i], symbol) {
			return "", usagef("--coins names %s twice", symbol)
		}
		writeExample(&b, coin.Params(), i == 0)
	}
	return b.String(), nil
}

const exampleHead = `# Coffer's configuration. Keys that are commented out show their defaults.
# Check it with ` + "`coffer config check`; `coffer node-config COIN`" + ` prints the settings that the node itself should have,
# and ` + "`coffer doctor`" + ` looks at the running nodes and says what is missing.
#
# Relative paths are relative to this file. Texts may take ${ENVIRONMENT} values ("$${" writes a plain "${").
# Times have units: 500ms, 30s, 2m.

data_dir: ./coffer-data            # the indexes, and the daemon's socket

# http:
#   listen: 127.0.0.1:18881        # where nodes may wake the daemon (blocknotify); this machine only

coins:
`

// writeExample writes one coin's part; the first one explains its keys.
func writeExample(b *strings.Builder, p *coins.Params, explain bool) {
	line := func(key, comment string) {
		if explain && comment != "" {
			key = fmt.Sprintf("%-58s # %s", key, comment)
		}
		fmt.Fprintln(b, key)
	}
	folder := filepath.Join("~", "."+strings.TrimSuffix(p.Node.Daemon, "d"), networkFolder(p.Network))
	line(fmt.Sprintf("  %s:", p.Symbol), "")
	line(fmt.Sprintf("    network: %s", p.Network), "checked against the node's genesis block")
	line("    nodes:", "")
	line(fmt.Sprintf("      - rpc: http://127.0.0.1:%d", p.Node.RPCPort), "")
	line(fmt.Sprintf("        cookie_file: %s", filepath.Join(folder, ".cookie")), "or user, with password or password_file")
	line("        # rest: true", "REST: the fastest blocks; the node needs rest=1")
	line(fmt.Sprintf("        # p2p: 127.0.0.1:%d", p.Node.P2PPort), "the peer protocol: fast blocks, prompt news")
	line("        # zmq: tcp://127.0.0.1:28332", "news at once; an address or a list of them")
	if explain {
		line(`        # headers: {authorization: "Bearer ${NODE_TOKEN}"}`, "for hosted nodes")
		line(fmt.Sprintf("      # - rpc: http://OTHER_HOST:%d", p.Node.RPCPort), "more nodes stand in for the first")
		line("    # index: watched", "watched | all: every script of the chain beside")
	}
	line("    # start: tip", "tip (144 blocks below it) | genesis | HEIGHT: where a new index begins")
	line("    # verify: merkle", "merkle | header: are transactions checked too")
	line(fmt.Sprintf("    # confirmations: %d", p.Policy.Confirmations), "how deep a deposit counts as paid")
	line(fmt.Sprintf("    # final_depth: %d", p.Policy.FinalDepth), "from when on nothing is undone")
	line(fmt.Sprintf("    # max_reorg: %d", p.Policy.MaxReorg), "how many blocks can be undone")
	line("    # poll_interval: 2s", "how often a node that says nothing is asked")
}

// networkFolder is where nodes keep a network's files below their data folder.
func networkFolder(n coins.Network) string {
	switch n {
	case coins.Main:
		return ""
	case coins.Test:
		return "testnet3"
	}
	return string(n)
}
