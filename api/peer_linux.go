package api

import (
	"net"
	"syscall"
)

// peerUser returns the user id of the process at the other end (SO_PEERCRED).
func peerUser(conn *net.UnixConn) (uid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *syscall.Ucred
	var callErr error
	err = raw.Control(func(fd uintptr) {
		credentials, callErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err == nil {
		err = callErr
	}
	if err != nil {
		return 0, err
	}
	return int(credentials.Uid), nil
}
