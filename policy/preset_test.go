package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// host is two sites of o1 with the aegir preset, and the main account with
// static above one of them.
func host() Input {
	static := "/data/disk/o1/static"
	foo := Account{Name: "o1.foo", Instance: "o1", Client: "foo", Discovered: true}
	bar := Account{Name: "o1.bar", Instance: "o1", Client: "bar", Discovered: true}
	main := Account{Name: "o1.ftp", Instance: "o1", Main: true, Discovered: true}
	main.VirtualFolders = folders("o1-static /static", "o1-backups /backups ro", "o1-files /fx")
	for i := range main.VirtualFolders {
		main.VirtualFolders[i].Discovered = true
	}
	in := Input{
		Accounts: []Account{foo, bar, main},
		Folders: []Folder{
			folder("o1-static", static),
			folder("o1-backups", "/data/disk/o1/backups"),
			folder("o1-files", static+"/d10/web/sites/foo.test/files"),
		},
		Sites: []Site{
			{
				URI: "foo.test", Instance: "o1", Source: static + "/d10/web/sites/foo.test", OwnerAccount: "o1.foo", Preset: "aegir", Enabled: true,
				Stores: []Store{{Name: "files", Path: static + "/files/foo.test/files"}, {Name: "private", Path: static + "/files/foo.test/private"}},
				At:     Pos{File: "/data/disk/o1/.drush/foo.test.alias.drushrc.php"},
			},
			{URI: "bar.test", Instance: "o1", Source: "/data/disk/o1/distro/001/d7/sites/bar.test", OwnerAccount: "o1.bar", Preset: "aegir"},
			{URI: "nobody.test", Instance: "o1", Source: static + "/d10/web/sites/nobody.test", Unowned: true, Preset: "aegir", Enabled: true},
		},
		Point: "/srv/views",
	}
	for i := range in.Folders {
		in.Folders[i].Discovered = true
	}
	return in
}

// siteTable is what the preset does in a site at SITE, for everybody.
const siteTable = `
	readdir SITE                             => ok
	lookup SITE/settings.php                 => ok
	open-read SITE/settings.php              => ok
	open-write SITE/settings.php             => preset EACCES
	truncate SITE/settings.php               => preset EACCES
	chmod SITE/settings.php                  => preset EACCES
	utimes SITE/settings.php                 => preset EACCES
	unlink SITE/settings.php                 => preset EACCES
	rename SITE/settings.php                 => preset EACCES
	open-write SITE/solr.php                 => preset EACCES
	open-write SITE/services.yml             => preset EACCES
	open-write SITE/local.settings.php       => preset EACCES
	open-write SITE/local.settings.php:file:440 => preset EACCES
	open-write SITE/local.settings.php:file:660 => ok
	write SITE/local.settings.php            => preset EACCES
	write SITE/local.settings.php:file:660  => ok
	truncate SITE/local.settings.php:file:660 => ok
	unlink SITE/local.settings.php:file:660  => preset EACCES
	move SITE/modules/x SITE/local.settings.php:file:660 => preset EACCES
	create SITE/new.txt                      => preset EACCES
	mkdir SITE/new:dir                       => preset EACCES
	symlink SITE/new:link                    => preset EACCES
	unlink SITE/robots.txt                   => preset EACCES
	rename SITE/robots.txt                   => preset EACCES
	open-write SITE/robots.txt               => ok
	rmdir SITE/modules:dir                   => preset EACCES
	rename SITE/modules:dir                  => preset EACCES
	utimes SITE/modules:dir                  => ok
	utimes SITE/other:dir                    => preset EACCES
	create SITE/other/x                      => preset EACCES
	create SITE/other/deep/x                 => preset EACCES
	open-read SITE/other/deep/x              => ok
	create SITE/modules/x                    => ok
	create SITE/modules/deep/x.php           => ok
	open-write SITE/themes/x                 => ok
	unlink SITE/libraries/x                  => ok
	rmdir SITE/vendor/x:dir                  => ok
	create SITE/files/x                      => ok
	create SITE/private/x                    => ok
	move SITE/modules/a SITE/themes/b        => ok
	move SITE/modules/a:dir SITE/modules/b   => ok
	move SITE/modules/a SITE/b               => preset EACCES
	open-read SITE/files/.htaccess           => ok
	open-write SITE/files/.htaccess          => preset EACCES
	create SITE/private/.htaccess            => preset EACCES
	unlink SITE/files/.htaccess              => preset EACCES
	move SITE/files/x SITE/files/.htaccess   => preset EACCES
	create SITE/files/deep/.htaccess         => ok
	create SITE/modules/.htaccess            => ok
	create SITE/modules/x.drush.inc          => preset EACCES
	create SITE/modules/a/x.drush.inc        => preset EACCES
	move SITE/modules/x SITE/modules/x.drush.inc => preset EACCES
	move SITE/modules/x:dir SITE/modules/x.drush.inc => preset EACCES
	move SITE/modules/x:link SITE/modules/x.drush.inc => preset EACCES
	move SITE/modules/x:link SITE/modules/y  => ok
	unlink SITE/modules/x.drush.inc          => ok
	create SITE/modules/apps-allow.info      => preset EACCES
	symlink SITE/modules/x:link              => preset EACCES
	symlink SITE/files/x:link                => preset EACCES
`

