package credential

import (
	"errors"
	iofs "io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"grantfs/fs"
	"grantfs/integration/state"
	"grantfs/policy"
)

// oneClient is a host with a main account and two clients, one of them adopted.
type oneClient struct{ rules Client }

func (oneClient) Of(string) []string { return []string{"o1.foo", "o1.boa"} }

func (o oneClient) Client(main, name string) (Client, bool) {
	c := o.rules
	c.Adopted = name == "o1.boa"
	return c, main == "o1.ftp" && (name == "o1.foo" || name == "o1.boa")
}

// open returns the files of a new state in dir, and the hashes put into force.
func open(t *testing.T, dir string, client Client) (f Files, hashes *[]string) {
	t.Helper()
	store, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	seal, err := OpenSeal(dir)
	if err != nil {
		t.Fatal(err)
	}
	hashes = new([]string)
	passwords := NewPasswords(store, seal, func(account string) {
		c, _, err := store.Credential(account)
		if err != nil {
			t.Error(err)
		}
		*hashes = append(*hashes, c.Hash)
	})
	return Files{Passwords: passwords, Store: store, Clients: oneClient{client}, Log: slog.New(slog.DiscardHandler)}, hashes
}

var foo = fs.VirtualFile{Account: "o1.ftp", Dir: policy.CredentialsPasswords, Name: "o1.foo"}

// shown returns what a file holds, which must be as long as Stat says.
func shown(t *testing.T, f Files, v fs.VirtualFile) string {
	t.Helper()
	info, err := f.Stat(v)
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.Read(v)
	if err != nil || int64(len(text)) != info.Size {
		t.Errorf("Read = %d bytes, %v, Stat says %d", len(text), err, info.Size)
	}
	return string(text)
}

// TestPasswordLife: random at first, shown until it is used, replaced by deleting.
func TestPasswordLife(t *testing.T) {
	for _, always := range []bool{false, true} {
		dir := t.TempDir()
		f, hashes := open(t, dir, Client{Always: always})
		first := shown(t, f, foo)
		if len(first) != 27 || shown(t, f, foo) != first || len(*hashes) != 1 {
			t.Fatalf("the first password: %d bytes, %d hashes", len(first), len(*hashes))
		}
		if err := f.Passwords.Used("o1.foo", time.Now(), always); err != nil {
			t.Fatal(err)
		}
		if got := shown(t, f, foo); (got == first) != always || !always && !strings.HasPrefix(got, "# in use since 2") {
			t.Errorf("always %v: in use, it is shown as %d bytes", always, len(got))
		}
		if err := f.Remove(foo); err != nil {
			t.Fatal(err)
		}
		second := shown(t, f, foo)
		if second == first || len(second) != 27 || len(*hashes) != 2 || (*hashes)[0] == (*hashes)[1] {
			t.Errorf("the second password is the first, or not in force")
		}
		// Without the key nothing is to be had from the state.
		data, err := os.ReadFile(filepath.Join(dir, state.FileName))
		if err != nil || strings.Contains(string(data), strings.TrimSpace(second)) {
			t.Errorf("the state holds a password, %v", err)
		}
		info, err := os.Stat(filepath.Join(dir, SealFile))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the key: %v, %v", info, err)
		}
	}
}

// TestSealIsBound: a sealed text is the account's whose it was.
func TestSealIsBound(t *testing.T) {
	f, _ := open(t, t.TempDir(), Client{})
	if _, err := f.Passwords.Rotate("o1.bar"); err != nil {
		t.Fatal(err)
	}
	c, _, err := f.Store.Credential("o1.bar")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Store.SetCredential("o1.foo", c); err != nil {
		t.Fatal(err)
	}
	if got := shown(t, f, foo); !strings.HasPrefix(got, "# not known here") {
		t.Errorf("the password of another is shown")
	}
}

