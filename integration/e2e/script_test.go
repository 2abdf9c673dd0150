package e2e

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"grantfs/integration/e2e/host"
)

// TestScripts runs each script of testdata in a throwaway host of its own.
// Started in such a host it runs the one script that its arguments name.
func TestScripts(t *testing.T) {
	if host.Inside() {
		runScript(t, flag.Arg(0), flag.Arg(1))
		return
	}
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts in testdata: %v", err)
	}
	binary := build(t)
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			status, err := host.Run(t.Context(), host.Streams{Out: &out, Err: &out},
				"-test.run=^TestScripts$", "-test.v", "-test.timeout=2m", "--", binary, script)
			if err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			// The second condition: a script that did not run has not passed.
			if status != 0 || !strings.Contains(out.String(), "--- PASS: TestScripts/"+name) {
				t.Fatalf("status %d\n%s", status, &out)
			}
		})
	}
}

// build builds the grantfs program and the PAM module as they are shipped, side
// by side.
func build(t *testing.T) string {
	t.Helper()
	lookAtSources(t)
	binary := filepath.Join(t.TempDir(), "grantfs")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "grantfs/cmd/grantfs")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build grantfs: %v\n%s", err, out)
	}
	if err := host.BuildModule("../..", filepath.Dir(binary)); err != nil {
		t.Fatal(err)
	}
	return binary
}

// lookAtSources looks at every source of the module: go test keeps results, and
// knows by what a test has looked at when they are out of date.
func lookAtSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(path) {
		case ".go", ".c", ".tmpl", ".mod", ".sum":
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hostKey is the key of a script's host among its values.
type hostKey struct{}

func runScript(t *testing.T, binary, script string) {
	testscript.Run(t, testscript.Params{
		Files: []string{script},
		Cmds:  commands(),
		Setup: func(env *testscript.Env) error {
			h, err := host.New(host.Options{Binary: binary})
			if err != nil {
				return err
			}
			env.Values[hostKey{}] = h
			env.Vars = append(env.Vars, h.Environ()...)
			env.Setenv("PATH", filepath.Dir(binary)+":/usr/local/sbin:/usr/sbin:/sbin:"+env.Getenv("PATH"))
			env.Defer(func() {
				if err := h.Close(); err != nil {
					t.Error(err)
				}
			})
			return nil
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
