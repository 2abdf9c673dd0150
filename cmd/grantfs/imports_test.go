package main

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "grantfs"

// confined are the imports that only some packages may have. A pattern that
// ends in "/..." allows the package and everything below it; "apply" allows the
// files that install host configuration.
var confined = []struct {
	path   string // and everything below it
	within []string
	why    string
}{
	{"github.com/hanwen/go-fuse/v2", []string{"fs", "fs/kernel"}, "the wire protocol is one package's conversation"},
	{"golang.org/x/sys/unix", []string{"fs/...", "integration/login"}, "raw system calls belong to the file system and to login"},
	{"github.com/pelletier/go-toml/v2", []string{"config/..."}, "only config reads TOML"},
	{"github.com/BurntSushi/toml", []string{"config/..."}, "only config reads TOML"},
	{"github.com/prometheus", []string{"integration/metrics"}, "counted code knows an interface, not the exporter"},
	{"go.etcd.io/bbolt", []string{"integration/state"}, "one package owns durable state"},
	{"os/exec", []string{"cmd/...", "integration/login", "integration/e2e/...", "apply"}, "the daemon runs no program but hooks and its successor"},
}

// layers are the packages that must not know others.
var layers = []struct {
	of     string   // a pattern as in confined
	banned []string // import paths, and everything below them
	why    string
}{
	{"policy/...", []string{module}, "policy is below everything"},
	{"policy/...", []string{"os", "net", "syscall", "unsafe", "log", "io/fs", "path/filepath", "runtime"}, "policy is pure"},
	{"fs/...", []string{module + "/integration", module + "/config", module + "/cmd"}, "fs declares the interfaces it needs"},
	{"config/...", []string{module + "/integration", module + "/fs", module + "/cmd"}, "config is text to values"},
	{"integration/...", []string{module + "/cmd"}, "cmd wires, nothing imports it"},
}

// layerExceptions are single imports that a ban above would catch.
var layerExceptions = map[string]bool{"net/netip": true}

// policyModules is what policy may import from outside the standard library.
var policyModules = map[string]bool{"golang.org/x/text/unicode/norm": true}

// TestImports holds the rules of architecture.md §1 on who may know whom.
func TestImports(t *testing.T) {
	for _, pkg := range packages(t) {
		for imported, at := range pkg.ImportPos {
			if !slices.Contains(pkg.Imports, imported) {
				continue // by tests alone
			}
			for _, p := range at {
				for _, complaint := range judge(pkg.ImportPath, filepath.Base(p.Filename), imported) {
					t.Errorf("%s: %s", p, complaint)
				}
			}
		}
	}
}

func judge(pkg, file, imported string) []string {
	var complaints []string
	for _, r := range confined {
		if below(imported, r.path) && !slices.ContainsFunc(r.within, func(pattern string) bool {
			return within(pkg, pattern) || pattern == "apply" && strings.HasPrefix(file, "apply")
		}) {
			complaints = append(complaints, pkg+" imports "+imported+": allowed only in "+strings.Join(r.within, ", ")+": "+r.why)
		}
	}
	for _, l := range layers {
		if !within(pkg, l.of) || layerExceptions[imported] || within(imported, module+"/"+l.of) {
			continue
		}
		for _, banned := range l.banned {
			if below(imported, banned) {
				complaints = append(complaints, pkg+" imports "+imported+": "+l.why)
			}
		}
	}
	outside := strings.Contains(strings.SplitN(imported, "/", 2)[0], ".")
	if within(pkg, "policy/...") && outside && !policyModules[imported] {
		complaints = append(complaints, pkg+" imports "+imported+": policy imports the standard library only")
	}
	return complaints
}

