package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv}
	a.terminal = term.IsTerminal(int(os.Stderr.Fd()))
	a.width = columns()
	// A second signal ends the process at once, as it would without us.
	context.AfterFunc(ctx, stop)
	code := a.run(ctx, os.Args)
	stop()
	os.Exit(code)
}

// columns is how wide the terminal on standard output is, 0 where there is none: what goes to a file or another
// program is not folded.
func columns() int {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || width <= 0 {
		return 0
	}
	return width
}

// app is one run of the command: its streams and global flags.
type app struct {
	in       io.Reader
	out, err io.Writer
	env      func(name string) (string, bool)
	// terminal says that a person watches standard error.
	terminal bool
	// width is that of the terminal on standard output, 0 where there is none.
	width int

	json       bool
	configFile string
}
