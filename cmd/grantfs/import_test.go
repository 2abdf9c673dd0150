package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"grantfs/config"
	"grantfs/policy"
)

// grantfs runs the program and returns what it prints and its exit code.
func grantfs(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	err := run(t.Context(), args, &out, &errs)
	code, show := exitCode(err)
	if show {
		errs.WriteString(err.Error() + "\n")
	}
	return out.String(), errs.String(), code
}

const sftpgoDump = "../../config/sftpgo/testdata/dump.json"

func TestImportSFTPGo(t *testing.T) {
	stdout, stderr, code := grantfs(t, "import", "sftpgo", sftpgoDump)
	if code != exitOK || !strings.Contains(stdout, "[accounts.alice]") || !strings.Contains(stderr, "user alice: permissions./: changed:") ||
		!strings.Contains(stderr, "5 accounts (1 disabled because of what could not be carried), 4 groups, 6 folders") {
		t.Errorf("import = %d\n%s\n%s", code, stdout, stderr)
	}

	file := filepath.Join(t.TempDir(), "grantfs.toml")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := grantfs(t, "import", "sftpgo", sftpgoDump, "-o", file); code != exitFailure || !strings.Contains(stderr, file+": it exists already; --force") {
		t.Errorf("import -o over a file = %d, %q", code, stderr)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "old" {
		t.Errorf("import -o without --force has written %q, %v", data, err)
	}
	nothing, stderr, code := grantfs(t, "import", "--json", "sftpgo", sftpgoDump, "-o", file, "--force")
	if code != exitOK || nothing != "" {
		t.Errorf("import -o = %d, %q", code, nothing)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != stdout {
		t.Errorf("the file is not what stdout gets: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v, want 0600: there are hashes in it", info.Mode(), err)
	}
	var report struct {
		Accounts int
		Findings []struct{ Where, Key, Effect, Why string }
	}
	if err := json.Unmarshal([]byte(stderr), &report); err != nil || report.Accounts != 5 || len(report.Findings) == 0 || report.Findings[0].Where != "dump" {
		t.Errorf("import --json: %v\n%s", err, stderr)
	}
}

func TestImportMistakes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"import"}, exitUsage, "usage:"},
		{[]string{"import", "sftpgo"}, exitUsage, "usage:"},
		{[]string{"import", "sftpgo", bad, bad}, exitUsage, "usage:"},
		{[]string{"import", "proftpd", bad}, exitUsage, "sftpgo, aegir or passwd"},
		{[]string{"import", "sftpgo", bad}, exitBadData, "neither users nor groups nor folders"},
		{[]string{"import", "sftpgo", bad + ".none"}, exitBadData, "import " + bad + ".none: no such file"},
		{[]string{"import", "sftpgo", sftpgoDump, "-o", bad + "/x"}, exitFailure, "to " + bad + "/x: " + bad + " is not a directory"},
		{[]string{"import", "sftpgo", sftpgoDump, "-o", bad + ".d/x"}, exitFailure, "to " + bad + ".d/x: there is no directory " + bad + ".d"},
		{[]string{"import", "aegir", filepath.Dir(bad)}, exitBadData, "there is no .drush"},
	} {
		stdout, stderr, code := grantfs(t, tt.args...)
		if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%q = %d %q %q, want %d with %q", tt.args, code, stdout, stderr, tt.code, tt.want)
		}
	}
}

func TestImportAegir(t *testing.T) {
	disk := t.TempDir()
	for _, s := range []struct{ uri, client, enabled string }{
		{"a.example", "'foo'", "TRUE"},
		{"b.example", "'foo'", "FALSE"},
		{"c.example", "NULL", "TRUE"},
	} {
		dir := filepath.Join(disk, "o1/p/sites", s.uri)
		alias := "<?php\n$aliases['" + s.uri + "'] = array (\n'context_type' => 'site',\n'uri' => '" + s.uri + "',\n'root' => '" + disk + "/o1/p',\n'site_path' => '" +
			dir + "',\n'client_name' => " + s.client + ",\n'site_enabled' => " + s.enabled + ",\n);\n"
		file := filepath.Join(disk, "o1/.drush", s.uri+".alias.drushrc.php")
		for _, d := range []string{dir, filepath.Dir(file)} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(file, []byte(alias), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, stderr, code := grantfs(t, "import", "aegir", filepath.Join(disk, "o1"))
	for _, part := range []string{
		"instances = [\"" + disk + "/o1\"]\n",
		"# the main account: it sees every site of its instance\n[accounts.\"o1.ftp\"]\n",
		"# client \"foo\"\n#   a.example in \"" + disk + "/o1/p/sites/a.example\"\n#   b.example (disabled) in ",
		"[accounts.\"o1.foo\"]\n",
		"unowned = \"all\".\n#   c.example in ",
	} {
		if !strings.Contains(want, part) {
			t.Errorf("import aegir has no %q:\n%s", part, want)
		}
	}
	if code != exitOK || !strings.Contains(stderr, "1 instances, 2 accounts, 3 sites") {
		t.Errorf("import aegir = %d, %q", code, stderr)
	}
	if c, problems := config.Parse("x.toml", []byte(want), nil); policy.HasErrors(problems) || len(c.Aegir.Instances) != 1 {
		t.Errorf("problems = %v", problems)
	}

	// The directory above has the instance too.
	got, stderr, code := grantfs(t, "import", "aegir", disk, "--json")
	if got != want || code != exitOK {
		t.Errorf("import aegir of the directory above = %d\n%s", code, got)
	}
	var report aegirReport
	if err := json.Unmarshal([]byte(stderr), &report); err != nil || len(report.Sites) != 3 || report.Sites[0].Owner != "o1.foo" || len(report.Accounts) != 2 {
		t.Errorf("import aegir --json: %v\n%s", err, stderr)
	}
}
