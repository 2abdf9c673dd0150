package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestResolved replaces the links of what there is and leaves the rest.
func TestResolved(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "real/homes"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"link":                     "real",
		"link/homes":               "real/homes",
		"link/missing/deeper":      "real/missing/deeper",
		"link/homes/%username%":    "real/homes/%username%",
		"link/%username%/x":        "real/%username%/x",
		"missing/%username%":       "missing/%username%",
		"link/homes-of-%username%": "real/homes-of-%username%",
	} {
		if got := resolved(filepath.Join(dir, in)); got != filepath.Join(dir, want) {
			t.Errorf("resolved(%s) = %s, want %s", in, strings.TrimPrefix(got, dir+"/"), want)
		}
	}
	for _, in := range []string{"", "relative", "/", "/%username%"} {
		if got := resolved(in); got != in {
			t.Errorf("resolved(%q) = %q", in, got)
		}
	}
}

// TestMountPointInLinkedSource: that a mount point lies in a source is found
// whatever links lead to either.
func TestMountPointInLinkedSource(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range [][2]string{{"link/views", "real"}, {"real/views", "link"}, {"link/views", "link"}} {
		conf := filepath.Join(dir, "grantfs.toml")
		text := "[mount]\npoint = \"" + filepath.Join(dir, tt[0]) + "\"\n[folders.all]\nsource = \"" + filepath.Join(dir, tt[1]) + "\"\n"
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var out, messages bytes.Buffer
		code, _ := exitCode(run(context.Background(), []string{"check", conf}, &out, &messages))
		if code != exitConfig || !strings.Contains(messages.String(), "grantfs.toml:4:") {
			t.Errorf("point %s, source %s: exit %d, %s", tt[0], tt[1], code, messages.String())
		}
	}
}
