package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Effect is one setting of an account after the merge, in a form to be shown:
// its key as in the configuration, and its values with their origins.
type Effect struct {
	Key    string
	Kind   EffectKind
	Values []Effected // of a single value exactly one
}

// EffectKind says what a setting holds.
type EffectKind uint8

// The kinds.
const (
	EffectSingle EffectKind = iota // one value
	EffectList                     // elements, in order
	EffectPaths                    // values by path, sorted
)

// Effected is a value with where it came from.
type Effected struct {
	Path   string // of EffectPaths: where in the view
	Value  any    // what encoding/json shows as the configuration writes it; nil for none
	Origin string // "account:NAME", "group:NAME" or "default"
	At     Pos    // zero where nobody wrote it
}

// MarshalJSON returns {"value":…,"origin":…,"at":"file:line"}; "at" is null where
// nobody wrote the value.
func (v Effected) MarshalJSON() ([]byte, error) {
	out := struct {
		Value  any     `json:"value"`
		Origin string  `json:"origin"`
		At     *string `json:"at"`
	}{Value: v.Value, Origin: v.Origin}
	if !v.At.IsZero() {
		at := v.At.line()
		out.At = &at
	}
	return json.Marshal(out)
}

// MarshalJSON returns the one value, the list of values, or an object of values
// by path (product.md §13).
func (e Effect) MarshalJSON() ([]byte, error) {
	switch e.Kind {
	case EffectList:
		if e.Values == nil {
			return []byte("[]"), nil
		}
		return json.Marshal(e.Values)
	case EffectPaths:
		return object(len(e.Values), func(i int) (string, any) { return e.Values[i].Path, e.Values[i] })
	}
	if len(e.Values) != 1 {
		return nil, fmt.Errorf("setting %q has %d values, not one", e.Key, len(e.Values))
	}
	return json.Marshal(e.Values[0])
}

// MarshalJSON returns an object with one key for each setting of Settings.
func (e *Effective) MarshalJSON() ([]byte, error) {
	list := e.Settings()
	return object(len(list), func(i int) (string, any) { return list[i].Key, list[i] })
}

// object returns a JSON object of n members in their order.
func object(n int, member func(i int) (key string, value any)) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		key, value := member(i)
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", key, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// unlimited is how the configuration writes that there is no limit.
const unlimited = "unlimited"

// plain returns v as the configuration writes it: numbers, booleans and strings.
// Sizes are numbers of bytes.
func plain(v any) any {
	switch v := v.(type) {
	case Limit:
		if v.Unlimited {
			return unlimited
		}
		return v.N
	case time.Duration:
		if v == 0 {
			return unlimited
		}
		return durationText(v)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case netip.Prefix:
		if v.IsSingleIP() {
			return v.Addr().String()
		}
		return v.String()
	}
	return v
}

// durationText returns d as the configuration writes it, such as "90d" or
// "1h30m".
func durationText(d time.Duration) string {
	var b strings.Builder
	for _, unit := range []struct {
		name string
		d    time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / unit.d; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			d -= n * unit.d
		}
	}
	return b.String()
}

// octal returns permission bits as the configuration writes them.
func octal(mode uint32) string { return "0" + strconv.FormatUint(uint64(mode), 8) }

// clock returns minutes after midnight as the configuration writes them.
func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// line returns "file:line", as --json shows a place.
func (p Pos) line() string {
	p.Col = 0
	return p.String()
}
