package testnodes

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel end the node when we die without stopping it, for example at a test's timeout.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
