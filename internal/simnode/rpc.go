package simnode

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"coffer.example/coffer/coins"
)

// method is one RPC method.
type method struct {
	// names are the parameters', with a leading ? where they can be left out.
	names []string
	run   func(*Node, args) (any, error)
}

func (m method) required() (count int) {
	for _, name := range m.names {
		if !strings.HasPrefix(name, "?") {
			count++
		}
	}
	return count
}

func (m method) usage(name string) string {
	text := name
	for _, param := range m.names {
		if optional, ok := strings.CutPrefix(param, "?"); ok {
			text += " ( " + optional + " )"
		} else {
			text += " " + param
		}
	}
	return text + "\n\nA simulated node's method.\n"
}

// methodsOf returns the methods that a kind of node has.
func methodsOf(d *dialect) map[string]method {
	all := make(map[string]method)
	for _, group := range []map[string]method{chainMethods(), blockMethods(), txMethods(), poolMethods(), adminMethods()} {
		for name, m := range group {
			if !d.missing[name] {
				all[name] = m
			}
		}
	}
	if d.kind == dogecoin14 {
		all["estimatesmartfee"] = method{[]string{"nblocks"}, (*Node).estimateSmartFee}
		all["sendrawtransaction"] = method{[]string{"hexstring", "?allowhighfees"}, (*Node).sendRawTransaction}
		all["getrawtransaction"] = method{[]string{"txid", "?verbose"}, (*Node).getRawTransaction}
		all["getrawmempool"] = method{[]string{"?verbose"}, (*Node).getRawMempool}
	}
	return all
}

// call runs a method.
func (n *Node) call(name string, params json.RawMessage) (any, *Reject) {
	m, ok := n.methods[name]
	if !ok {
		return nil, &Reject{codeNoMethod, "Method not found"}
	}
	a, reject := n.arguments(m, params)
	if reject != nil {
		return nil, reject
	}
	if len(a.values) > len(m.names) || len(a.values) < m.required() {
		return nil, &Reject{codeMisc, m.usage(name)}
	}
	result, err := m.run(n, a)
	if err == nil {
		return result, nil
	}
	if errors.As(err, &reject) {
		return nil, reject
	}
	return nil, &Reject{codeMisc, err.Error()}
}

// args are a call's parameters by position.
type args struct {
	kind   kind
	names  []string
	values []any // as encoding/json has them, numbers as text; nil where left out
}

// arguments reads a list of parameters, or an object that names them.
func (n *Node) arguments(m method, params json.RawMessage) (args, *Reject) {
	a := args{kind: n.dialect.kind, names: m.names}
	params = bytes.TrimSpace(params)
	if len(params) == 0 || string(params) == "null" {
		return a, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(params))
	decoder.UseNumber()
	if params[0] != '{' {
		if err := decoder.Decode(&a.values); err != nil {
			return a, &Reject{codeRequest, "Params must be an array or object"}
		}
		for len(a.values) > 0 && a.values[len(a.values)-1] == nil && len(a.values) > m.required() {
			a.values = a.values[:len(a.values)-1]
		}
		return a, nil
	}
	var named map[string]any
	if err := decoder.Decode(&named); err != nil {
		return a, &Reject{codeRequest, "Params must be an array or object"}
	}
	for i, name := range m.names {
		value, given := named[strings.TrimPrefix(name, "?")]
		if given {
			for len(a.values) < i {
				a.values = append(a.values, nil)
			}
			a.values = append(a.values, value)
			delete(named, strings.TrimPrefix(name, "?"))
		}
	}
	for name := range named {
		return a, &Reject{codeParameter, "Unknown named parameter " + name}
	}
	return a, nil
}

func (a args) at(i int) any {
	if i >= len(a.values) {
		return nil
	}
	return a.values[i]
}

// wrongType is what a node says about a parameter of the wrong JSON type.
func (a args) wrongType(i int, want string) error {
	if a.kind == core29 {
		return &Reject{codeType, fmt.Sprintf("Wrong type passed:\n{\n    \"Position %d (%s)\": \"JSON value of type %s is not of expected type %s\"\n}",
			i+1, strings.TrimPrefix(a.names[i], "?"), jsonType(a.at(i)), want)}
	}
	if want == "number" {
		want = "an integer"
	} else {
		want = "a " + want
	}
	return &Reject{codeMisc, "JSON value is not " + want + " as expected"}
}

func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

func (a args) text(i int) (string, error) {
	text, ok := a.at(i).(string)
	if !ok {
		return "", a.wrongType(i, "string")
	}
	return text, nil
}

func (a args) number(i int, otherwise int64) (int64, error) {
	switch v := a.at(i).(type) {
	case nil:
		return otherwise, nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
	}
	return 0, a.wrongType(i, "number")
}

// level reads a verbosity: a number, or a truth value as in older nodes.
func (a args) level(i int, otherwise int64) (int64, error) {
	if on, ok := a.at(i).(bool); ok {
		if on {
			return 1, nil
		}
		return 0, nil
	}
	return a.number(i, otherwise)
}

func (a args) flag(i int, otherwise bool) (bool, error) {
	switch v := a.at(i).(type) {
	case nil:
		return otherwise, nil
	case bool:
		return v, nil
	case json.Number:
		return v.String() != "0", nil
	}
	return false, a.wrongType(i, "bool")
}

// hash reads a hash. Dogecoin's getblock takes any text and finds no block.
func (a args) hash(i int, what string) (coins.BlockHash, error) {
	text, err := a.text(i)
	if err != nil {
		return coins.BlockHash{}, err
	}
	if len(text) != 2*coins.HashSize && a.kind != dogecoin14 {
		return coins.BlockHash{}, &Reject{codeParameter, fmt.Sprintf("%s must be of length 64 (not %d, for '%s')", what, len(text), text)}
	}
	hash, err := coins.ParseBlockHash(text)
	switch {
	case err == nil:
		return hash, nil
	case a.kind == dogecoin14 && what == "blockhash":
		return coins.BlockHash{}, nil
	}
	return coins.BlockHash{}, &Reject{codeParameter, fmt.Sprintf("%s must be hexadecimal string (not '%s')", what, text)}
}

func (a args) bytes(i int, refuse string, code int) ([]byte, error) {
	text, err := a.text(i)
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, &Reject{code, strings.ReplaceAll(refuse, "%s", text)}
	}
	return raw, nil
}
