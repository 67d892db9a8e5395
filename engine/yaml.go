package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// yamlReader takes a document apart key by key and collects every fault on its way, with its line.
type yamlReader struct {
	dir    string // relative paths are relative to it
	env    func(name string) (string, bool)
	faults []Fault
}

// setting reads one key's value into the configuration.
type setting func(key string, n *yaml.Node)

// document returns the root mapping of text, nil with a fault where there is none.
func (r *yamlReader) document(text []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var root, more yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		r.faults = append(r.faults, Fault{Text: "is empty; `coffer init` writes one to start from"})
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		r.fault(&more, "", "a second document begins here; one file has one")
	}
	return root.Content[0]
}

// syntax turns the parser's "yaml: line N: text" into a fault.
func (r *yamlReader) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var line int
	if rest, found := strings.CutPrefix(text, "line "); found {
		number, what, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, text = n, what
		}
	}
	if strings.Contains(text, "cannot start any token") { // most often a tab
		text += "; indent with spaces"
	}
	r.faults = append(r.faults, Fault{Line: line, Text: "not YAML: " + text})
}

func (r *yamlReader) fault(n *yaml.Node, key, format string, args ...any) {
	r.faults = append(r.faults, Fault{Line: n.Line, Key: key, Text: fmt.Sprintf(format, args...)})
}

// mapping reads the keys of a mapping; later names those that another version of Coffer will have.
func (r *yamlReader) mapping(path string, n *yaml.Node, known map[string]setting, later map[string]string) {
	r.pairs(path, n, func(key string, name, value *yaml.Node) {
		full := join(path, key)
		if read, ok := known[key]; ok {
			read(full, value)
		} else if what, ok := later[key]; ok {
			r.fault(name, full, "this version has no %s yet; remove the key", what)
		} else {
			r.fault(name, full, "unknown key%s", suggestion(key, known))
		}
	})
}

// pairs calls each with a mapping's keys in order; a key given twice is a fault.
func (r *yamlReader) pairs(path string, n *yaml.Node, each func(key string, name, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "must be a group of `key: value` lines, not %s", describe(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], resolve(n.Content[i+1])
		if first, twice := seen[name.Value]; twice {
			r.fault(name, join(path, name.Value), "is given twice, first in line %d", first)
			continue
		}
		seen[name.Value] = name.Line
		each(name.Value, name, value)
	}
}

// list calls each with the items of a sequence.
func (r *yamlReader) list(path string, n *yaml.Node, each func(path string, item *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, path, "must be a list (lines that start with `- `), not %s", describe(n))
		return
	}
	for i, item := range n.Content {
		each(fmt.Sprintf("%s[%d]", path, i+1), resolve(item))
	}
}

// text returns a scalar with its ${NAME}s replaced; false where it is none, or empty.
func (r *yamlReader) text(path string, n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fault(n, path, "needs a value, not %s", describe(n))
		return "", false
	}
	value, ok := r.expand(path, n)
	if ok && value == "" {
		r.fault(n, path, "is empty")
		return "", false
	}
	return value, ok
}

// expand replaces ${NAME} by the environment's value. "$${" writes "${".
func (r *yamlReader) expand(path string, n *yaml.Node) (string, bool) {
	reference := regexp.MustCompile(`\$?\$\{([^}]*)\}`)
	ok := true
	value := reference.ReplaceAllStringFunc(n.Value, func(match string) string {
		if strings.HasPrefix(match, "$$") {
			return match[1:]
		}
		name := match[2 : len(match)-1]
		value, set := r.env(name)
		if !set {
			r.fault(n, path, "the environment has no variable %s", strconv.Quote(name))
			ok = false
		}
		return value
	})
	return value, ok
}

// oneOf reads a text that must be among the allowed.
func (r *yamlReader) oneOf(path string, n *yaml.Node, into *string, allowed ...string) {
	value, ok := r.text(path, n)
	if !ok {
		return
	}
	if !slices.Contains(allowed, value) {
		r.fault(n, path, "%q is not one of %s", value, strings.Join(allowed, ", "))
		return
	}
	*into = value
}

// integer reads a whole number within [least, most].
func (r *yamlReader) integer(path string, n *yaml.Node, least, most int64) (int64, bool) {
	text, ok := r.text(path, n)
	if !ok {
		return 0, false
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value < least || value > most {
		r.fault(n, path, "%q is not a whole number from %d to %d", text, least, most)
		return 0, false
	}
	return value, true
}

func (r *yamlReader) boolean(path string, n *yaml.Node, into *bool) {
	text, ok := r.text(path, n)
	if !ok {
		return
	}
	if text != "true" && text != "false" {
		r.fault(n, path, "%q is neither true nor false", text)
		return
	}
	*into = text == "true"
}

// duration reads a time with its unit, within [least, most].
func (r *yamlReader) duration(path string, n *yaml.Node, into *time.Duration, least, most time.Duration) {
	text, ok := r.text(path, n)
	if !ok {
		return
	}
	value, err := time.ParseDuration(text)
	switch {
	case err != nil:
		r.fault(n, path, "%q is not a time with a unit, as in 500ms, 30s or 2m", text)
	case value < least || value > most:
		r.fault(n, path, "%s is out of range: from %s to %s", text, least, most)
	default:
		*into = value
	}
}

// path reads a file name: "~/" is the home folder, and a relative one is relative to the configuration's folder.
func (r *yamlReader) path(key string, n *yaml.Node, into *string) {
	text, ok := r.text(key, n)
	if !ok {
		return
	}
	if rest, found := strings.CutPrefix(text, "~/"); found {
		home, err := os.UserHomeDir()
		if err != nil {
			r.fault(n, key, "%q needs a home folder, and this user has none", text)
			return
		}
		text = filepath.Join(home, rest)
	}
	if !filepath.IsAbs(text) {
		text = filepath.Join(r.dir, text)
	}
	*into = text
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// has says whether a mapping has a key.
func has(n *yaml.Node, key string) bool {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a group of keys"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null" || n.Value == "":
		return "nothing"
	}
	return strconv.Quote(n.Value)
}

// suggestion names the known key that is nearest to a misspelled one, or all of them.
func suggestion(key string, known map[string]setting) string {
	var names []string
	for name := range known {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if distance(key, name) <= 2 {
			return fmt.Sprintf("; did you mean %s?", name)
		}
	}
	return "; the keys here are " + strings.Join(names, ", ")
}

// distance is the number of single letters to insert, delete or replace to turn a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
