package acceptance_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// binaryVariable names the environment variable that tells the tests where TestMain has put the command.
const binaryVariable = "COFFER_TEST_BINARY"

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// run builds the command, runs the tests and looks for goroutines that they left behind.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "coffer-acceptance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "coffer")
	build := exec.Command("go", "build", "-o", binary, "coffer.example/coffer/cmd/coffer")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build coffer: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv(binaryVariable, binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}
