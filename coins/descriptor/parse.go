package descriptor

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"coffer.example/coffer/coins"
)

const (
	// MaxText is the longest text that is read: room for a multisig of twenty
	// extended keys with their origins.
	MaxText = 8_192

	// Limits of bare multisig, of one in P2SH (Core's script limit) and of one in
	// P2WSH (BIP 383).
	maxBareKeys, maxKeys = 3, 20
	maxRedeemScript      = 520
)

// Parse reads a descriptor or a plain extended public key for a coin. It fails
// with [ErrDescriptor], [ErrChecksum], [ErrPrivateKey], [ErrHardened], [ErrForm],
// or with coins.ErrWrongNetwork or coins.ErrAddress for keys and addresses.
func Parse(text string, coin coins.Coin) (*Descriptor, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > MaxText {
		return nil, fmt.Errorf("text of %d characters, from 1 to %d are read: %w", len(text), MaxText, ErrDescriptor)
	}
	if err := refusePrivate(text); err != nil {
		return nil, err
	}
	body, err := cutChecksum(text)
	if err != nil {
		return nil, err
	}
	p := parser{coin: coin, params: coin.Params()}
	d := &Descriptor{}
	if strings.Contains(body, "(") {
		d.root, err = p.expression(body, "")
	} else {
		d.root, err = p.plain(body)
	}
	if err != nil {
		return nil, err
	}
	return d, d.finish(p.params)
}

// parser reads one text.
type parser struct {
	coin   coins.Coin
	params *coins.Params
}

// plain makes a descriptor of an extended key that stands by itself.
func (p *parser) plain(text string) (*expr, error) {
	k, err := readKey(text, p.params)
	if err != nil {
		return nil, err
	}
	switch {
	case k.extended == nil:
		return nil, fmt.Errorf("a public key by itself does not say its script: write pkh(KEY) or wpkh(KEY): %w", ErrDescriptor)
	case !k.ranged && len(k.steps) > 0:
		return nil, fmt.Errorf("the path of %s ends with a number: end it with /*, or write pkh(KEY) or wpkh(KEY): %w", k.name(), ErrDescriptor)
	case !k.ranged:
		k.steps, k.ranged = []step{{0, 1}}, true
	}
	single := func(name fn) *expr { return &expr{name: name, keys: []*key{k}} }
	switch k.form {
	case coins.HDWitnessKey:
		return single(fnWPKH), nil
	case coins.HDNestedKey:
		return &expr{name: fnSH, sub: single(fnWPKH)}, nil
	case coins.HDWitnessScript, coins.HDNestedScript:
		return nil, fmt.Errorf("the version of this key says that it is one of several of a multisig: write the whole descriptor: %w", ErrForm)
	}
	if p.params.Format.Segwit {
		return single(fnCombo), nil
	}
	return single(fnPKH), nil
}

// expression reads NAME(ARGUMENTS) within another expression, "" at the top.
func (p *parser) expression(text string, within fn) (*expr, error) {
	name, rest, found := strings.Cut(text, "(")
	arguments, closed := strings.CutSuffix(rest, ")")
	if !found || !closed {
		return nil, fmt.Errorf("%s is not of the form NAME(…): %w", quoteName(name), ErrDescriptor)
	}
	e := &expr{name: fn(name)}
	if err := p.allowed(e.name, within); err != nil {
		return nil, err
	}
	switch e.name {
	case fnAddr:
		script, err := p.coin.Script(arguments)
		return fixedExpr(fnAddr, script, arguments), err
	case fnRaw:
		script, err := hex.DecodeString(arguments)
		if err != nil || len(script) == 0 {
			return nil, fmt.Errorf("raw() takes a script in hexadecimal: %w", ErrDescriptor)
		}
		return rawExpr(script), nil
	case fnSH, fnWSH:
		sub, err := p.expression(arguments, e.name)
		if err != nil {
			return nil, err
		}
		e.sub = sub
		return e, e.checkRedeem(within)
	case fnMulti, fnSortedMulti:
		return e, p.multisig(e, arguments, within)
	}
	if e.name == fnTR && strings.Contains(arguments, ",") {
		return nil, fmt.Errorf("tr() with a tree of scripts is not read: only tr(KEY): %w", ErrDescriptor)
	}
	return e, p.key(e, arguments, within)
}

