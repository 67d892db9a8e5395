package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"coffer.example/coffer/internal/testnodes"
)

// describe writes coffer.yaml and a script for each node that calls it.
func describe(dir string, nodes []*testnodes.Node) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		address := filepath.Join(root, string(n.Coin)+".node")
		text := n.RPC + "\n" + filepath.Join(root, string(n.Coin)+"-node", "regtest", ".cookie") + "\n" + string(n.Coin) + "\n"
		if err := os.WriteFile(address, []byte(text), 0o600); err != nil {
			return err
		}
		script := fmt.Sprintf("#!/bin/sh\nexec %s %s %s \"$@\"\n", quoted(self), callCommand, quoted(address))
		if err := os.WriteFile(filepath.Join(root, string(n.Coin)), []byte(script), 0o700); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "coffer.yaml"), []byte(configuration(nodes)), 0o600)
}

// quoted makes a word for the shell.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// configuration is coffer.yaml; its paths are relative to the folder that it is in.
func configuration(nodes []*testnodes.Node) string {
	var b strings.Builder
	b.WriteString("data_dir: ./coffer-data\n\ncoins:\n")
	for _, n := range nodes {
		fmt.Fprintf(&b, "  %s:\n    network: regtest\n    nodes:\n      - rpc: %s\n", n.Coin, n.RPC)
		fmt.Fprintf(&b, "        cookie_file: ./%s-node/regtest/.cookie\n", n.Coin)
		fmt.Fprintf(&b, "        p2p: %s\n        rest: true\n", n.P2P)
		if n.ZMQ != "" {
			fmt.Fprintf(&b, "        zmq: %s\n", n.ZMQ)
		}
		b.WriteString("    start: genesis\n")
	}
	return b.String()
}

// tell prints what to try next.
func tell(out io.Writer, dir, coffer string, nodes []*testnodes.Node) {
	config := filepath.Join(dir, "coffer.yaml")
	fmt.Fprintf(out, `
The daemon follows these chains. Its log: %s

In another terminal, in this folder:

  export COFFER_CONFIG=%s
  %s status
`, filepath.Join(dir, "daemon.log"), config, coffer)
	for _, n := range nodes {
		node := "./" + filepath.Join(dir, string(n.Coin))
		if filepath.IsAbs(dir) {
			node = filepath.Join(dir, string(n.Coin))
		}
		fmt.Fprintf(out, `
  # %[1]s: watch an address, pay it, mine
  A=$(%[2]s getnewaddress)
  %[3]s import-address %[1]s $A
  %[2]s sendtoaddress $A 0.5
  %[3]s balance %[1]s
  %[2]s generatetoaddress 3 $A
  %[3]s history %[1]s
  # a reorg: two other blocks in the place of the last
  %[2]s invalidateblock $(%[2]s getbestblockhash)
  %[2]s generatetoaddress 2 $(%[2]s getnewaddress)
`, n.Coin, node, coffer)
	}
	fmt.Fprintln(out, "\nCtrl-C stops everything and removes it.")
}
