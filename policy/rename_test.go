package policy

import "testing"

func TestRename(t *testing.T) {
	a := home(Account{Name: "alice"})
	a.Permissions = permissions(
		"/ *",
		"/from list rename download",
		"/to list rename download",
		"/over list rename overwrite download",
		"/files list rename_files download",
		"/dirs list rename_dirs download",
		"/none list download",
		"/blind list rename overwrite upload",
		"/deep/a/b/blind list",
		"/blind/seen list download",
	)
	a.VirtualFolders = folders("one /one", "two /two", "client /client")
	client := folder("client", "/srv/client")
	client.Modes = set("client")
	v := view(t, compile(t, Input{
		Accounts: []Account{a},
		Folders:  []Folder{folder("one", "/srv/one"), folder("two", "/srv/two"), client},
	}), "alice")
	decisions(t, v, `
		move /from/a /to/b                => ok
		move /from/a:dir /to/b            => ok
		move /from/a:link /to/b           => ok
		move /from/a /to/b:file           => no_permission EACCES
		move /from/a /over/b:file         => ok
		move /from/a:dir /over/b:dir      => ok
		move /from/a:dir /to/b:dir        => no_permission EACCES
		move /files/a /to/b               => ok
		move /files/a:dir /to/b           => no_permission EACCES
		move /from/a /dirs/b              => no_permission EACCES
		move /from/a:dir /dirs/b          => ok
		move /none/a /to/b                => no_permission EACCES
		move /from/a /none/b              => no_permission EACCES

		move /blind/a /from/a             => gains_download EACCES
		move /blind/a:dir /from/a         => gains_download EACCES
		move /blind/a:link /from/a        => ok
		move /blind/a /blind/b            => ok
		move /blind/a:dir /blind/b        => ok
		move /from/a /blind/b             => ok
		move /from/a:dir /blind/b         => ok
		move /blind/a:dir /blind/b:dir    => ok
		move /from/a:dir /blind/seen      => ok
		move /blind/a:dir /blind/seen     => gains_download EACCES
		move /blind/seen:dir /blind/a     => entry EACCES
		move /x:dir /y                    => ok
		move /deep:dir /y                 => gains_download EACCES
		move /y:dir /deep                 => ok

		move /one/a /one/b                => ok
		move /one/a /two/b                => ok
		move /one/a /client/b             => ok
		move /one/a:dir /client/b         => across_mounts EXDEV
		move /one/a:link /client/b        => across_mounts EXDEV
		move /client/a /x                 => ok
		move /client/a:dir /x             => across_mounts EXDEV
		move /one:dir /x                  => mount_point EBUSY
	`)
}

func TestRenameGainsByPattern(t *testing.T) {
	a := home(Account{Name: "alice"})
	a.FilePatterns = patterns("/shy -*.key", "/shy2 -*.key", "/free +*", "/in/deny -x")
	v := view(t, compile(t, Input{Accounts: []Account{a}}), "alice")
	decisions(t, v, `
		move /shy/d:dir /free/d      => gains_download EACCES
		move /shy/d:dir /d           => gains_download EACCES
		move /shy/d:dir /shy/e       => ok
		move /shy/d:dir /shy2/e      => gains_download EACCES
		move /free/d:dir /shy/d      => pattern EXDEV
		move /shy/a /free/a          => ok
		move /shy/a.key /free/a      => pattern EACCES
		move /shy:dir /other         => gains_download EACCES
		move /in:dir /other          => gains_download EACCES
		move /other:dir /in          => ok
	`)
}

func TestRenameGainsByMount(t *testing.T) {
	a := home(Account{Name: "alice"})
	a.VirtualFolders = folders("drop /drop list upload rename", "drop2 /drop2 list upload download rename")
	owner := &IDs{1000, 1000}
	one, two := folder("drop", "/srv/drop"), folder("drop2", "/srv/drop2")
	one.OwnerIDs, two.OwnerIDs = owner, &IDs{1000, 1000}
	v := view(t, compile(t, Input{Accounts: []Account{a}, Folders: []Folder{one, two}}), "alice")
	decisions(t, v, `
		move /drop/a /drop2/a      => gains_download EACCES
		move /drop/a:dir /drop2/a  => gains_download EACCES
		move /drop2/a /drop/a      => ok
		move /drop2/a /a           => ok
		move /drop2/a:dir /a       => across_mounts EXDEV
	`)
}

// TestExchange: an exchange is two moves, of which neither may be refused.
func TestExchange(t *testing.T) {
	a := home(Account{Name: "alice"})
	a.Permissions = permissions("/ *", "/ro list download", "/blind list rename upload", "/plain rename download")
	a.FilePatterns = patterns("/shy -*.key")
	v := view(t, compile(t, Input{Accounts: []Account{a}}), "alice")
	file := func(name string) Target { return Target{Name: name, Type: TypeFile} }
	for _, tt := range []struct {
		dir   string
		a     Target
		toDir string
		b     Target
		want  Reason
	}{
		{"/", file("a"), "/", file("b"), ReasonNone},
		{"/", file("a"), "/", Target{Name: "d", Type: TypeDir}, ReasonNone},
		{"/plain", file("a"), "/plain", file("b"), ReasonNone}, // without overwrite
		{"/", file("a"), "/ro", file("b"), ReasonNoPermission},
		{"/ro", file("a"), "/", file("b"), ReasonNoPermission},
		{"/", file("a"), "/blind", file("b"), ReasonGainsDownload}, // by what comes back
		{"/blind", file("a"), "/", file("b"), ReasonGainsDownload},
		{"/", file("a.key"), "/shy", file("b"), ReasonNone},
		{"/", file("a"), "/shy", file("b.key"), ReasonPattern},
	} {
		if got := v.At(tt.dir).CheckExchange(tt.a, v.At(tt.toDir), tt.b).Reason; got != tt.want {
			t.Errorf("exchange %s/%s and %s/%s = %q, want %q", tt.dir, tt.a.Name, tt.toDir, tt.b.Name, got, tt.want)
		}
	}
}
