package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"grantfs/integration/doctor"
)

// exitFindings is the exit code of "grantfs doctor" where something fails; where
// there are warnings only it is exitFailure.
const exitFindings = int(doctor.Fail)

// diagnose says what is wrong with the host, and how to mend it. Nothing is
// changed, but for a mount that is made and taken back.
func diagnose(ctx context.Context, e *env, args []string) error {
	checks, unknown := doctor.Choose(args)
	if unknown != "" {
		return usage("there is no check %q; without a name all of them are made", unknown)
	}
	if err := needRoot("doctor"); err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	facts := gatherFacts(ctx, e, doctor.Groups(checks))
	if ctx.Err() != nil {
		return errInterrupted
	}
	findings := doctor.Judge(checks, facts)
	if e.json {
		if err := printJSON(e.stdout, findings); err != nil {
			return err
		}
	} else if err := printFindings(e.stdout, findings, coloured(e.stdout)); err != nil {
		return err
	}
	if worst := doctor.Worst(findings); worst != doctor.OK {
		return &exitError{int(worst), nil}
	}
	return nil
}

// levelColours are the colours of doctor.Level (ECMA-48).
var levelColours = [...]string{"\x1b[32m", "\x1b[33m", "\x1b[1;31m"}

// printFindings prints findings for people, by group, and the mending below.
func printFindings(w io.Writer, findings []doctor.Finding, colour bool) error {
	var text strings.Builder
	names := 0
	for _, f := range findings {
		names = max(names, utf8.RuneCountInString(f.Check))
	}
	group := ""
	var counts [3]int
	for _, f := range findings {
		counts[f.Level]++
		if f.Group != group {
			if group != "" {
				text.WriteByte('\n')
			}
			group = f.Group
			fmt.Fprintln(&text, group)
		}
		level := fmt.Sprintf("%-4s", f.Level)
		if colour {
			level = levelColours[f.Level] + level + "\x1b[m"
		}
		fmt.Fprintf(&text, "  %s  %-*s  %s\n", level, names, f.Check, f.Found)
		if f.Mend != "" {
			fmt.Fprintf(&text, "        mend: %s\n", f.Mend)
		}
	}
	fmt.Fprintf(&text, "\n%d ok, %d warnings, %d failures\n", counts[doctor.OK], counts[doctor.Warn], counts[doctor.Fail])
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("print what was found: %w", err)
	}
	return nil
}
