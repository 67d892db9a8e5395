package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"coffer.example/coffer/ledger"
)

// ExecOptions describe a command.
type ExecOptions struct {
	// Command is the program and its arguments. No shell is between.
	Command []string
	// Timeout ends it; default 15 s.
	Timeout time.Duration
	// Output is told what it wrote, the first 64 KiB, where it wrote something; nil drops it.
	Output func(event string, text []byte)
}

// maxOutput bounds what is kept of a command's output.
const maxOutput = 64 << 10

// Exec runs a command for each event: with COFFER_EVENT_NAME and COFFER_EVENT_DATA in its environment, and the event as
// JSON on its standard input. Delivered is what ends with exit code 0.
type Exec struct{ options ExecOptions }

// NewExec returns a sink that runs a command. It fails with [ErrCommand] where there is none.
func NewExec(o ExecOptions) (*Exec, error) {
	if len(o.Command) == 0 || o.Command[0] == "" {
		return nil, fmt.Errorf("no command is given: %w", ErrCommand)
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	return &Exec{o}, nil
}

// Close does nothing: each command ends with its event.
func (*Exec) Close() {}

// Deliver runs the command and waits for it. It fails with [ErrCommand].
func (x *Exec) Deliver(ctx context.Context, e *ledger.Event) error {
	ctx, cancel := context.WithTimeout(ctx, x.options.Timeout)
	defer cancel()
	body, err := encode(e)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, x.options.Command[0], x.options.Command[1:]...)
	cmd.Env = append(os.Environ(), "COFFER_EVENT_NAME="+e.Type, "COFFER_EVENT_DATA="+string(e.Data))
	cmd.Stdin = bytes.NewReader(body)
	output := &clipped{}
	cmd.Stdout, cmd.Stderr = output, output
	inGroup(cmd)
	cmd.WaitDelay = time.Second // for children that outlive it and hold its output
	err = cmd.Run()
	if len(output.text) > 0 && x.options.Output != nil {
		x.options.Output(e.ID, output.text)
	}
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success():
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("deliver %s: %w: it did not end within %s", e.ID, ErrCommand, x.options.Timeout)
	}
	return fmt.Errorf("deliver %s: %w: %w", e.ID, ErrCommand, err)
}

// clipped keeps the beginning of what is written to it.
type clipped struct{ text []byte }

func (c *clipped) Write(p []byte) (int, error) {
	c.text = append(c.text, p[:min(len(p), maxOutput-len(c.text))]...)
	return len(p), nil
}
