package testnodes

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel end the node when we die without stopping it, for example at a test's timeout. In a
// process group of its own the node does not get the terminal's Ctrl-C: whoever started it stops it in order.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
