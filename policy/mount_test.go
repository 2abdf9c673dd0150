package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mounted(t *testing.T) *Set {
	a := home(Account{Name: "alice"})
	a.VirtualFolders = folders(
		"media /media",
		"docs /team/docs ro",
		"inner /media/inner list download",
		"mine /media/inner/deep/mine",
	)
	b := Account{Name: "bob"}
	b.VirtualFolders = folders("media /a/b/media", "docs /sites/extra")
	return compile(t, Input{
		Accounts: []Account{a, b},
		Folders:  []Folder{folder("media", "/srv/media"), folder("docs", "/srv/docs"), folder("inner", "/srv/inner"), folder("mine", "/srv/users/%username%/")},
		Sites: []Site{
			{URI: "s.test", Source: "/var/www/s", OwnerAccount: "alice", Preset: "none", Stores: []Store{{Name: "files", Path: "/srv/media/s"}, {Name: "private", Path: "/srv/inner"}}},
		},
		Point: "/srv/views",
	})
}

func TestMounts(t *testing.T) {
	s := mounted(t)
	var got []string
	for _, v := range s.Views() {
		for _, m := range v.Mounts() {
			got = append(got, strings.Join([]string{v.Account(), m.Path, m.Name, m.Source}, " "))
		}
	}
	want := []string{
		"alice / home /srv/homes/alice",
		"alice /media folder:media /srv/media",
		"alice /media/inner folder:inner /srv/inner",
		"alice /media/inner/deep/mine folder:mine /srv/users/alice",
		"alice /sites/s.test site:s.test /var/www/s",
		"alice /team/docs folder:docs /srv/docs",
		"bob /a/b/media folder:media /srv/media",
		"bob /sites/extra folder:docs /srv/docs",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Mounts() (-want +got):\n%s", diff)
	}
	wantSources := []Source{{"/srv/docs", false}, {"/srv/homes/alice", true}, {"/srv/inner", false}, {"/srv/media", false}, {"/srv/media/s", true}, {"/srv/users/alice", false}, {"/var/www/s", false}}
	if diff := cmp.Diff(wantSources, s.Sources()); diff != "" {
		t.Errorf("Sources() (-want +got):\n%s", diff)
	}
}

func TestMountPlaces(t *testing.T) {
	s := mounted(t)
	for _, tt := range []struct {
		account, dir, mount string
		root, synthetic     bool
		provided            string
	}{
		{"alice", "/", "home", true, false, ".ssh media sites team"},
		{"alice", "/other", "home", false, false, ""},
		{"alice", "/media", "folder:media", true, false, "inner"},
		{"alice", "/media/x", "folder:media", false, false, ""},
		{"alice", "/media/inner", "folder:inner", true, false, "deep"},
		{"alice", "/media/inner/deep", "folder:inner", false, true, "mine"},
		{"alice", "/media/inner/deep/mine/x/y", "folder:mine", false, false, ""},
		{"alice", "/team", "home", false, true, "docs"},
		{"alice", "/sites", "", false, true, "s.test"},
		{"alice", "/sites/s.test", "site:s.test", true, false, ""},
		{"alice", "/sites/other", "", false, true, ""},
		{"alice", "/.ssh", "", false, true, ""},
		{"bob", "/", "", false, true, ".ssh a sites"},
		{"bob", "/a", "", false, true, "b"},
		{"bob", "/a/b/media", "folder:media", true, false, ""},
		{"bob", "/sites", "", false, true, "extra"},
		{"bob", "/nowhere/x", "", false, true, ""},
	} {
		p := view(t, s, tt.account).At(tt.dir)
		mount := ""
		if m := p.Mount(); m != nil {
			mount = m.Name
		}
		var names []string
		for _, e := range p.Provided() {
			names = append(names, e.Name)
			if e.Place != p.Child(e.Name) || e.Listed == (e.Name == keysName) {
				t.Errorf("%s %s: Provided() has %+v", tt.account, tt.dir, e)
			}
		}
		if mount != tt.mount || p.IsMountRoot() != tt.root || p.Synthetic() != tt.synthetic || strings.Join(names, " ") != tt.provided {
			t.Errorf("%s %s: mount %q root %v synthetic %v provided %q, want %q %v %v %q", tt.account, tt.dir,
				mount, p.IsMountRoot(), p.Synthetic(), names, tt.mount, tt.root, tt.synthetic, tt.provided)
		}
	}
}

