package testdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"coffer.example/coffer/internal/child"
)

// Limits of starting and stopping.
const (
	startLimit = 2 * time.Minute // a busy machine creates a cluster slowly
	stopLimit  = time.Minute
	pollPeriod = 20 * time.Millisecond
)

// Server is one temporary database server.
type Server struct {
	engine  Engine
	tools   tools
	dir     string
	port    int
	options Options
	process child.Process
}

// dialect is what differs between the engines' programs.
type dialect struct {
	env, remedy string
	owner       string   // the system user that it runs as when we are root
	programs    []string // the first of each "a|b" that is there
	folders     []string // glob patterns where they may be, beside PATH
	prepare     func(*Server) []string
	serve       func(*Server) []string
	// execute is the command that runs one statement.
	execute func(*Server, string) []string
	url     func(*Server, string) string
	// stop ends it in order, kill as a crash would.
	stop, kill syscall.Signal
}

func (e Engine) dialect() dialect {
	if e == Postgres {
		return postgres()
	}
	return mariaDB()
}

// tools are the paths of an engine's programs, by the first name of their group.
type tools map[string]string

// find looks for every program of an engine.
func find(engine Engine) (tools, error) {
	d := engine.dialect()
	folders := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range d.folders {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		folders = append(folders, found...)
	}
	if named := os.Getenv(d.env); named != "" {
		folders = []string{named}
	}
	t := tools{}
	for _, group := range d.programs {
		names := strings.Split(group, "|")
		path := firstExecutable(folders, names)
		if path == "" {
			return nil, fmt.Errorf("%s: %w: %s", names[0], ErrNotInstalled, d.remedy)
		}
		t[names[0]] = path
	}
	return t, nil
}

func firstExecutable(folders, names []string) string {
	for _, name := range names {
		for _, folder := range folders {
			if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
				return path
			}
		}
	}
	return ""
}

// start makes a server's data and starts it.
func start(ctx context.Context, engine Engine, o Options) (s *Server, err error) {
	s = &Server{engine: engine, options: o}
	if s.tools, err = find(engine); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if s.dir, err = os.MkdirTemp("", "coffer-"+string(engine)+"-"); err != nil {
		return nil, err
	}
	if err = s.prepare(ctx); err == nil {
		err = s.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", engine, err), s.Stop())
	}
	return s, nil
}

func (s *Server) prepare(ctx context.Context) error {
	if err := os.Chmod(s.dir, 0o755); err != nil { // its own user must get through
		return err
	}
	s.process.Console = filepath.Join(s.dir, "console.log")
	if err := os.Mkdir(s.data(), 0o700); err != nil {
		return err
	}
	if owner := s.owner(); owner != nil {
		if err := os.Chown(s.data(), int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	out, err := s.command(ctx, s.engine.dialect().prepare(s)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("create its data: %w: %s", err, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Start starts a server that was stopped or killed on the data and port it had, and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	if s.port == 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		s.port = port
	}
	exited, err := s.process.Start(s.command(context.WithoutCancel(ctx), s.engine.dialect().serve(s)))
	if err != nil {
		return err
	}
	for tick := time.NewTicker(pollPeriod); ; {
		if _, err = s.Execute(ctx, "SELECT 1"); err == nil {
			tick.Stop()
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("it ended at once: %s", s.process.LastWords())
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Kill ends the server at once, as a crash would; Start brings it back.
func (s *Server) Kill() error { return s.process.End(s.engine.dialect().kill, stopLimit) }

// Stop ends the server and removes its data. Stopping twice is fine.
func (s *Server) Stop() error {
	err := s.process.End(s.engine.dialect().stop, stopLimit)
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Execute runs a statement as the server's owner, outside every database made for a test, and returns what it printed.
func (s *Server) Execute(ctx context.Context, statement string) (string, error) {
	out, err := s.command(ctx, s.engine.dialect().execute(s, statement)).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", statement, err, out)
	}
	return string(out), nil
}

func (s *Server) create(ctx context.Context, name string) (url string, err error) {
	if _, err := s.Execute(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return s.engine.dialect().url(s, name), nil
}

// command is a program of the server, run as the server's user.
func (s *Server) command(ctx context.Context, line []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.tools[line[0]], line[1:]...)
	cmd.Dir = s.dir
	if owner := s.owner(); owner != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	}
	return cmd
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