// clientTable is what it hides from clients.
const clientTable = `
	lookup SITE/drushrc.php                  => hidden ENOENT
	open-read SITE/drushrc.php               => hidden ENOENT
	unlink SITE/drushrc.php                  => hidden ENOENT
	create SITE/drushrc.php                  => hidden EACCES
	lookup SITE/civicrm.settings.php         => hidden ENOENT
	lookup SITE/modules/x.alias.drushrc.php  => hidden ENOENT
	create SITE/modules/drushrc.php          => hidden EACCES
	move SITE/modules/x SITE/modules/drushrc.php => hidden EACCES
	move SITE/modules/drushrc.php SITE/modules/x => hidden ENOENT
`

// mainTable is what the main account may do instead.
const mainTable = `
	lookup SITE/drushrc.php                  => ok
	open-read SITE/drushrc.php               => ok
	open-write SITE/drushrc.php              => preset EACCES
	create SITE/modules/drushrc.php          => preset EACCES
	unlink SITE/modules/drushrc.php          => preset EACCES
	move SITE/modules/x SITE/modules/drushrc.php => preset EACCES
	move SITE/modules/drushrc.php SITE/modules/x => preset EACCES
`

func TestPresetAegir(t *testing.T) {
	s := compile(t, host())
	for _, tt := range []struct {
		account, site, table string
	}{
		{"o1.foo", "/sites/foo.test", siteTable + clientTable},
		{"o1.bar", "/sites/bar.test", siteTable + clientTable},
		{"o1.ftp", "/sites/foo.test", siteTable + mainTable},
		{"o1.ftp", "/sites/bar.test", siteTable + mainTable},
		{"o1.ftp", "/static/d10/web/sites/foo.test", siteTable + mainTable},
	} {
		t.Run(tt.account+tt.site, func(t *testing.T) {
			decisions(t, view(t, s, tt.account), replaceSite(tt.table, tt.site))
		})
	}
}

// The preset follows the directory, wherever a mount begins.
func TestPresetElsewhere(t *testing.T) {
	s := compile(t, host())
	decisions(t, view(t, s, "o1.ftp"), `
		create /static/new                              => ok
		mkdir /static/d10/web/x:dir                     => ok
		symlink /static/d10/web/x:link                  => ok
		create /static/d10/web/sites/x                  => ok
		create /static/d10/web/x.drush.inc              => ok
		rename /static/d10:dir                          => preset EACCES
		rename /static/d10/web/sites:dir                => preset EACCES
		rename /static/d10/web/sites/foo.test:dir       => preset EACCES
		rmdir /static/d10/web/sites/foo.test:dir        => preset EACCES
		mkdir /static/d10/web/sites/nobody.test:dir     => preset EACCES
		move /static/x:dir /static/d10                  => preset EACCES
		move /static/x /static/y                        => ok
		move /static/x:dir /static/y                    => ok

		create /static/files/foo.test/files/x           => ok
		create /static/files/foo.test/files/x.drush.inc => preset EACCES
		create /static/files/foo.test/files/.htaccess   => preset EACCES
		create /static/files/foo.test/files/d/.htaccess => ok
		rename /static/files/foo.test/files:dir         => preset EACCES
		rename /static/files/foo.test:dir               => preset EACCES
		create /static/files/other/x.drush.inc          => ok

		create /fx/x                                    => ok
		create /fx/.htaccess                            => preset EACCES
		create /fx/d/.htaccess                          => ok
		create /fx/d/x.drush.inc                        => preset EACCES

		move /static/x /static/d10/web/sites/foo.test/modules/x            => ok
		move /static/x:dir /static/d10/web/sites/foo.test/modules/x        => across_mounts EXDEV
		move /static/x:link /static/d10/web/sites/foo.test/modules/x       => preset EACCES
		move /static/d10/web/sites/foo.test/modules/x:dir /static/x        => ok

		create /backups/x                               => mount_read_only EACCES
		open-read /backups/x                            => ok
		lookup /users:dir                               => ok
		readdir /users                                  => ok
		create /users/x                                 => synthetic EACCES
	`)
}