func TestMountDecisions(t *testing.T) {
	s := mounted(t)
	decisions(t, view(t, s, "alice"), `
		lookup /media:dir                => ok
		rmdir /media:dir                 => mount_point EBUSY
		rename /media:dir                => mount_point EBUSY
		mkdir /media:dir                 => mount_point EBUSY
		create /media                    => mount_point EBUSY
		symlink /media                   => mount_point EBUSY
		rmdir /team:dir                  => mount_point EBUSY
		unlink /team                     => mount_point EBUSY
		rmdir /media/inner/deep:dir      => mount_point EBUSY
		utimes /media:dir                => ok
		utimes /team:dir                 => synthetic EACCES
		move /x:dir /media               => mount_point EBUSY
		move /team:dir /y                => mount_point EBUSY

		create /team/x                   => ok
		create /team/docs/x              => mount_read_only EACCES
		open-read /team/docs/x           => ok
		open-write /team/docs/d/x        => mount_read_only EACCES
		copy /team/docs/x                => ok
		readdir /team/docs               => ok
		utimes /team/docs:dir            => mount_read_only EACCES

		create /media/x                  => ok
		create /media/inner/x            => mount_read_only EACCES
		open-read /media/inner/x         => ok
		create /media/inner/deep/mine/x  => ok

		readdir /sites                   => ok
		lookup /sites:dir                => ok
		lookup /sites/s.test:dir         => ok
		lookup /sites/none:dir           => no_such_place ENOENT
		getattr /sites/s.test:dir        => ok
		create /sites/x                  => synthetic EACCES
		mkdir /sites/x:dir               => synthetic EACCES
		unlink /sites/x                  => synthetic EACCES
		utimes /sites/s.test:dir         => synthetic EACCES
		rmdir /sites/s.test:dir          => mount_point EBUSY
		rename /sites/s.test:dir         => mount_point EBUSY
		rmdir /sites:dir                 => mount_point EBUSY
		create /sites/s.test/x           => ok

		lookup /.shares:dir              => hidden ENOENT
		lookup /shared:dir               => hidden ENOENT
		mkdir /.shares:dir               => hidden EACCES
		create /shared                   => hidden EACCES
		unlink /.shares                  => hidden ENOENT
		move /x /.shares                 => hidden EACCES
		create /sub/.ssh                 => ok
		create /users                    => hidden EACCES
	`)
	decisions(t, view(t, s, "bob"), `
		readdir /                        => ok
		create /x                        => synthetic EACCES
		mkdir /a:dir                     => mount_point EBUSY
		mkdir /a/b/x:dir                 => synthetic EACCES
		create /a/b/media/x              => no_permission EACCES
		lookup /nowhere                  => no_such_place ENOENT
		lookup /nowhere/x                => no_such_place ENOENT
		create /nowhere/x                => synthetic EACCES
	`)
}

func TestVisibleProvided(t *testing.T) {
	a := home(Account{Name: "alice"})
	a.VirtualFolders = folders("media /secret-media", "media /media")
	a.FilePatterns = patterns("/ hide -secret*")
	v := view(t, compile(t, Input{Accounts: []Account{a}, Folders: []Folder{folder("media", "/srv/media")}}), "alice")
	for name, want := range map[string]bool{"secret-media": false, "media": true} {
		e, ok := v.Root().ProvidedName(name)
		if !ok || e.Listed != want {
			t.Errorf("ProvidedName(%q) = %+v, %v; want Listed %v", name, e, ok, want)
		}
		if got := v.Root().Visible(Target{Name: name, Type: TypeDir}); got != want {
			t.Errorf("Visible(%q) = %v, want %v", name, got, want)
		}
	}
	decisions(t, v, `
		lookup /secret-media:dir => ok
		create /secret-media/x   => ok
		lookup /secret-file      => hidden ENOENT
	`)
}

func TestFolderHidesHome(t *testing.T) {
	a := home(Account{Name: "alice"})
	a.VirtualFolders = folders("media /")
	v := view(t, compile(t, Input{Accounts: []Account{a}, Folders: []Folder{folder("media", "/srv/media")}}), "alice")
	if got := len(v.Mounts()); got != 1 || v.Root().Mount().Name != "folder:media" {
		t.Errorf("Mounts() = %d, root %q; want the folder alone", got, v.Root().Mount().Name)
	}
}
