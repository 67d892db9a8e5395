package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"coffer.example/coffer/internal/testnodes"
)

// nodeLines are the lines of a node's file: address, cookie file, coin.
const nodeLines = 3

// call makes one JSON-RPC call: the node's file, the method, its parameters. A parameter that reads as JSON is given as
// such, any other as text. A text is printed as it is, everything else indented.
func call(ctx context.Context, args []string, out io.Writer) error {
	if len(args) < 2 {
		return fmt.Errorf("%w, or give a method and its parameters", errUsage)
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	target := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if len(target) != nodeLines {
		return fmt.Errorf("%s: %w, or give a node's file", args[0], errUsage)
	}
	client, err := clientOf(target[0], target[1])
	if err != nil {
		return err
	}
	defer client.Close()
	var params []any
	for _, arg := range args[2:] {
		if json.Valid([]byte(arg)) {
			params = append(params, json.RawMessage(arg))
		} else {
			params = append(params, arg)
		}
	}
	var raw json.RawMessage
	if testnodes.Coin(target[2]) == testnodes.DOGE {
		raw, err = client.Call(ctx, args[1], params...)
	} else {
		raw, err = client.CallWallet(ctx, testnodes.Wallet, args[1], params...)
	}
	if err != nil {
		return err
	}
	return show(out, raw)
}

func clientOf(url, cookieFile string) (*testnodes.Client, error) {
	cookie, err := os.ReadFile(cookieFile)
	if err != nil {
		return nil, err
	}
	user, password, _ := strings.Cut(strings.TrimSpace(string(cookie)), ":")
	return testnodes.NewClient(url, user, password), nil
}

func show(out io.Writer, raw json.RawMessage) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		_, err := fmt.Fprintln(out, text)
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, b.String())
	return err
}
