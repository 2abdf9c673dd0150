package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// quotaText prints quotas for people: a line of 80 columns for each limit.
type quotaText struct {
	out      io.Writer
	long     bool
	terminal bool // names are cut to fit
	colour   bool
}

const (
	nameColumns = 28 // on a terminal, else as many as the longest name has
	barColumns  = 20
)

// bar is one line: how much of a limit is used.
type bar struct {
	name  string
	used  int64
	limit *int64
	text  func(int64) string
	notes []string
}

func (t quotaText) print(q quotaState) error {
	var lines []bar
	for _, b := range q.Buckets {
		first := bar{b.Bucket, b.UsedBytes, b.LimitBytes, bytesText, notes(b)}
		lines = append(lines, first)
		if b.LimitFiles != nil || t.long {
			lines = append(lines, bar{name: "  files", used: b.UsedFiles, limit: b.LimitFiles, text: countText})
		}
		if b.LimitInodes != nil || t.long {
			lines = append(lines, bar{name: "  files and directories", used: b.UsedInodes, limit: b.LimitInodes, text: countText})
		}
	}
	for _, f := range q.Transfers {
		name := "transfer:" + f.Account + " " + f.What
		if len(f.Sources) > 0 {
			name += " from " + strings.Join(f.Sources, ",")
		}
		since := "never begins anew"
		if f.Since.Unix() > 0 {
			since = "since " + f.Since.UTC().Format(time.DateOnly)
		}
		lines = append(lines, bar{name, f.Used, &f.Limit, bytesText, []string{since}})
	}
	names := nameColumns
	for _, l := range lines {
		if !t.terminal {
			names = max(names, utf8.RuneCountInString(l.name))
		}
	}
	for _, l := range lines {
		if err := t.line(l, names); err != nil {
			return fmt.Errorf("print quotas: %w", err)
		}
	}
	return nil
}

// notes say of a bucket what its bar can't.
func notes(b bucketState) []string {
	var list []string
	if b.Differ {
		list = append(list, "its mounts have different limits: these are the lowest")
	}
	if b.ReservedBytes != 0 {
		list = append(list, bytesText(b.ReservedBytes)+" reserved for writes under way")
	}
	if b.DriftBytes != 0 {
		list = append(list, fmt.Sprintf("the last count found %+d bytes that others wrote or removed", b.DriftBytes))
	}
	if !b.Counted {
		list = append(list, "not counted yet since the last start: what is known so far")
	}
	return list
}

func (t quotaText) line(l bar, names int) error {
	name := shorten(l.name, names)
	var err error
	if l.limit == nil {
		_, err = fmt.Fprintf(t.out, "%-*s %9s\n", names, name, l.text(l.used))
	} else {
		share := share(l.used, *l.limit)
		full := min(barColumns, int(share*barColumns))
		drawn := "[" + strings.Repeat("#", full) + strings.Repeat(".", barColumns-full) + "]"
		if t.colour {
			drawn = colourOf(share) + drawn + "\x1b[0m"
		}
		_, err = fmt.Fprintf(t.out, "%-*s %9s of %9s %4s %s\n", names, name, l.text(l.used), l.text(*l.limit), percent(share), drawn)
	}
	for _, note := range l.notes {
		if err == nil && t.long {
			_, err = fmt.Fprintf(t.out, "    %s\n", note)
		}
	}
	return err
}

// share returns how much of a limit is used, 1 for all of it. Nothing is all of a
// limit of nothing.
func share(used, limit int64) float64 {
	if limit <= 0 {
		return 1
	}
	return float64(used) / float64(limit)
}

// percent rounds down: only what is used up is 100 %.
func percent(share float64) string { return fmt.Sprintf("%d%%", int(min(share*100, 999))) }

// colourOf returns the escape sequence for green, yellow or red.
func colourOf(share float64) string {
	switch levelOf(share) {
	case 0:
		return "\x1b[32m"
	case 1:
		return "\x1b[33m"
	}
	return "\x1b[31m"
}

// shorten cuts out of the middle of s, of which both ends tell more, what is too
// much.
func shorten(s string, columns int) string {
	if utf8.RuneCountInString(s) <= columns {
		return s
	}
	r := []rune(s)
	head := columns / 3
	return string(r[:head]) + "…" + string(r[len(r)-(columns-head-1):])
}

func countText(n int64) string { return fmt.Sprint(n) }

// bytesText returns a size for people, in at most nine columns.
func bytesText(n int64) string {
	if -1024 < n && n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), 0
	for ; (v >= 1023.5 || v <= -1023.5) && unit < 6; unit++ {
		v /= 1024
	}
	digits := 1
	if v >= 99.95 || v <= -99.95 {
		digits = 0
	}
	return fmt.Sprintf("%.*f %ciB", digits, v, " KMGTPE"[unit])
}

func printScanned(w io.Writer, s scanned) error {
	text := fmt.Sprintf("%d files, %s", s.Files, bytesText(s.Bytes))
	switch {
	case s.Error != "":
		text = s.Error
	case s.Missing:
		text = "missing, not counted"
	}
	if _, err := fmt.Fprintf(w, "%s: %s\n", s.Source, text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
