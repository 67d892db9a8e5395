package engine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"coffer.example/coffer/utxo"
)

// Limits of the lines of an import.
const (
	// MaxLine is the longest line, in bytes.
	MaxLine = 16 << 10
	// maxClip is how much of a bad line, and of what is wrong with it, is told.
	maxClip = 300
	// checkLines is how many lines are checked by one worker at a time, and checkBytes how many bytes of them.
	checkLines = 4096
	checkBytes = 1 << 20
)

// Line is one line of an import.
type Line struct {
	Address, Label string
	// Metadata is "", or a JSON object of texts with its keys in order.
	Metadata string
}

// ParseLine reads ADDRESS[,LABEL[,METADATA]]. The label may stand in double quotes, doubled within them; what follows its
// comma is metadata: a JSON object of texts, or KEY=VALUE pairs with a semicolon between. A line that is empty or begins
// with # has no address; behind an address alone, # begins a comment. It fails with [ErrInput].
func ParseLine(text string) (line Line, err error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "#") {
		return line, nil
	}
	address, rest, more := strings.Cut(text, ",")
	if bare, _, comment := strings.Cut(address, "#"); comment {
		address, more = bare, false
	}
	line.Address = strings.TrimSpace(address)
	if line.Address == "" && (more || text != "" && !strings.HasPrefix(text, "#")) {
		return line, fmt.Errorf("there is no address before the comma: %w", ErrInput)
	}
	if !more {
		return line, nil
	}
	metadata := ""
	if line.Label, metadata, err = cutLabel(strings.TrimSpace(rest)); err != nil {
		return Line{}, err
	}
	if metadata == "" {
		return line, nil
	}
	line.Metadata, err = ParseMetadata(metadata)
	return line, err
}

// cutLabel takes the label off the front of the rest of a line.
func cutLabel(rest string) (label, metadata string, err error) {
	if !strings.HasPrefix(rest, `"`) {
		label, metadata, _ = strings.Cut(rest, ",")
		return strings.TrimSpace(label), strings.TrimSpace(metadata), nil
	}
	var b strings.Builder
	for rest = rest[1:]; ; {
		end := strings.IndexByte(rest, '"')
		if end < 0 {
			return "", "", fmt.Errorf("the label's quote is not closed: %w", ErrInput)
		}
		b.WriteString(rest[:end])
		if rest = rest[end+1:]; !strings.HasPrefix(rest, `"`) {
			break
		}
		b.WriteByte('"')
		rest = rest[1:]
	}
	if rest = strings.TrimSpace(rest); rest != "" && rest[0] != ',' {
		return "", "", fmt.Errorf("the label's quote is followed by %.10q, not by a comma: %w", rest, ErrInput)
	}
	return b.String(), strings.TrimSpace(strings.TrimPrefix(rest, ",")), nil
}

// ParseMetadata reads a JSON object of texts, or KEY=VALUE pairs with a semicolon between, and returns it as such an
// object with its keys in order; "" for an empty one. It fails with [ErrInput].
func ParseMetadata(text string) (string, error) {
	pairs := map[string]string{}
	if strings.HasPrefix(text, "{") {
		if err := json.Unmarshal([]byte(text), &pairs); err != nil {
			return "", fmt.Errorf("metadata is not a JSON object of texts: %w: %w", err, ErrInput)
		}
	} else {
		for pair := range strings.SplitSeq(text, ";") {
			key, value, found := strings.Cut(pair, "=")
			if key = strings.TrimSpace(key); key == "" && (found || strings.TrimSpace(pair) != "") || !found && key != "" {
				return "", fmt.Errorf("metadata %.40q is not KEY=VALUE: %w", pair, ErrInput)
			}
			if found {
				pairs[key] = strings.TrimSpace(value)
			}
		}
	}
	if len(pairs) == 0 {
		return "", nil
	}
	encoded, err := json.Marshal(pairs)
	return string(encoded), err
}

// checkNotes refuses what the index would.
func checkNotes(label, metadata string) error {
	if len(label) > utxo.MaxNote || len(metadata) > utxo.MaxNote {
		return fmt.Errorf("a label of %d and metadata of %d bytes, at most %d each: %w", len(label), len(metadata), utxo.MaxNote, ErrInput)
	}
	return nil
}

// checker checks the lines of an import, several parts of them at a time, and spools what they name in their order.
type checker struct {
	p        *part
	label    string
	spool    *spool
	progress func(ImportProgress)
	// lines counts those that were checked.
	lines int64
	bad   AddressError
}

