package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"coffer.example/coffer/engine"
)

// lineSource is a file of lines, or standard input, with a bar that shows how much of it was read.
type lineSource struct {
	in   io.Reader
	name string
	file *os.File
	// given counts the addresses of the command line that come before its first line.
	given       int
	read, total int64
	bar         *bar
}

// openLines opens a file, "-" for standard input.
func (a *app) openLines(file string, source *lineSource) error {
	if file == "-" {
		source.in, source.name = a.in, "standard input"
		return nil
	}
	opened, err := os.Open(file)
	if err != nil {
		return usagef("%v", err)
	}
	info, err := opened.Stat()
	if err != nil || info.IsDir() {
		return errors.Join(usagef("%s is not a file that can be read", file), opened.Close())
	}
	source.in, source.name, source.file, source.total = opened, file, opened, info.Size()
	return nil
}

func (l *lineSource) Read(b []byte) (int, error) {
	n, err := l.in.Read(b)
	l.read += int64(n)
	l.bar.set(l.read, l.total)
	return n, err
}

func (l *lineSource) close() {
	if l.file != nil {
		_ = l.file.Close() // it was only read
	}
}

// locate turns the lines of an engine.AddressError into those of the file.
func (l *lineSource) locate(err error) error {
	var bad *engine.AddressError
	if !errors.As(err, &bad) {
		return err
	}
	located := &lineError{cause: err, summary: fmt.Sprintf("nothing was changed: %s cannot be taken", plural(bad.Count, "line", "lines"))}
	for _, fault := range bad.Faults {
		place := fmt.Sprintf("%s:%d: ", l.name, fault.Line-l.given)
		if fault.Line <= l.given {
			place = ""
		}
		located.lines = append(located.lines, place+fault.Text)
	}
	if hidden := bad.Count - len(bad.Faults); hidden > 0 {
		located.lines = append(located.lines, fmt.Sprintf("… and %s", plural(hidden, "more", "more")))
	}
	return located
}
