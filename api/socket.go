package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Limits of a connection.
const (
	headerLimit   = 10 * time.Second // to send a request's header
	idleLimit     = 2 * time.Minute
	shutdownLimit = 5 * time.Second // for requests under way, when the daemon stops
	maxHeader     = 64 << 10
)

// Socket listens for the user's own processes. It holds the lock file until it is closed.
type Socket struct {
	listener *net.UnixListener
	lock     *os.File
}

// Listen takes the lock file and listens on the socket, replacing one that a killed daemon left behind. It fails with
// [ErrRunning] where another process holds the lock.
func Listen(socket, lockFile string) (*Socket, error) {
	lock, err := takeLock(lockFile)
	if err != nil {
		return nil, err
	}
	listener, err := listen(socket)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", socket, err), lock.Close())
	}
	return &Socket{listener: listener, lock: lock}, nil
}

func takeLock(file string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	lock, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrRunning
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", file, err), lock.Close())
	}
	return lock, nil
}

func listen(socket string) (*net.UnixListener, error) {
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// Close stops listening, removes the socket and gives back the lock.
func (s *Socket) Close() error {
	err := s.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return errors.Join(err, s.lock.Close())
}

// Serve answers requests until ctx ends, then lets those under way finish, for a limit.
func (s *Socket) Serve(ctx context.Context, handler http.Handler) error {
	requests, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerLimit, IdleTimeout: idleLimit, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return requests },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, checkPeer(conn))
		},
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		limit, cancel := context.WithTimeout(requests, shutdownLimit)
		defer cancel()
		err := server.Shutdown(limit)
		if errors.Is(err, context.DeadlineExceeded) {
			abort()
			err = server.Close()
		}
		stopped <- err
	})
	err := server.Serve(s.listener)
	if stop() {
		return fmt.Errorf("socket: %w", err)
	}
	return <-stopped
}

// peerKey marks a connection's context with the outcome of checkPeer.
type peerKey struct{}

// checkPeer fails unless the connection's peer is the daemon's own user or root.
func checkPeer(conn net.Conn) error {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return fmt.Errorf("connection of type %T: %w", conn, errors.ErrUnsupported)
	}
	uid, err := peerUser(unix)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil // the socket's mode is all there is on this system
	}
	if err != nil {
		return err
	}
	if uid != 0 && uid != os.Getuid() {
		return fmt.Errorf("user %d: %w", uid, fs.ErrPermission)
	}
	return nil
}

// onlyOwner refuses connections that checkPeer has not accepted. Handlers that serve no socket (in tests, or
// embedded) have no peer to check.
func onlyOwner(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err, _ := r.Context().Value(peerKey{}).(error); err != nil {
			p := problem{
				Type: "urn:coffer:error:forbidden", Title: "forbidden", Status: http.StatusForbidden, Code: "forbidden",
				Detail: "this socket answers only to the user that runs the daemon: " + err.Error(),
			}
			writeProblem(w, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}
