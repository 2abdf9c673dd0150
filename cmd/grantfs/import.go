package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"grantfs/config"
	"grantfs/config/passwd"
	"grantfs/config/sftpgo"
	"grantfs/policy"
)

func importFlags(f *flag.FlagSet, e *env) {
	jsonFlag(f, e)
	f.StringVar(&e.output, "o", "-", "write the configuration to `FILE`, - for stdout")
	f.BoolVar(&e.force, "force", false, "replace the FILE of -o")
}

// importFrom writes a configuration from what another system has: the TOML goes
// to stdout or a file, what is to be known about it to stderr.
func importFrom(ctx context.Context, e *env, args []string) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	switch from := args[0]; {
	case from == "sftpgo" && len(args) == 2:
		return importSFTPGo(ctx, e, args[1])
	case from == "sftpgo":
		return usage("usage: grantfs import sftpgo DUMP.json")
	case from == "aegir":
		return importAegir(ctx, e, args[1:])
	case from == "passwd" && len(args) <= 3:
		return importPasswd(ctx, e, args[1:])
	case from == "passwd":
		return usage("usage: grantfs import passwd FILE [SHADOW]")
	default:
		return usage("can't import from %q: sftpgo, aegir or passwd", from)
	}
}

func importSFTPGo(ctx context.Context, e *env, dump string) error {
	data, err := os.ReadFile(dump)
	if err != nil {
		return byReason(fmt.Errorf("import %s: %w", dump, unwrappedPath(err)), exitBadData)
	}
	r, err := sftpgo.Import(data)
	if err != nil {
		return &exitError{exitBadData, fmt.Errorf("import %s: %w", dump, err)}
	}
	if err := e.writeConfig(ctx, r.TOML); err != nil {
		return err
	}
	if e.json {
		return printReport(e.stderr, r.Report)
	}
	for _, f := range r.Report.Findings {
		fmt.Fprintln(e.stderr, f)
	}
	fmt.Fprintf(e.stderr, "%d accounts (%d disabled because of what could not be carried), %d groups, %d folders\n",
		r.Report.Accounts, r.Report.Disabled, r.Report.Groups, r.Report.Folders)
	return nil
}

func importPasswd(ctx context.Context, e *env, files []string) error {
	var texts [2][]byte // passwd and shadow
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return byReason(fmt.Errorf("import %s: %w", file, unwrappedPath(err)), exitBadData)
		}
		texts[i] = text
	}
	r := passwd.Import(texts[0], texts[1])
	c, problems := config.Parse("imported.toml", r.TOML, nil)
	_, compiled := policy.Compile(c.Policy)
	for _, p := range append(problems, compiled...) {
		if p.Severity == policy.SeverityError {
			return &exitError{exitBadData, fmt.Errorf("import passwd: %s", p.Text)}
		}
	}
	if err := e.writeConfig(ctx, r.TOML); err != nil {
		return err
	}
	if e.json {
		return printReport(e.stderr, r)
	}
	for _, f := range r.Findings {
		fmt.Fprintln(e.stderr, f)
	}
	fmt.Fprintf(e.stderr, "%d accounts\n", r.Accounts)
	return nil
}

// printReport prints a report as JSON.
func printReport(w io.Writer, report any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(report); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}

// writeConfig writes what may hold hashes of passwords to where -o says: a file is
// readable for its owner only, and never half written.
func (e *env) writeConfig(ctx context.Context, text []byte) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	if e.output == "-" {
		if _, err := e.stdout.Write(text); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	}
	if err := e.mayWrite(); err != nil {
		return err
	}
	if err := replaceFile(e.output, text); err != nil {
		return byReason(fmt.Errorf("write to %s: %w", e.output, unwrappedPath(err)), exitFailure)
	}
	return nil
}

// mayWrite reports an error if the file of -o can't be written, for a reason that
// can be told before.
func (e *env) mayWrite() error {
	dir := filepath.Dir(e.output)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write to %s: there is no directory %s", e.output, dir)
	case err == nil && !info.IsDir(), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("write to %s: %s is not a directory", e.output, dir)
	}
	switch _, err := os.Lstat(e.output); {
	case err == nil && !e.force:
		return fmt.Errorf("write to %s: it exists already; --force replaces it", e.output)
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return byReason(fmt.Errorf("write to %s: %w", e.output, unwrappedPath(err)), exitFailure)
	}
}

// unwrappedPath returns err without the path, which may be that of a draft.
func unwrappedPath(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.Err
	}
	return err
}

// replaceFile puts a new file of mode 0600 in place of path.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".import-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name()) // best effort: the first error says what went wrong
	}
	return err
}
