package child

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel end the child when we die without stopping it, for example at a test's timeout. In a
// process group of its own the child does not get the terminal's Ctrl-C: whoever started it stops it in order.
func dieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
}
