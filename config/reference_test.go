package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentation: each key is told of, once, with what it must be and an example.
func TestDocumentation(t *testing.T) {
	told := map[string]int{}
	for _, table := range Documentation() {
		for _, k := range table.Keys {
			told[k.Table+"."+k.Name]++
			if k.Type == "" || k.Example == "" {
				t.Errorf("%s.%s must be %q, as in %q", k.Table, k.Name, k.Type, k.Example)
			}
		}
	}
	for _, k := range Reference() {
		if n := told[k.Table+"."+k.Name]; n != 1 && k.Table != rootTable.name {
			t.Errorf("%s.%s is told of %d times", k.Table, k.Name, n)
		}
	}
}

// TestKinds: what the readers say themselves.
func TestKinds(t *testing.T) {
	got := map[string]string{}
	for _, k := range Reference() {
		got[k.Table+"."+k.Name] = k.Type
	}
	for key, want := range map[string]string{
		"mount.point":                              "an absolute path",
		"mount.users":                              "one of userdb, extrausers",
		"folders.source":                           "an absolute path",
		"folders.owner":                            `"user:group"`,
		"accounts.password_hash":                   "a crypt(3) hash",
		"accounts.primary_group":                   "a string",
		"accounts and groups.filesystem":           `"local"`,
		"accounts and groups.max_sessions":         `a whole number or "unlimited"`,
		"accounts and groups.idle_timeout":         `a duration such as "90d" or "36h" or "unlimited"`,
		"accounts and groups.allowed_ip":           `a list: an address or network such as "192.0.2.7" or "192.0.2.0/24"`,
		"accounts and groups.two_factor_protocols": "a list: one of SSH, FTP",
		"virtual_folders.permissions":              "a list: permissions",
	} {
		if got[key] != want {
			t.Errorf("%s must be %q, want %q", key, got[key], want)
		}
	}
}

// TestDocumentedDefaults: with the keys whose defaults are told, everything is as
// without them.
func TestDocumentedDefaults(t *testing.T) {
	text := ""
	for _, table := range Documentation() {
		if !slices.Contains([]string{"[mount]", "[metrics]", "[audit]", "[aegir]"}, table.Header) {
			continue
		}
		text += table.Header + "\n"
		for _, k := range table.Keys {
			if k.Default != "" {
				text += k.Name + " = " + k.Default + "\n"
			}
		}
	}
	file := filepath.Join(t.TempDir(), "grantfs.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := Load(file, nil)
	if len(problems) > 0 {
		t.Fatalf("%q\n%s", problems, text)
	}
	d := defaults()
	for _, pair := range [][2]any{{c.Mount, d.Mount}, {c.Metrics, d.Metrics}, {c.Audit, d.Audit}, {c.Aegir, d.Aegir}} {
		if diff := cmp.Diff(values(pair[1]), values(pair[0])); diff != "" {
			t.Errorf("%T (-without +with):\n%s", pair[0], diff)
		}
	}
}

// values returns the Value of each setting of a table.
func values(table any) map[string]any {
	got := map[string]any{}
	v := reflect.ValueOf(table)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Struct && f.FieldByName("Value").IsValid() {
			got[v.Type().Field(i).Name] = f.FieldByName("Value").Interface()
		}
	}
	return got
}