// checked is what a worker made of some lines.
type checked struct {
	lines   int
	count   int
	encoded []byte
	// faults have Lines from 0.
	faults []AddressFault
}

// check reads all lines. Every bad one is told of, as an [*AddressError].
func (c *checker) check(ctx context.Context, in io.Reader) error {
	if err := checkNotes(c.label, ""); err != nil {
		return err
	}
	c.bad.Cause = ErrInput
	group, ctx := errgroup.WithContext(ctx)
	// One part is read, one collected, and one in each worker.
	parts := make(chan chan checked, runtime.GOMAXPROCS(0))
	group.Go(func() error {
		defer close(parts)
		return c.dispatch(ctx, in, parts, group)
	})
	group.Go(func() error {
		for part := range parts {
			if err := c.collect(<-part); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	switch {
	case c.bad.Count > 0:
		return &c.bad
	case c.spool.count == 0:
		return fmt.Errorf("there is no address in %d lines: %w", c.lines, ErrInput)
	}
	return nil
}

// dispatch reads parts and gives each to a worker of its own; there are as many as parts takes.
func (c *checker) dispatch(ctx context.Context, in io.Reader, parts chan<- chan checked, workers *errgroup.Group) error {
	lines := bufio.NewReaderSize(in, 1<<20)
	for {
		part, err := readPart(lines)
		if len(part) > 0 {
			done := make(chan checked, 1)
			select {
			case parts <- done:
			case <-ctx.Done():
				return ctx.Err()
			}
			workers.Go(func() error {
				done <- c.checkPart(part)
				return nil
			})
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the addresses: %w", err)
		}
	}
}

// readPart returns some lines, the last one perhaps without its end. Of a line that is too long, enough is kept to see that.
func readPart(in *bufio.Reader) (part []byte, err error) {
	for n := 0; n < checkLines && len(part) < checkBytes; n++ {
		piece, err := in.ReadSlice('\n')
		line := bytes.TrimSuffix(piece, []byte{'\n'})
		part = append(part, line[:min(len(line), MaxLine+1)]...)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil {
			return part, err
		}
		part = append(part, '\n')
	}
	return part, nil
}

// checkPart checks some lines.
func (c *checker) checkPart(part []byte) (done checked) {
	done.encoded = make([]byte, 0, len(part))
	for len(part) > 0 {
		text, rest, _ := bytes.Cut(part, []byte{'\n'})
		part = rest
		spec, err := c.checkLine(text)
		switch {
		case err != nil:
			fault := AddressFault{Line: done.lines, Address: clip(strings.TrimSpace(string(text))), Text: clip(err.Error())}
			done.faults = append(done.faults, fault)
		case len(spec.Script) > 0:
			done.encoded = appendSpooled(done.encoded, &spec)
			done.count++
		}
		done.lines++
	}
	return done
}

// checkLine turns a line into what is to be watched, without a script where it names none.
func (c *checker) checkLine(text []byte) (spec utxo.WatchSpec, err error) {
	if len(text) > MaxLine {
		return spec, fmt.Errorf("longer than %d KB: a file has one address a line: %w", MaxLine>>10, ErrInput)
	}
	line, err := ParseLine(string(text))
	if err != nil || line.Address == "" {
		return spec, err
	}
	if line.Label == "" {
		line.Label = c.label
	}
	if err := checkNotes(line.Label, line.Metadata); err != nil {
		return spec, err
	}
	spec.Script, err = c.p.coin.Script(line.Address)
	spec.Label, spec.Metadata = line.Label, line.Metadata
	return spec, err
}

// collect takes the parts in their order.
func (c *checker) collect(done checked) error {
	for _, fault := range done.faults {
		fault.Line += int(c.lines) + 1
		fault.Index = fault.Line - 1
		c.bad.Count++
		if len(c.bad.Faults) < maxFaults {
			c.bad.Faults = append(c.bad.Faults, fault)
		}
	}
	c.lines += int64(done.lines)
	c.progress(ImportProgress{Checked: c.lines})
	if c.bad.Count > 0 {
		return nil // nothing will be imported
	}
	// The index writes to the same disk, and must not find it full.
	if err := checkRoom(filepath.Dir(c.p.dir), c.p.options.Free); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return c.spool.write(done.encoded, done.count)
}

// clip shortens a text for people.
func clip(text string) string {
	if len(text) <= maxClip {
		return text
	}
	return strings.ToValidUTF8(text[:maxClip], "") + "…"
}
