package testdb

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// owner is whom the server runs as: nil is ourselves.
func (s *Server) owner() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup(s.engine.dialect().owner)
	if err != nil {
		return nil // the server's refusal to run as root says what is missing
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if errUID != nil || errGID != nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