func TestWritePassword(t *testing.T) {
	f, hashes := open(t, t.TempDir(), Client{Strength: 50})
	for _, tt := range []struct {
		name, text string
		off        int64
		want       error
	}{
		{"good", "correct horse battery staple\n", 0, nil},
		{"good, of Windows", "correct horse battery staple\r\n", 0, nil},
		{"good, without an end", "correct horse battery staple", 0, nil},
		{"weak", "tr0ub4dor\n", 0, iofs.ErrPermission},
		{"empty", "\n", 0, iofs.ErrPermission},
		{"a comment", "#correct horse battery staple\n", 0, iofs.ErrPermission},
		{"two lines", "correct horse battery staple\nand more\n", 0, iofs.ErrPermission},
		{"no text", "correct horse \xff battery staple\n", 0, iofs.ErrPermission},
		{"the second part", "correct horse battery staple\n", 7, iofs.ErrInvalid},
		{"appended", "correct horse battery staple\n", fs.AtEnd, iofs.ErrInvalid},
		{"more than PAM takes", strings.Repeat("a1B ", 128), 0, fs.ErrTooLarge},
		{"more than a KiB", strings.Repeat("a1B ", 257), 0, fs.ErrTooLarge},
	} {
		before := shown(t, f, foo)
		*hashes = nil
		err := f.Write(foo, []byte(tt.text), tt.off)
		if !errors.Is(err, tt.want) || (err == nil) != (len(*hashes) == 1) {
			t.Errorf("%s: %v, %d hashes, want %v", tt.name, err, len(*hashes), tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), "horse") || shown(t, f, foo) != before) {
			t.Errorf("%s: %v: it says too much, or has changed something", tt.name, err)
		}
		if err == nil && shown(t, f, foo) != "correct horse battery staple\n" {
			t.Errorf("%s: something else is shown", tt.name)
		}
	}
}

// TestOthersFiles: nobody else's clients, and no user of the host.
func TestOthersFiles(t *testing.T) {
	f, _ := open(t, t.TempDir(), Client{})
	for _, v := range []fs.VirtualFile{
		{Account: "o2.ftp", Dir: policy.CredentialsPasswords, Name: "o1.foo"},
		{Account: "o1.ftp", Dir: policy.CredentialsPasswords, Name: "o1.ftp"},
		{Account: "o1.ftp", Dir: policy.CredentialsKeys, Name: "o1.foo"},
	} {
		if _, err := f.Read(v); !errors.Is(err, iofs.ErrNotExist) {
			t.Errorf("Read(%v) = %v", v, err)
		}
		if err := f.Remove(v); !errors.Is(err, iofs.ErrNotExist) {
			t.Errorf("Remove(%v) = %v", v, err)
		}
	}
	boa := foo
	boa.Name = "o1.boa"
	if got := shown(t, f, boa); got != adopted {
		t.Errorf("the host's user has %q", got)
	}
	if err := errors.Join(f.Remove(boa), nil); !errors.Is(err, iofs.ErrPermission) {
		t.Errorf("Remove of a host user's password = %v", err)
	}
}

// TestWriteKeys: in pieces, and all or nothing.
func TestWriteKeys(t *testing.T) {
	f, _ := open(t, t.TempDir(), Client{})
	mine := fs.VirtualFile{Account: "o1.foo", Dir: policy.CredentialsKeys, Name: policy.AuthorizedKeys}
	put := func(pieces ...string) error {
		errs := []error{f.Truncate(mine, 0), f.Close(mine, false)}
		off := 0
		for _, p := range pieces {
			errs = append(errs, f.Write(mine, []byte(p), int64(off)))
			off += len(p)
		}
		return errors.Join(append(errs, f.Close(mine, false), f.Close(mine, true))...)
	}
	if err := put(ed[:20], ed[20:], " comment"); err != nil || shown(t, f, mine) != ed+" comment" {
		t.Fatalf("put = %v, %q", err, shown(t, f, mine))
	}
	for name, pieces := range map[string][]string{
		"a bad line":         {rsaGood + "\n", "junk\n"},
		"more after it":      {rsaGood + "\n", "junk\n", rsaGood + "\n"},
		"half a line":        {rsaGood + "\n", ed[:30]},
		"more than there is": {strings.Repeat("#", MaxKeys), "#"},
	} {
		if err := put(pieces...); err == nil || shown(t, f, mine) != ed+" comment" {
			t.Errorf("%s: %v, %q", name, err, shown(t, f, mine))
		}
	}
	if err := f.Write(mine, []byte("\n"+rsaGood+"\n"), fs.AtEnd); err != nil {
		t.Error(err)
	}
	if err := f.Close(mine, false); err != nil || shown(t, f, mine) != ed+" comment\n"+rsaGood+"\n" {
		t.Errorf("appended: %v, %q", err, shown(t, f, mine))
	}
	if err := put(); err != nil || shown(t, f, mine) != "" {
		t.Errorf("nothing: %v, %q", err, shown(t, f, mine))
	}
}
