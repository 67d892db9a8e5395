package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Process is a program that is started, ended and started again. Its methods may be called from several goroutines,
// but Start and End may not overlap each other.
type Process struct {
	// Console is the file that gets what the program writes.
	Console string

	mu     sync.Mutex
	cmd    *exec.Cmd     // nil when stopped
	exited chan struct{} // closed when cmd has been waited for
}

// Start starts a command whose output goes to p.Console. The channel is closed when the process has ended.
func (p *Process) Start(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	out, err := os.Create(p.Console)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	done := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.exited = cmd, done
	p.mu.Unlock()
	go func() {
		defer close(done)
		_ = cmd.Wait() // how it ended is told by LastWords
	}()
	return done, nil
}

// PID is the process id, 0 when nothing was started or it was ended.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// End sends a signal and waits for the process; one that is not obeyed within limit becomes a SIGKILL and an error.
// Ending what does not run is fine.
func (p *Process) End(sig syscall.Signal, limit time.Duration) error {
	p.mu.Lock()
	cmd, exited := p.cmd, p.exited
	p.cmd = nil
	p.mu.Unlock()
	if cmd == nil {
		return nil
	}
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process %d: %w", cmd.Process.Pid, err)
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-exited:
		return nil
	case <-late.C:
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill process %d: %w", cmd.Process.Pid, err)
	}
	<-exited
	return fmt.Errorf("process %d did not obey %s within %s and was killed", cmd.Process.Pid, sig, limit)
}

// LastWords is the end of what the program wrote to its console, for error messages.
func (p *Process) LastWords() string {
	const most = 500
	text, err := os.ReadFile(p.Console)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