// TestJudge shows that the rules can be broken.
func TestJudge(t *testing.T) {
	tests := []struct {
		pkg, file, imported string
		want                int
	}{
		{"policy", "place.go", "strings", 0},
		{"policy", "place.go", "net/netip", 0},
		{"policy", "place.go", "net", 1},
		{"policy", "place.go", "os", 1},
		{"policy", "place.go", "os/exec", 2},
		{"policy", "place.go", "grantfs/config", 1},
		{"policy", "place.go", "golang.org/x/text/unicode/norm", 0},
		{"policy", "place.go", "golang.org/x/text/width", 1},
		{"fs/backing", "open.go", "golang.org/x/sys/unix", 0},
		{"fs/backing", "open.go", "github.com/hanwen/go-fuse/v2/fuse", 1},
		{"fs/kernel", "conn.go", "github.com/hanwen/go-fuse/v2/fuse", 0},
		{"fs", "funnel.go", "grantfs/integration/metrics", 1},
		{"fs", "funnel.go", "grantfs/policy", 0},
		{"integration/sshd", "apply.go", "os/exec", 0},
		{"integration/sshd", "render.go", "os/exec", 1},
		{"integration/userdb", "serve.go", "golang.org/x/sys/unix", 1},
		{"integration/userdb", "serve.go", "grantfs/cmd/grantfs", 1},
		{"config/aegir", "parse.go", "grantfs/fs", 1},
	}
	for _, tt := range tests {
		if got := judge(tt.pkg, tt.file, tt.imported); len(got) != tt.want {
			t.Errorf("judge(%s, %s, %s) = %q, want %d complaints", tt.pkg, tt.file, tt.imported, got, tt.want)
		}
	}
}

// TestPolicyTellsNoTime holds that the result of policy depends on its input
// alone.
func TestPolicyTellsNoTime(t *testing.T) {
	for _, pkg := range packages(t) {
		if !within(pkg.ImportPath, "policy/...") {
			continue
		}
		for _, name := range pkg.GoFiles {
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, filepath.Join(pkg.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && (sel.Sel.Name == "Now" || sel.Sel.Name == "Since" || sel.Sel.Name == "Until") {
					t.Errorf("%s: policy calls time.%s: the caller passes the time", set.Position(n.Pos()), sel.Sel.Name)
				}
				return true
			})
		}
	}
}

// TestPackages holds that each package says what it is for, in doc.go, and that
// there is one program only.
func TestPackages(t *testing.T) {
	for _, pkg := range packages(t) {
		if _, err := os.Stat(filepath.Join(pkg.Dir, "doc.go")); err != nil {
			t.Errorf("%s has no doc.go", pkg.ImportPath)
		} else if strings.TrimSpace(pkg.Doc) == "" {
			t.Errorf("%s: doc.go has no package comment", pkg.ImportPath)
		}
		if pkg.Name == "main" && pkg.ImportPath != "cmd/grantfs" {
			t.Errorf("%s is a program: cmd/grantfs is the only one", pkg.ImportPath)
		}
	}
}

// TestReadmeNamesPackages holds that the list of packages in README.md has each of
// them, but those below the end-to-end tests.
func TestReadmeNamesPackages(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "## Packages\n")
	list, _, _ = strings.Cut(list, "\n## ")
	words := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(" \n,:;", r) })
	for _, pkg := range packages(t) {
		path := pkg.ImportPath
		if strings.HasPrefix(path, "integration/e2e/") {
			continue
		}
		if !slices.Contains(words, path) {
			t.Errorf("README.md does not name the package %s", path)
		}
	}
}

// packages returns every package of the module; ImportPath is relative to it.
func packages(t *testing.T) []*build.Package {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var all []*build.Package
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		sources, err := filepath.Glob(filepath.Join(path, "*.go"))
		if err != nil || sources == nil {
			return err
		}
		pkg, err := build.ImportDir(path, 0)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		pkg.ImportPath = filepath.ToSlash(rel)
		all = append(all, pkg)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 3 {
		t.Fatalf("found %d packages below %s: the walk is broken", len(all), root)
	}
	return all
}

// within reports whether pkg is what pattern names.
func within(pkg, pattern string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return below(pkg, dir)
	}
	return pkg == pattern
}

func below(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
