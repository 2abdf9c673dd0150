package config

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"grantfs/policy"
)

// FuzzLoad reads two files of any bytes. Whatever they hold: no panic, what TOML
// refuses is refused, every problem has a place within its file, problems are in
// order, and a configuration without errors keeps its promises.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"example.toml", "testdata/contract.toml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, []byte("[accounts.bob]\nuid = 5\n"))
	}
	data, err := os.ReadFile("testdata/messages.txt")
	if err != nil {
		f.Fatal(err)
	}
	for c := range strings.SplitSeq(string(data), "==\n") {
		text, _, _ := strings.Cut(c, "--\n")
		f.Add([]byte(text), []byte("\ufeff[mount]\r\npoint = '''/a'''\r\n"))
	}
	users := machine(f)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		files := []file{{name: "a.toml", data: a}, {name: "b.toml", data: b}}
		d := newDecoder(users)
		c := d.decode("a.toml", files)
		for _, file := range files {
			text := strings.TrimPrefix(string(file.data), "\ufeff")
			var v map[string]any
			err := toml.Unmarshal([]byte(text), &v)
			if err != nil && !policy.HasErrors(d.problems) {
				t.Errorf("%s is accepted, though it is not TOML: %v", file.name, err)
			}
			if ps := parse(file.name, file.data).problems; len(ps) > 0 && err == nil {
				t.Errorf("%s is TOML, but: %q", file.name, lines(ps))
			}
			rows := strings.Split(text, "\n")
			for _, p := range d.problems {
				if p.At.File == file.name && (p.At.Line < 1 || p.At.Line > len(rows) || p.At.Col < 1 || p.At.Col > len(rows[p.At.Line-1])+1) {
					t.Errorf("%s: there is no such place", p)
				}
			}
		}
		for _, p := range d.problems {
			if strings.ContainsAny(p.Text, "\n\r") {
				t.Errorf("%q is not one line", p.Text)
			}
		}
		if !slices.IsSortedFunc(d.problems, comparePlaces) {
			t.Errorf("problems are not in order: %q", lines(d.problems))
		}
		if policy.HasErrors(d.problems) {
			return
		}
		names := map[string]bool{}
		for _, a := range c.Policy.Accounts {
			if policy.AccountNameProblem(a.Name) != "" || names[a.Name] {
				t.Errorf("account %q is accepted", a.Name)
			}
			names[a.Name] = true
			checkPromises(t, a.Settings)
		}
		for _, g := range c.Policy.Groups {
			checkPromises(t, g.Settings)
		}
		for _, f := range c.Policy.Folders {
			checkPath(t, f.Source)
			if f.Owner.Set && f.Owner.Value != inherit && f.OwnerIDs == nil {
				t.Errorf("folder %q: owner %q has no ids", f.Name, f.Owner.Value)
			}
		}
		for _, s := range c.Policy.Sites {
			checkPath(t, policy.Setting[string]{Value: s.Source, At: s.At, Set: true})
		}
	})
}

func comparePlaces(a, b policy.Problem) int {
	return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Col, b.At.Col))
}

func checkPromises(t *testing.T, s policy.Settings) {
	for _, l := range []policy.Setting[policy.Limit]{
		s.MaxSessions, s.QuotaSize, s.QuotaFiles, s.QuotaInodes, s.UploadBandwidth, s.DownloadBandwidth,
		s.MaxUploadFileSize, s.UploadDataTransfer, s.DownloadDataTransfer, s.TotalDataTransfer,
	} {
		if l.Set && l.Value.Unlimited == (l.Value.N > 0) {
			t.Errorf("%s: limit %+v is accepted", l.At, l.Value)
		}
	}
	checkPath(t, s.HomeDir)
	checkPath(t, s.StartDirectory)
	for _, p := range s.Permissions {
		checkPath(t, p.Path)
	}
	for _, m := range s.VirtualFolders {
		checkPath(t, m.Path)
		if m.QuotaSize.Value < -1 || (m.QuotaSize.Value == -1) != (m.QuotaFiles.Value == -1) {
			t.Errorf("%s: quota %d, %d is accepted", m.At, m.QuotaSize.Value, m.QuotaFiles.Value)
		}
	}
	for _, w := range s.AccessTime {
		if w.From < 0 || w.To < w.From || w.To >= 24*60 {
			t.Errorf("%s: access time %d to %d is accepted", w.At, w.From, w.To)
		}
	}
}

// checkPath holds a configured path to "absolute and clean".
func checkPath(t *testing.T, s policy.Setting[string]) {
	if !s.Set || s.Value == "/" {
		return
	}
	for i, c := range strings.Split(s.Value, "/") {
		if (i == 0) != (c == "") || c == "." || c == ".." || strings.ContainsRune(c, 0) {
			t.Errorf("%s: path %q is accepted", s.At, s.Value)
			return
		}
	}
}
