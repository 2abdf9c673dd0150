package policy

import "testing"

func TestPermissions(t *testing.T) {
	a := Account{Name: "alice"}
	a.HomeDir = set("/srv/homes/alice")
	a.Permissions = permissions(
		"/ list download",
		"/in upload",
		"/in/deep *",
		"/none ",
		"/none/way/there list",
		"/p* list upload",
		"/pu* list overwrite",
		"/pub list delete",
		"/*/x list mkdir-is-below",
		"/only/renames rename_files list",
		"/w overwrite list",
	)
	a.Permissions[8].Verbs = words("create_dirs")
	s := compile(t, Input{Accounts: []Account{a}})
	decisions(t, view(t, s, "alice"), `
		readdir /                          => ok
		open-read /a                       => ok
		open-read /sub/sub/a               => ok
		create /a                          => no_permission EACCES
		mkdir /a:dir                       => no_permission EACCES
		open-write /a                      => no_permission EACCES

		create /in/a                       => ok
		create /in/sub/a                   => ok
		open-read /in/a                    => no_permission EACCES
		open-write /in/a                   => no_permission EACCES
		readdir /in                        => no_permission EACCES
		lookup /in/a                       => ok
		create /inn/a                      => no_permission EACCES
		open-read /in/deep/a               => ok
		unlink /in/deep/sub/a              => ok
		unlink /in/deeper/a                => no_permission EACCES

		lookup /none:dir                   => ok
		lookup /none/a                     => no_permission ENOENT
		lookup /none/way:dir               => ok
		lookup /none/way:file              => no_permission ENOENT
		lookup /none/way:none              => ok
		lookup /none/other:dir             => no_permission ENOENT
		lookup /none/way/there:dir         => ok
		lookup /none/way/a                 => no_permission ENOENT
		lookup /none/way/there/a           => ok
		readdir /none                      => no_permission EACCES
		readdir /none/way/there            => ok
		open-read /none/a                  => no_permission EACCES

		create /papa/a                     => ok
		open-write /papa/a                 => no_permission EACCES
		create /papa/sub/a                 => ok
		create /pump/a                     => no_permission EACCES
		open-write /pump/a                 => ok
		unlink /pub/a                      => ok
		rmdir /pub/a:dir                   => ok
		open-write /pub/a                  => no_permission EACCES
		mkdir /papa/x/a:dir                => ok
		create /papa/x/a                   => no_permission EACCES
		mkdir /pub/x/a:dir                 => ok
		unlink /pub/x/a                    => no_permission EACCES
		unlink /pub/y/a                    => ok

		rename /only/renames/a             => ok
		rename /only/renames/a:dir         => no_permission EACCES
		rename /only/renames/a:link        => ok
		rename /only/renames/a:none        => no_permission EACCES

		truncate /w/a                      => ok
		write /w/a                         => ok
		fallocate /w/a                     => ok
		chmod /w/a                         => no_permission EACCES
		chown /in/deep/a                   => ok
		utimes /in/deep/a                  => ok
		symlink /in/deep/a:link            => ok
		copy /in/deep/a                    => ok
		copy /a                            => no_permission EACCES
		readlink /in/deep/a:link           => ok
		readlink /in/a:link                => no_permission EACCES

		link /in/deep/a                    => never EOPNOTSUPP
		mknod /in/deep/a                   => never EPERM
		tmpfile /in/deep/a                 => never EOPNOTSUPP
		getxattr /in/deep/a                => never EOPNOTSUPP
		setxattr /in/deep/a                => never EOPNOTSUPP
		ioctl /in/deep/a                   => never EOPNOTSUPP
		release /none/a                    => ok
		forget /none/a                     => ok
		flush /none/a                      => ok
	`)
}

// An entry decides by nearness, not by the order in which it was written.
func TestGlobPrecedence(t *testing.T) {
	a := Account{Name: "alice"}
	a.HomeDir = set("/h")
	a.Permissions = permissions(
		"/*/*/c list",
		"/a/*/c list upload",
		"/a/b* list overwrite",
		"/a/b*/c list delete",
		"/a/bb/c list chmod",
	)
	v := view(t, compile(t, Input{Accounts: []Account{a}}), "alice")
	for _, tt := range []struct {
		dir  string
		want Verbs
	}{
		{"/", VerbAll},
		{"/x/y", VerbAll},
		{"/x/y/c", VerbList},
		{"/a/y/c", VerbList | VerbUpload},
		{"/a/by", VerbList | VerbOverwrite},
		{"/a/by/d", VerbList | VerbOverwrite},
		{"/a/by/c", VerbList | VerbDeleteFiles | VerbDeleteDirs},
		{"/a/bb/c", VerbList | VerbChmod},
		{"/a/bb/c/d", VerbList | VerbChmod},
	} {
		if got := v.At(tt.dir).Verbs(); got != tt.want {
			t.Errorf("At(%q).Verbs() = %s, want %s", tt.dir, got, tt.want)
		}
	}
}

func TestImpliedPermissions(t *testing.T) {
	sites := []Site{{URI: "s.test", Source: "/var/s", OwnerAccount: "bare", Preset: "none", At: at(1)}}
	home := Account{Name: "home"}
	home.HomeDir = set("/h")
	bare := Account{Name: "bare"}
	glob := Account{Name: "glob"}
	glob.Permissions = permissions("/* list")
	sites = append(sites, Site{URI: "g.test", Source: "/var/g", OwnerAccount: "glob", Preset: "none", At: at(2)})
	s := compile(t, Input{Accounts: []Account{home, bare, glob}, Sites: sites})
	for _, tt := range []struct {
		account, dir string
		want         Verbs
		origin       string
	}{
		{"home", "/", VerbAll, OriginDefault},
		{"home", "/sites", VerbAll, OriginDefault},
		{"bare", "/", VerbList, OriginDefault},
		{"bare", "/sites", VerbAll, OriginDefault},
		{"bare", "/sites/s.test", VerbAll, OriginDefault},
		{"glob", "/", VerbList, OriginDefault},
		{"glob", "/sites/g.test", VerbList, "account:glob"},
	} {
		p := view(t, s, tt.account).At(tt.dir)
		if got := p.Verbs(); got != tt.want || p.Rule().Origin != tt.origin {
			t.Errorf("%s %s: verbs %s by %s, want %s by %s", tt.account, tt.dir, got, p.Rule().Origin, tt.want, tt.origin)
		}
	}
}

func TestVerdictNamesRule(t *testing.T) {
	a := Account{Name: "alice", PrimaryGroup: set("staff")}
	g := Group{Name: "staff"}
	g.Permissions = []Permission{{Path: setAt(7, "/%username%/in"), Verbs: words("list")}}
	v := view(t, compile(t, Input{Accounts: []Account{home(a)}, Groups: []Group{g}}), "alice")
	got := decide(t, v, "create /alice/in/sub/x").Rule
	want := Rule{Origin: "group:staff", At: at(7), Path: "/alice/in"}
	if got == nil || *got != want {
		t.Errorf("rule = %v, want %v", got, want)
	}
}

func home(a Account) Account {
	a.HomeDir = set("/srv/homes/" + a.Name)
	return a
}
