package fs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// explainedOp is one operation as a system call on an object of the view.
type explainedOp struct {
	verb string
	kind policy.FileType
	run  func(path string) error
}

// explainedOps are tried on one existing object each. create, mkdir and symlink
// are tried on a name that nothing has.
var explainedOps = []explainedOp{
	{"lookup", policy.TypeFile, func(p string) error { var st unix.Stat_t; return unix.Lstat(p, &st) }},
	{"lookup", policy.TypeDir, func(p string) error { var st unix.Stat_t; return unix.Lstat(p, &st) }},
	{"readdir", policy.TypeDir, func(p string) error {
		return opened(p, unix.O_RDONLY|unix.O_DIRECTORY, func(fd int) error {
			_, err := unix.Getdents(fd, make([]byte, 4096))
			return err
		})
	}},
	{"readlink", policy.TypeSymlink, func(p string) error { _, err := unix.Readlink(p, make([]byte, 100)); return err }},
	{"open-read", policy.TypeFile, func(p string) error { return opened(p, unix.O_RDONLY, none) }},
	{"download", policy.TypeFile, func(p string) error { return opened(p, unix.O_RDONLY, none) }},
	{"open-write", policy.TypeFile, func(p string) error { return opened(p, unix.O_WRONLY, none) }},
	{"overwrite", policy.TypeFile, func(p string) error { return opened(p, unix.O_WRONLY|unix.O_TRUNC, none) }},
	{"truncate", policy.TypeFile, func(p string) error { return unix.Truncate(p, 1) }},
	{"chmod", policy.TypeFile, func(p string) error { return unix.Chmod(p, 0o644) }},
	{"chmod", policy.TypeDir, func(p string) error { return unix.Chmod(p, 0o755) }},
	{"chown", policy.TypeFile, func(p string) error { return unix.Lchown(p, aliceUID, aliceUID) }},
	{"chtimes", policy.TypeFile, func(p string) error {
		return unix.UtimesNanoAt(unix.AT_FDCWD, p, []unix.Timespec{{Sec: 5}, {Sec: 7}}, unix.AT_SYMLINK_NOFOLLOW)
	}},
	{"delete_files", policy.TypeFile, unix.Unlink},
	{"unlink", policy.TypeSymlink, unix.Unlink},
	{"delete_dirs", policy.TypeDir, unix.Rmdir},
	{"create", policy.TypeNone, func(p string) error {
		return opened(p, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, none)
	}},
	{"create_dirs", policy.TypeNone, func(p string) error { return unix.Mkdir(p, 0o755) }},
	{"create_symlinks", policy.TypeNone, func(p string) error { return unix.Symlink("x", p) }},
}

// explainedNames are ends of names that patterns and presets look at, after what
// makes each object's name its own.
var explainedNames = []string{"x", "x.exe", "x.key", "x.php", "x.drush.inc", "x.alias.drushrc.php"}

// explainedDirs are directories of the view under different rules.
var explainedDirs = []string{
	"", "in", "dark", "dark/deep", "shy", "only", "shut.exe", "glob1", "media", "drop", "blind",
	"sites/a.org", "sites/a.org/files", "sites/a.org/modules", "sites/a.org/other", "sites/b.org",
}

func explainedInput(t *testing.T) (policy.Input, map[string]policy.IDs, func(dir string) string) {
	home1 := tree(t, "in/", "dark/", "dark/deep/", "shy/", "only/", "shut.exe/", "glob1/", "blind/")
	media, drop := tree(t), tree(t)
	a, b := tree(t, "files/", "modules/", "other/"), tree(t)
	permission := func(path string, verbs ...string) policy.Permission {
		p := policy.Permission{Path: set(path)}
		for _, v := range verbs {
			p.Verbs = append(p.Verbs, set(v))
		}
		return p
	}
	words := func(list ...string) []policy.Setting[string] {
		var out []policy.Setting[string]
		for _, w := range list {
			out = append(out, set(w))
		}
		return out
	}
	in, ids := home(home1, func(acc *policy.Account) {
		acc.Permissions = []policy.Permission{
			permission("/", "*"),
			permission("/in", "list", "upload", "create_dirs"),
			permission("/dark"),
			permission("/dark/deep", "download"),
			permission("/g*1", "list", "download", "rename", "chmod"),
			permission("/blind", "list", "rename", "overwrite"),
		}
		acc.FilePatterns = []policy.FilePatterns{
			{Path: set("/"), Denied: words("*.exe")},
			{Path: set("/shy"), Denied: words("*.key"), DenyPolicy: set("hide")},
			{Path: set("/only"), Allowed: words("*x")},
		}
		acc.VirtualFolders = []policy.Mounting{
			{Folder: set("media"), Path: set("/media"), ReadOnly: set(true)},
			{Folder: set("drop"), Path: set("/drop"), HasPerms: true, Permissions: words("list", "upload", "rename")},
		}
	})
	in.Folders = []policy.Folder{{Name: "media", Source: set(media)}, {Name: "drop", Source: set(drop)}}
	in.Sites = []policy.Site{
		{URI: "a.org", Source: a, OwnerAccount: "alice", Enabled: true, Preset: "aegir"},
		{URI: "b.org", Source: b, OwnerAccount: "alice", Enabled: true, Preset: "none"},
	}
	sources := map[string]string{"media": media, "drop": drop, "sites/a.org": a, "sites/b.org": b}
	return in, ids, func(dir string) string {
		for mount, source := range sources {
			if rest, ok := strings.CutPrefix(dir+"/", mount+"/"); ok {
				return filepath.Join(source, rest)
			}
		}
		return filepath.Join(home1, dir)
	}
}

