//go:build !unix

package notify

import "os/exec"

// inGroup has no counterpart on this system: what a command started may outlive it.
func inGroup(*exec.Cmd) {}
