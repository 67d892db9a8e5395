package need_test

import (
	"testing"

	"coffer.example/coffer/internal/need"
)

type told struct{ skipped, failed int }

func (*told) Helper()                 {}
func (t *told) Skipf(string, ...any)  { t.skipped++ }
func (t *told) Fatalf(string, ...any) { t.failed++ }

// With CI=true, and only then, a missing part is a failure.
func TestMissing(t *testing.T) {
	for value, want := range map[string]told{"true": {failed: 1}, "": {skipped: 1}, "false": {skipped: 1}} {
		t.Setenv("CI", value)
		var got told
		if need.Missing(&got, "install %s", "it"); got != want {
			t.Errorf("CI=%q: %+v, want %+v", value, got, want)
		}
	}
}
