package manual

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/integration/e2e/host"
)

var update = flag.Bool("update", false, "write what the commands print into the chapters")

// TestMain makes the test binary two programs: the tests, and in a throwaway host
// what prints a chapter with the outputs that its commands have there.
func TestMain(m *testing.M) {
	host.Enter()
	if host.Inside() {
		os.Exit(perform(os.Args[1], os.Args[2]))
	}
	os.Exit(m.Run())
}

// chapters returns the files of the manual.
func chapters(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("*.md")
	if err != nil || len(list) < 5 {
		t.Fatalf("chapters: %q, %v", list, err)
	}
	return append(list, "../../README.md")
}

// build builds grantfs. It looks at every source: go test keeps results, and knows by
// what a test has looked at when they are out of date.
func build(t *testing.T) string {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err == nil && slices.Contains([]string{".go", ".tmpl", ".toml", ".mod", ".md"}, filepath.Ext(path)) {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "grantfs")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "grantfs/cmd/grantfs")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build grantfs: %v\n%s", err, out)
	}
	return binary
}

// TestChapters performs each chapter.
func TestChapters(t *testing.T) {
	binary := build(t)
	for _, file := range chapters(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want := read(t, file)
			var got, complaints bytes.Buffer
			status, err := host.Run(t.Context(), host.Streams{Out: &got, Err: &complaints}, binary, file)
			if err != nil || status != 0 {
				t.Fatalf("status %d, %v\n%s", status, err, &complaints)
			}
			settle(t, file, want, got.String())
		})
	}
}

// settle compares a chapter with what it should be, or writes it.
func settle(t *testing.T, file, is, should string) {
	t.Helper()
	diff := cmp.Diff(is, should)
	if diff == "" {
		return
	}
	if !*update {
		t.Errorf("%s (-is +should be; -update writes it):\n%s", file, diff)
		return
	}
	if err := os.WriteFile(file, []byte(should), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCommandsExist: each command and flag that a chapter speaks of is there.
func TestCommandsExist(t *testing.T) {
	binary := build(t)
	said := regexp.MustCompile("(?m)(?:`|^|^\\$ |[&|;] )grantfs ([a-z-]+)([^`\n#|&;]*)")
	flags := regexp.MustCompile(` (--[a-z-]+)`)
	found := 0
	for _, file := range chapters(t) {
		for _, m := range said.FindAllStringSubmatch(read(t, file), -1) {
			if strings.HasPrefix(m[2], "(") {
				continue // a page of the manual
			}
			help, err := exec.Command(binary, "help", m[1]).CombinedOutput()
			if m[1] != "help" && err != nil {
				t.Errorf("%s speaks of grantfs %s: %s", file, m[1], help)
			}
			for _, f := range flags.FindAllStringSubmatch(m[2], -1) {
				if !regexp.MustCompile(`(?m)^  ` + f[1] + `\b`).Match(help) {
					t.Errorf("%s speaks of grantfs %s %s", file, m[1], f[1])
				}
			}
			found++
		}
	}
	if found < 20 {
		t.Errorf("only %d commands were found", found)
	}
}

// TestLinks: what a chapter links to in the repository is there.
func TestLinks(t *testing.T) {
	for _, file := range chapters(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)#]+)`).FindAllStringSubmatch(read(t, file), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			}
		}
	}
}

// TestReasonsAreTold: what a refusal is called in the troubleshooting is a reason.
func TestReasonsAreTold(t *testing.T) {
	binary := build(t)
	page, err := exec.Command(binary, "man", "7").Output()
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, m := range regexp.MustCompile(`(?m)^\.It Li (\S+)`).FindAllStringSubmatch(string(page), -1) {
		known = append(known, strings.ReplaceAll(m[1], `\`, ""))
	}
	for _, m := range regexp.MustCompile("reason `([a-z_]+)`").FindAllStringSubmatch(read(t, "troubleshooting.md"), -1) {
		if !slices.Contains(known, m[1]) {
			t.Errorf("there is no reason %s", m[1])
		}
	}
}

// TestFiguresAreMeasured: README.md's table is a part of what was measured.
func TestFiguresAreMeasured(t *testing.T) {
	measured := read(t, "../bench/RESULTS.md")
	_, table, _ := strings.Cut(read(t, "../../README.md"), "<!-- from make bench -->\n")
	table, _, found := strings.Cut(table, "<!-- end of make bench -->")
	if !found || strings.Count(table, "\n") < 5 {
		t.Fatal("README.md has no table")
	}
	for row := range strings.Lines(table) {
		if !strings.Contains(measured, row) {
			t.Errorf("nobody measured %s", row)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
