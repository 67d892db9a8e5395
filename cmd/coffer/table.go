package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"coffer.example/coffer/coins"
)

// table is aligned text: columns as wide as their widest cell, two spaces between them.
type table struct {
	head []string
	// right says which columns are numbers.
	right []bool
	rows  [][]string
}

// newTable takes the headings; one that starts with ">" is of a column of numbers.
func newTable(headings ...string) *table {
	t := &table{right: make([]bool, len(headings))}
	for i, heading := range headings {
		name, right := strings.CutPrefix(heading, ">")
		t.head = append(t.head, name)
		t.right[i] = right
	}
	return t
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// write writes the table. Where width is not 0, columns that do not fit into it go to further lines of their row.
func (t *table) write(w io.Writer, width int) {
	rows := append([][]string{t.head}, t.rows...)
	widths := make([]int, len(t.head))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	lines := fold(widths, width)
	for _, row := range rows {
		for i, columns := range lines {
			line := t.line(row, columns, widths)
			switch {
			case i == 0:
				fmt.Fprintln(w, line)
			case line != "":
				fmt.Fprintln(w, foldIndent+line)
			}
		}
	}
}

const (
	columnGap  = "  "
	foldIndent = "    "
)

// fold shares columns out to lines that are at most so wide, at least one column a line.
func fold(widths []int, width int) [][]int {
	lines := [][]int{nil}
	used := 0
	for i, cell := range widths {
		last := len(lines) - 1
		if width > 0 && len(lines[last]) > 0 && used+len(columnGap)+cell > width {
			lines, used = append(lines, nil), len(foldIndent)
			last++
		}
		if len(lines[last]) > 0 {
			used += len(columnGap)
		}
		lines[last] = append(lines[last], i)
		used += cell
	}
	return lines
}

// line is some columns of a row, aligned.
func (t *table) line(row []string, columns, widths []int) string {
	var line strings.Builder
	for n, i := range columns {
		if n > 0 {
			line.WriteString(columnGap)
		}
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(row[i]))
		if t.right[i] {
			line.WriteString(pad + row[i])
		} else {
			line.WriteString(row[i] + pad)
		}
	}
	return strings.TrimRight(line.String(), " ")
}

// pairs is a table of names and values, without headings.
type pairs [][2]string

func (p *pairs) add(name, format string, args ...any) {
	*p = append(*p, [2]string{name, fmt.Sprintf(format, args...)})
}

func (p pairs) write(w io.Writer) {
	width := 0
	for _, pair := range p {
		width = max(width, utf8.RuneCountInString(pair[0]))
	}
	for _, pair := range p {
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(pair[0]))
		fmt.Fprintf(w, "%s%s  %s\n", pair[0], pad, pair[1])
	}
}

// count writes a number with its thousands apart: 1,234,567.
func count[N ~int | ~int32 | ~int64 | ~uint64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var out strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(digit)
	}
	return sign + out.String()
}

// plural is "1 block", "2 blocks".
func plural[N ~int | ~int32 | ~int64 | ~uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// blockText is "height hash", "-" where there is none.
func blockText(id *coins.BlockID) string {
	if id == nil {
		return "-"
	}
	return fmt.Sprintf("%d %s", id.Height, id.Hash)
}

// heightText is the height alone, "-" where there is none.
func heightText(id *coins.BlockID) string {
	if id == nil {
		return "-"
	}
	return strconv.Itoa(int(id.Height))
}

// timeText is a time to the second, in UTC.
func timeText(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}
