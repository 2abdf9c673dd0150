package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"grantfs/config"
	"grantfs/policy"
)

// loadSet reads the configuration; its errors go to stderr and end the command.
func loadSet(e *env, path string) (*policy.Set, error) {
	l, err := load(path)
	if err != nil {
		return nil, err
	}
	if l.set == nil {
		return nil, l.report(e.stderr)
	}
	return l.set, nil
}

// loadView reads the configuration and finds the view of an account.
func loadView(ctx context.Context, e *env, account string) (*policy.View, error) {
	set, err := loadSet(e, e.config)
	if err != nil {
		return nil, err
	}
	v, ok := e.asFrozen(ctx, set).View(account)
	if !ok {
		return nil, &exitError{exitNoAccount, fmt.Errorf("no account %q%s", account, meant(account, accountNames(set)))}
	}
	return v, nil
}

func accountNames(set *policy.Set) []string {
	var list []string
	for _, v := range set.Views() {
		list = append(list, v.Account())
	}
	return list
}

// maxMeant is how many names are proposed for one that is not there.
const maxMeant = 3

// meant returns `, did you mean "…"?` with the names nearest to word, and those
// that hold it, or nothing.
func meant(word string, names []string) string {
	var list []string
	left := slices.Clone(names)
	for len(list) < maxMeant {
		name := config.Nearest(word, left)
		if name == "" {
			break
		}
		list = append(list, strconv.Quote(name))
		left = slices.DeleteFunc(left, func(n string) bool { return n == name })
	}
	for _, name := range left {
		if len(word) > 2 && len(list) < maxMeant && strings.Contains(name, strings.ToLower(word)) {
			list = append(list, strconv.Quote(name))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return ", did you mean " + strings.Join(list, " or ") + "?"
}

func effectiveFlags(f *flag.FlagSet, e *env) {
	jsonFlag(f, e)
	f.BoolVar(&e.all, "all", false, "print defaults too, as --json does")
}

// effective prints the settings of an account after the merge.
func effective(ctx context.Context, e *env, args []string) error {
	v, err := loadView(ctx, e, args[0])
	if err != nil {
		return err
	}
	if e.json {
		return printJSON(e.stdout, v.Effective())
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SETTING\tVALUE\tORIGIN\tAT")
	for _, s := range v.Effective().Settings() {
		if len(s.Values) == 0 && e.all {
			fmt.Fprintf(w, "%s\t-\t%s\t-\n", s.Key, policy.OriginDefault)
		}
		for _, x := range s.Values {
			if x.Origin == policy.OriginDefault && !e.all && s.Kind != policy.EffectPaths {
				continue
			}
			key := s.Key
			if s.Kind == policy.EffectPaths {
				key += " " + x.Path
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", key, limitText(s.Key, x.Value), x.Origin, placeText(x.At))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print settings: %w", err)
	}
	return nil
}

// byteKeys are the settings and fields that are sizes or bandwidths, in bytes.
var byteKeys = map[string]bool{
	"quota_size": true, "max_upload_file_size": true, "upload_bandwidth": true, "download_bandwidth": true,
	"upload_data_transfer": true, "download_data_transfer": true, "total_data_transfer": true,
}

// limitText is valueText of the setting key, sizes as a configuration writes them.
func limitText(key string, v any) string {
	if n, ok := v.(int64); ok && byteKeys[key] {
		return sizeText(n)
	}
	return valueText(v)
}

// sizeText returns n bytes in the largest unit that says it exactly.
func sizeText(n int64) string {
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if size := int64(1) << (40 - 10*i); n >= size && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + unit
		}
	}
	for i, unit := range []string{"TB", "GB", "MB"} {
		if size := []int64{1e12, 1e9, 1e6}[i]; n >= size && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10)
}

// valueText returns a value of --json for people, "-" for none.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case string:
		return dash(v)
	case []string:
		return dash(strings.Join(v, ","))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return string(text) // no object
	}
	return fieldText(fields)
}

// fieldText returns what an object has that is not empty.
func fieldText(fields map[string]any) string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		switch v := fields[key].(type) {
		case nil:
		case bool:
			if v {
				list = append(list, key)
			}
		case float64:
			if v != 0 {
				list = append(list, key+"="+limitText(key, int64(v)))
			}
		case []any:
			words := make([]string, len(v))
			for i, x := range v {
				words[i] = fmt.Sprint(x)
			}
			if len(words) > 0 {
				list = append(list, key+"="+strings.Join(words, ","))
			}
		default:
			if text := fmt.Sprint(v); text != "" {
				list = append(list, key+"="+text)
			}
		}
	}
	return dash(strings.Join(list, " "))
}