func TestPresetNone(t *testing.T) {
	a := Account{Name: "alice"}
	v := view(t, compile(t, Input{
		Accounts: []Account{a},
		Sites:    []Site{{URI: "s.test", Source: "/var/www/s", OwnerAccount: "alice", Preset: "none"}},
	}), "alice")
	decisions(t, v, `
		create /sites/s.test/settings.php   => ok
		symlink /sites/s.test/x:link        => ok
		create /sites/s.test/x.drush.inc    => ok
		rename /sites/s.test/modules:dir    => ok
	`)
}

func TestWhoSeesSites(t *testing.T) {
	for _, unowned := range []bool{false, true} {
		in := host()
		in.UnownedAll = unowned
		s := compile(t, in)
		got := map[string][]string{}
		for _, v := range s.Views() {
			for _, site := range v.Sites() {
				got[v.Account()] = append(got[v.Account()], site.URI)
			}
		}
		want := map[string][]string{
			"o1.foo": {"foo.test"}, "o1.bar": {"bar.test"},
			"o1.ftp": {"bar.test", "foo.test", "nobody.test"},
		}
		if unowned {
			want["o1.foo"] = []string{"foo.test", "nobody.test"}
			want["o1.bar"] = []string{"bar.test", "nobody.test"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("UnownedAll %v: Sites() (-want +got):\n%s", unowned, diff)
		}
	}
}

func TestStore(t *testing.T) {
	s := compile(t, host())
	want := []Store{{Name: "files", Path: "/data/disk/o1/static/files/foo.test/files"}}
	for _, tt := range []struct{ account, dir string }{
		{"o1.foo", "/sites/foo.test"},
		{"o1.ftp", "/sites/foo.test"},
		{"o1.ftp", "/static/d10/web/sites/foo.test"},
	} {
		p := view(t, s, tt.account).At(tt.dir)
		if diff := cmp.Diff(want, p.Store("files")); diff != "" {
			t.Errorf("%s %s: Store(files) (-want +got):\n%s", tt.account, tt.dir, diff)
		}
		if got := p.Store("modules"); got != nil {
			t.Errorf("%s %s: Store(modules) = %v, want none", tt.account, tt.dir, got)
		}
		if got := p.Child("modules").Store("files"); got != nil {
			t.Errorf("%s %s/modules: Store(files) = %v, want none", tt.account, tt.dir, got)
		}
	}
}

func TestWritable(t *testing.T) {
	s := compile(t, host())
	v := view(t, s, "o1.foo")
	for _, tt := range []struct {
		path string
		want bool
	}{
		{"/sites:dir", false},
		{"/sites/foo.test:dir", false},
		{"/sites/foo.test/settings.php", false},
		{"/sites/foo.test/robots.txt", true},
		{"/sites/foo.test/modules:dir", true},
		{"/sites/foo.test/files:dir", true},
		{"/sites/foo.test/other:dir", false},
		{"/sites/foo.test/modules/x", true},
		{"/sites/foo.test/modules/deep:dir", true},
		{"/sites/foo.test/other/x", false},
	} {
		dir, what := target(tt.path)
		if got := v.At(dir).Writable(what); got != tt.want {
			t.Errorf("Writable(%s) = %v, want %v", tt.path, got, tt.want)
		}
	}
}