// allowed says whether an expression may stand there, and has a meaning for the
// coin.
func (p *parser) allowed(name, within fn) error {
	places := map[fn][]fn{
		fnPK: {"", fnSH, fnWSH}, fnPKH: {"", fnSH, fnWSH}, fnMulti: {"", fnSH, fnWSH}, fnSortedMulti: {"", fnSH, fnWSH},
		fnWPKH: {"", fnSH}, fnWSH: {"", fnSH}, fnSH: {""}, fnTR: {""}, fnCombo: {""}, fnAddr: {""}, fnRaw: {""},
	}
	where, known := places[name]
	switch {
	case !known:
		return fmt.Errorf("%s is not an expression that Coffer reads: %w", quoteName(string(name)), ErrDescriptor)
	case !slices.Contains(where, within) && within == "":
		return fmt.Errorf("%s() cannot stand by itself: %w", name, ErrDescriptor)
	case !slices.Contains(where, within):
		return fmt.Errorf("%s() cannot stand in %s(): %w", name, within, ErrDescriptor)
	case (name == fnWPKH || name == fnWSH) && !p.params.Format.Segwit:
		return fmt.Errorf("%s(): %s has no segwit: %w", name, p.params.Name, ErrForm)
	case name == fnTR && (!p.params.Format.Segwit || p.params.Chain.TaprootFrom == coins.MaxHeight):
		return fmt.Errorf("tr(): %s has no taproot: %w", p.params.Name, ErrForm)
	}
	return nil
}

// key reads one key and adds it to an expression.
func (p *parser) key(e *expr, text string, within fn) error {
	k, err := readKey(text, p.params)
	if err != nil {
		return err
	}
	place := e.name
	if within != "" && e.name != fnWPKH {
		place = within
	}
	switch size := len(k.fixed); {
	case size == 32 && e.name != fnTR:
		return fmt.Errorf("a key of 64 hexadecimal digits stands in tr() only: %w", ErrDescriptor)
	case size == uncompressedSize && (place == fnWPKH || place == fnWSH || place == fnTR):
		return fmt.Errorf("%s() takes no uncompressed keys: %w", place, ErrDescriptor)
	}
	e.keys = append(e.keys, k)
	return checkForm(k, e.name, within)
}

// checkForm holds a key whose version says a form to it.
func checkForm(k *key, name, within fn) error {
	fits := true
	switch k.form {
	case coins.HDWitnessKey:
		fits = name == fnWPKH && within == ""
	case coins.HDNestedKey:
		fits = name == fnWPKH && within == fnSH
	case coins.HDWitnessScript, coins.HDNestedScript:
		fits = within == fnWSH
	}
	if !fits {
		return fmt.Errorf("the version that %s was written with says %s: %w", k.name(), k.form, ErrForm)
	}
	return nil
}

// multisig reads the threshold and the keys of a multisig.
func (p *parser) multisig(e *expr, arguments string, within fn) error {
	list := strings.Split(arguments, ",")
	threshold, err := strconv.ParseUint(list[0], 10, 8)
	if err != nil || threshold == 0 || list[0][0] == '+' {
		return fmt.Errorf("%s() begins with the number of signatures: %w", e.name, ErrDescriptor)
	}
	most := maxKeys
	if within == "" {
		most = maxBareKeys
	}
	if keys := len(list) - 1; keys > most || int(threshold) > keys {
		return fmt.Errorf("%s() of %d signatures and %d keys, at most %d keys here: %w", e.name, threshold, keys, most, ErrDescriptor)
	}
	e.threshold = int(threshold)
	for _, text := range list[1:] {
		if err := p.key(e, text, within); err != nil {
			return err
		}
	}
	return nil
}

// checkRedeem holds what stands in P2SH to the size that can be spent.
func (e *expr) checkRedeem(within fn) error {
	if e.name != fnSH || e.sub.threshold == 0 {
		return nil
	}
	size := 3
	for _, k := range e.sub.keys {
		size += 1 + 33
		if k.extended == nil {
			size += len(k.fixed) - 33
		}
	}
	if size > maxRedeemScript || within != "" {
		return fmt.Errorf("sh() of a script of %d bytes, at most %d can be spent: %w", size, maxRedeemScript, ErrDescriptor)
	}
	return nil
}

// quoteName shows the name of an expression, unless it may be a key.
func quoteName(name string) string {
	const longest = 16
	if len(name) > longest {
		return fmt.Sprintf("a text of %d characters", len(name))
	}
	return strconv.Quote(name)
}