// shownAs is the errno of each class of refusal.
var shownAs = map[policy.Class]syscall.Errno{
	policy.ClassRefused: EACCES, policy.ClassHidden: ENOENT, policy.ClassBusy: syscall.EBUSY,
	policy.ClassCross: syscall.EXDEV, policy.ClassNotOwner: EPERM, policy.ClassUnsupported: ENOTSU,
}

// makeObject puts an object of type kind at path of a backing.
func makeObject(t *testing.T, path string, kind policy.FileType) {
	t.Helper()
	var err error
	switch kind {
	case policy.TypeFile:
		err = os.WriteFile(path, []byte("content\n"), 0o664)
	case policy.TypeDir:
		err = os.Mkdir(path, 0o775)
	case policy.TypeSymlink:
		err = os.Symlink("x", path)
	}
	if err == nil && kind != policy.TypeNone {
		err = os.Lchown(path, ownerUID, groupGID)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestExplainIsTheFunnel: what explain says of an operation on an object of a
// stated type is what the file system does.
func TestExplainIsTheFunnel(t *testing.T) {
	in, ids, backing := explainedInput(t)
	type attempt struct {
		explainedOp
		path string
	}
	var all []attempt
	for _, dir := range explainedDirs {
		for i, op := range explainedOps {
			for _, name := range explainedNames {
				p := filepath.Join(dir, fmt.Sprintf("o%d-%s", i, name))
				makeObject(t, filepath.Join(backing(dir), filepath.Base(p)), op.kind)
				all = append(all, attempt{op, p})
			}
		}
	}
	v, _ := compile(t, in).View("alice")
	m := mount(t, in, ids)
	allowed := 0
	for _, a := range all {
		e, err := v.Explain(policy.Question{Verb: a.verb, Path: "/" + a.path, Type: a.kind})
		if err != nil {
			t.Fatal(err)
		}
		m.obs.take()
		as(aliceUID, func() { err = a.run(filepath.Join(m.point, "alice", a.path)) })
		if e.Allowed() {
			allowed++
		}
		if e.Allowed() != (err == nil) {
			t.Errorf("%s /%s (type %d): explain says %q, the file system %v", a.verb, a.path, a.kind, e.Reason, err)
			continue
		}
		if e.Allowed() {
			continue
		}
		// What may not even be looked up is refused before the operation is asked.
		look, _ := v.Explain(policy.Question{Verb: "lookup", Path: "/" + a.path, Type: a.kind})
		if want := shownAs[e.Class]; errnoOf(err) != want && (look.Allowed() || errnoOf(err) != shownAs[look.Class]) {
			t.Errorf("%s /%s (type %d): explain says %v, the file system %v", a.verb, a.path, a.kind, want, err)
		}
		if reasons := m.obs.take(); !slices.Contains(reasons, e.Reason) && (look.Allowed() || !slices.Contains(reasons, look.Reason)) {
			t.Errorf("%s /%s (type %d): explain says %s, the file system %v", a.verb, a.path, a.kind, e.Reason, reasons)
		}
	}
	if allowed < 200 || len(all)-allowed < 200 {
		t.Errorf("%d of %d attempts are allowed: a bad sample", allowed, len(all))
	}
}

// TestExplainIsTheFunnelForMoves does the same for moves between directories.
func TestExplainIsTheFunnelForMoves(t *testing.T) {
	in, ids, backing := explainedInput(t)
	type move struct {
		from, to string
		kind     policy.FileType
	}
	var all []move
	for i, from := range explainedDirs {
		for j, to := range explainedDirs {
			for _, kind := range []policy.FileType{policy.TypeFile, policy.TypeDir, policy.TypeSymlink} {
				name := fmt.Sprintf("m%d-%d-%d-x", i, j, kind)
				makeObject(t, filepath.Join(backing(from), name), kind)
				all = append(all, move{filepath.Join(from, name), filepath.Join(to, "to-"+name), kind})
			}
		}
	}
	v, _ := compile(t, in).View("alice")
	m := mount(t, in, ids)
	allowed := 0
	for _, a := range all {
		e, err := v.Explain(policy.Question{Verb: "rename", Path: "/" + a.from, To: "/" + a.to, Type: a.kind})
		if err != nil {
			t.Fatal(err)
		}
		top := filepath.Join(m.point, "alice")
		as(aliceUID, func() { err = unix.Rename(filepath.Join(top, a.from), filepath.Join(top, a.to)) })
		if e.Allowed() {
			allowed++
		}
		if e.Allowed() != (err == nil) {
			t.Errorf("rename /%s /%s: explain says %q, the file system %v", a.from, a.to, e.Reason, err)
		} else if !e.Allowed() && errnoOf(err) != shownAs[e.Class] {
			t.Errorf("rename /%s /%s: explain says %v, the file system %v", a.from, a.to, shownAs[e.Class], err)
		}
	}
	if allowed < 50 {
		t.Errorf("%d of %d moves are allowed: a bad sample", allowed, len(all))
	}
}
