package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	daemonUp   = 30 * time.Second // until its socket answers
	daemonDown = 45 * time.Second // the time it promises to end in
)

// daemon is `coffer daemon` on the playground's configuration.
type daemon struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{} // closed when it has been waited for
	err   error         // how it ended; read after ended
}

// startDaemon starts it and waits until its socket takes connections.
func startDaemon(ctx context.Context, dir, coffer string) (*daemon, error) {
	d := &daemon{log: filepath.Join(dir, "daemon.log"), ended: make(chan struct{})}
	file, err := os.Create(d.log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	d.cmd = exec.Command(coffer, "--config", filepath.Join(dir, "coffer.yaml"), "daemon")
	d.cmd.Stdout, d.cmd.Stderr = file, file
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us: we stop it before the nodes
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(d.ended)
		d.err = d.cmd.Wait()
	}()
	if err := d.ready(ctx, filepath.Join(dir, "coffer-data", "coffer.sock")); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

func (d *daemon) ready(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, daemonUp)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("unix", socket); err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the daemon's socket: %w; %s", ctx.Err(), d.lastWords())
		case <-d.ended:
			return d.fault()
		case <-tick.C:
		}
	}
}

// stop ends it by SIGTERM, after the time that it promises by SIGKILL.
func (d *daemon) stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	limit := time.NewTimer(daemonDown)
	defer limit.Stop()
	select {
	case <-d.ended:
		return nil
	case <-limit.C:
	}
	err := d.cmd.Process.Kill()
	<-d.ended
	return errors.Join(err, fmt.Errorf("the daemon did not end within %s and was killed", daemonDown))
}

// fault is what to say when it ended by itself.
func (d *daemon) fault() error {
	return fmt.Errorf("%w: %w; %s", errDaemon, errors.Join(d.err), d.lastWords())
}

func (d *daemon) lastWords() string {
	const most = 800
	text, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	return "its log ends:\n" + string(text[max(0, len(text)-most):])
}
