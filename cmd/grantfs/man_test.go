package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"grantfs/config"
	"grantfs/integration/doctor"
	"grantfs/policy"
)

// manPage returns the page of a section, and as a terminal shows it.
func manPage(t *testing.T, section string) (source, shown string) {
	t.Helper()
	source, stderr, code := grantfs(t, "man", section)
	if code != exitOK || stderr != "" {
		t.Fatalf("man %s = %d\n%s", section, code, stderr)
	}
	file := filepath.Join(t.TempDir(), "page")
	writeConfig(t, file, source)
	if out, err := exec.Command("mandoc", "-T", "lint", "-W", "warning", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc -T lint of section %s: %v\n%s", section, err, out)
	}
	text, err := exec.Command("mandoc", "-T", "utf8", "-O", "width=1000", file).Output()
	if err != nil {
		t.Fatalf("mandoc of section %s: %v", section, err)
	}
	bold := regexp.MustCompile(".\b")
	return source, bold.ReplaceAllString(string(text), "")
}

// TestManCommands: grantfs(1) has every command with its flags and codes, and none
// that is not there.
func TestManCommands(t *testing.T) {
	source, page := manPage(t, "1")
	var names []string
	for _, c := range commands() {
		if names = append(names, c.name); c.hidden {
			continue
		}
		for _, form := range c.Forms() {
			_, about, ok := strings.Cut(page, "\n     grantfs "+form+"\n")
			if !ok {
				t.Fatalf("grantfs(1) has no %s", form)
			}
			if form != c.Forms()[len(c.Forms())-1] {
				continue
			}
			about, _, _ = strings.Cut(about, "grantfs "+c.example)
			if !strings.Contains(about, c.summary) {
				t.Errorf("grantfs(1) does not say what %s does:\n%s", c.name, about)
			}
			for _, f := range c.Flags() {
				if !strings.HasPrefix(f.Usage, "--config") && !strings.Contains(about, f.Usage) {
					t.Errorf("grantfs(1) has no %s of %s", f.Usage, c.name)
				}
			}
			for _, code := range c.Codes() {
				if !strings.Contains(about, code.Text) {
					t.Errorf("grantfs(1) has no code %d of %s", code.Code, c.name)
				}
			}
		}
	}
	for _, check := range doctor.Checks() {
		if !strings.Contains(page, "     "+check.Name+" ("+check.Group+")") || !strings.Contains(page, check.About) {
			t.Errorf("grantfs(1) has no check %s of %s: %s", check.Name, check.Group, check.About)
		}
	}
	if section, _, code := grantfs(t, "man", "3"); code != exitUsage {
		t.Errorf("man 3 = %d\n%s", code, section)
	}
	for _, m := range regexp.MustCompile(`(?m)^\.(?:Ic|Dl) grantfs ([a-z-]+)`).FindAllStringSubmatch(source, -1) {
		if !slices.Contains(names, strings.ReplaceAll(m[1], `\`, "")) {
			t.Errorf("grantfs(1) speaks of grantfs %s", m[1])
		}
	}
}

// TestManKeys: grantfs.toml(5) has every key, and of each what it must be.
func TestManKeys(t *testing.T) {
	_, page := manPage(t, "5")
	entries := regexp.MustCompile(`(?m)^     ([a-z_]+) = .*\n.*`).FindAllStringSubmatch(page, -1)
	left := map[string]int{}
	for _, e := range entries {
		left[e[1]]++
	}
	for _, k := range config.Reference() {
		if k.Type == "a table" || strings.HasPrefix(k.Type, "a table of tables") {
			if !strings.Contains(page, "\n["+k.Name) {
				t.Errorf("grantfs.toml(5) has no [%s]", k.Name)
			}
			continue
		}
		left[k.Name]--
		if !slices.ContainsFunc(entries, func(e []string) bool {
			return e[1] == k.Name && strings.Contains(strings.ReplaceAll(e[0], "required. ", ""), k.Type)
		}) {
			t.Errorf("grantfs.toml(5) does not say that %s is %s", k.Name, k.Type)
		}
	}
	for name, n := range left {
		if n != 0 {
			t.Errorf("grantfs.toml(5) has %s %d times too often", name, n)
		}
	}
}

// TestManPolicy: grantfs-policy(7) has every permission, operation and reason, and
// speaks of no key, permission or command that is not there.
func TestManPolicy(t *testing.T) {
	source, page := manPage(t, "7")
	var words []string
	for _, op := range policy.Ops() {
		words = append(words, op.String())
	}
	for _, r := range policy.Reasons() {
		words = append(words, r.String(), r.Text())
	}
	for _, r := range policy.AdmitReasons() {
		words = append(words, r.String(), r.Text())
	}
	for _, word := range append(words, policy.VerbNames()...) {
		if !regexp.MustCompile(`(?m)^ +`+regexp.QuoteMeta(word)+`( |$)`).MatchString(page) && !strings.Contains(page, "  "+word+"\n") {
			t.Errorf("grantfs-policy(7) has no %q", word)
		}
	}
	var keys, verbs []string
	for _, k := range config.Reference() {
		keys = append(keys, k.Name)
	}
	for _, c := range commands() {
		verbs = append(verbs, c.name)
	}
	for _, known := range []struct {
		what, form string
		words      []string
	}{
		{"key", `(?m)^\.Va (\S+)`, keys},
		{"command", `(?m)^\.Ic grantfs ([a-z-]+)`, verbs},
		{"permission", `(?m)^\.Cm (\S+)`, policy.VerbNames()},
	} {
		found := regexp.MustCompile(known.form).FindAllStringSubmatch(source, -1)
		if len(found) == 0 {
			t.Errorf("grantfs-policy(7) speaks of no %s", known.what)
		}
		for _, m := range found {
			if !slices.Contains(known.words, m[1]) {
				t.Errorf("grantfs-policy(7) speaks of a %s %s", known.what, m[1])
			}
		}
	}
}
