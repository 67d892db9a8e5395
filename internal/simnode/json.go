package simnode

import (
	"encoding/hex"
	"encoding/json"
	"strconv"

	"coffer.example/coffer/coins"
)

// object is a JSON object whose members keep their order, as nodes write them.
type object []member

type member struct {
	name  string
	value any
}

func (o object) with(name string, value any) object { return append(o, member{name, value}) }

// when appends a member where a condition holds.
func (o object) when(holds bool, name string, value any) object {
	if !holds {
		return o
	}
	return append(o, member{name, value})
}

type (
	list     []any  // a JSON array
	literal  string // written as it stands: a number's own digits
	hexBytes []byte // written as hexadecimal digits in quotes
)

func listOf[T any](items []T) list {
	out := make(list, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}

// appendJSON appends a value. Amounts are written as nodes do, as a number with
// eight places, never by way of a float.
func appendJSON(dst []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int32:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case uint32:
		return strconv.AppendUint(dst, uint64(v), 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case coins.Height:
		return strconv.AppendInt(dst, int64(v), 10)
	case coins.Amount:
		return append(dst, v.String()...)
	case coins.Total:
		return append(dst, v.String()...)
	case literal:
		return append(dst, v...)
	case hexBytes:
		return append(hex.AppendEncode(append(dst, '"'), v), '"')
	case coins.TxID:
		return appendQuoted(dst, v.String())
	case coins.BlockHash:
		return appendQuoted(dst, v.String())
	case string:
		return appendQuoted(dst, v)
	case object:
		return appendObject(dst, v)
	case list:
		return appendList(dst, v)
	}
	text, err := json.Marshal(value)
	assertNone(err, "a reply holds what JSON cannot")
	return append(dst, text...)
}

// assertNone holds us to what we have made ourselves.
func assertNone(err error, what string) {
	if err != nil {
		panic("simnode: " + what + ": " + err.Error())
	}
}

func appendQuoted(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			text, _ := json.Marshal(s) // a string always can be
			return append(dst, text...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

func appendObject(dst []byte, o object) []byte {
	dst = append(dst, '{')
	for i, m := range o {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, m.name), ':')
		dst = appendJSON(dst, m.value)
	}
	return append(dst, '}')
}

func appendList(dst []byte, l list) []byte {
	dst = append(dst, '[')
	for i, item := range l {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSON(dst, item)
	}
	return append(dst, ']')
}
