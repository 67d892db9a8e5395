//go:build !linux

package testnodes

import "os/exec"

// dieWithParent has no counterpart on this system: a killed test leaves its node behind.
func dieWithParent(*exec.Cmd) {}
