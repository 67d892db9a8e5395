package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"coffer.example/coffer/engine"
)

func TestParseLine(t *testing.T) {
	for _, test := range []struct {
		text string
		want engine.Line
		bad  string
	}{
		{text: ""}, {text: "  # nothing"}, {text: "\t"},
		{text: " a ", want: engine.Line{Address: "a"}},
		{text: "a # that one, of old", want: engine.Line{Address: "a"}},
		{text: "a,", want: engine.Line{Address: "a"}},
		{text: "a, shop #1", want: engine.Line{Address: "a", Label: "shop #1"}},
		{text: `a,"Smith, ""Jo"""`, want: engine.Line{Address: "a", Label: `Smith, "Jo"`}},
		{text: `a,"x" , b=2; a=1;`, want: engine.Line{Address: "a", Label: "x", Metadata: `{"a":"1","b":"2"}`}},
		{text: `a,,{"b":"x,y", "a":""}`, want: engine.Line{Address: "a", Metadata: `{"a":"","b":"x,y"}`}},
		{text: "a,,{}", want: engine.Line{Address: "a"}},
		{text: ",x", bad: "no address"}, {text: `a,"x`, bad: "not closed"}, {text: `a,"x"y`, bad: "not by a comma"},
		{text: "a,,b", bad: "KEY=VALUE"}, {text: "a,,=b", bad: "KEY=VALUE"}, {text: `a,,{"b":1}`, bad: "JSON object of texts"}, {text: "a,,{", bad: "JSON"},
	} {
		line, err := engine.ParseLine(test.text)
		if test.bad == "" && (err != nil || line != test.want) {
			t.Errorf("%q: %+v, %v", test.text, line, err)
		}
		if test.bad != "" && (!errors.Is(err, engine.ErrInput) || !strings.Contains(err.Error(), test.bad)) {
			t.Errorf("%q: %+v, %v, want %q", test.text, line, err, test.bad)
		}
	}
}

// FuzzParseLine checks that what a line says is said again by the line that it is written as.
func FuzzParseLine(f *testing.F) {
	for _, text := range []string{"a", "a,b", `a,"b,""c"""`, "a,b,c=d;e=f", `a,,{"b":"c"}`, "# x", "a#b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line, err := engine.ParseLine(text)
		if err != nil || line.Address == "" {
			return
		}
		again, err := engine.ParseLine(line.Address + `,"` + strings.ReplaceAll(line.Label, `"`, `""`) + `",` + line.Metadata)
		if err != nil || again != line {
			t.Fatalf("%q is %+v and again %+v: %v", text, line, again, err)
		}
	})
}

// TestBadLines tells of every bad line by its number, the first thousand of them, and imports none.
func TestBadLines(t *testing.T) {
	w := newWorld(t, "btc", 5, "    start: genesis\n")
	good, _ := w.address(1)
	var file bytes.Buffer
	bad := 0
	for n := 1; n <= 20_000; n++ {
		switch {
		case n%10 == 3:
			fmt.Fprintf(&file, "%s%d\r\n", good, n)
			bad++
		case n == 5000:
			fmt.Fprintf(&file, "%s\n", strings.Repeat("x", 3<<20))
			bad++
		default:
			fmt.Fprintf(&file, "%s,label %d\n", good, n)
		}
	}
	_, err := w.engine.ImportLines(t.Context(), "btc", engine.LinesRequest{Lines: &file, From: "none"}, nil)
	var faults *engine.AddressError
	if !errors.As(err, &faults) || !errors.Is(err, engine.ErrInput) || faults.Count != bad || len(faults.Faults) != 1000 {
		t.Fatalf("%.300v", err)
	}
	for i, fault := range faults.Faults {
		if want := 10*i + 3; i < 500 && fault.Line != want || len(fault.Text) > 400 || len(fault.Address) > 400 {
			t.Fatalf("fault %d: %.500v", i, fault)
		}
	}
	if fault := faults.Faults[500]; fault.Line != 5000 || !strings.Contains(fault.Text, "longer than") {
		t.Errorf("the long line: %+v", fault)
	}
	list, err := w.engine.Watches(t.Context(), "btc", engine.WatchQuery{})
	if err != nil || len(list.Watches) != 0 {
		t.Errorf("imported %v, %v", list, err)
	}
	if _, err := w.engine.ImportLines(t.Context(), "btc", engine.LinesRequest{Lines: strings.NewReader("# none\n\n")}, nil); !errors.Is(err, engine.ErrInput) {
		t.Errorf("no lines: %v", err)
	}
	stored := engine.ImportProgress{}
	lines := strings.Repeat(good+"\n", 3) + good + ",last,a=b"
	result, err := w.engine.ImportLines(t.Context(), "btc", engine.LinesRequest{Lines: strings.NewReader(lines), From: "none", Label: "first"},
		func(p engine.ImportProgress) { stored = p })
	if err != nil || result.Added != 1 || result.Known != 3 || stored != (engine.ImportProgress{Checked: 4, Stored: 4, Total: 4}) {
		t.Errorf("lines twice: %+v, %+v, %v", result, stored, err)
	}
	list, err = w.engine.Watches(t.Context(), "btc", engine.WatchQuery{Label: "la", State: "live"})
	if err != nil || len(list.Watches) != 1 || string(list.Watches[0].Metadata) != `{"a":"b"}` {
		t.Errorf("watched %+v, %v", list, err)
	}
}
