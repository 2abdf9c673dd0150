package policy

import "testing"

func TestPatterns(t *testing.T) {
	a := home(Account{Name: "alice"})
	a.FilePatterns = patterns(
		"/ -*.exe -Secret*",
		"/only +*.txt +*.TAR.gz +dir*",
		"/both +*.txt -draft*",
		"/veiled hide -*.key -hidden",
		"/veiled/open +*",
		"/globs/* -x",
		"/globs/a* -y",
		"/empty/sub hide +",
	)
	a.FilePatterns[7].Allowed = []Setting[string]{set("nothing-else")}
	v := view(t, compile(t, Input{Accounts: []Account{a}}), "alice")
	decisions(t, v, `
		create /a.txt                   => ok
		create /a.exe                   => pattern EACCES
		create /A.EXE                   => pattern EACCES
		open-read /sub/a.Exe            => pattern EACCES
		open-write /a.exe               => pattern EACCES
		unlink /a.exe                   => pattern EACCES
		mkdir /a.exe:dir                => pattern EACCES
		symlink /a.exe:link             => pattern EACCES
		copy /a.exe                     => pattern EACCES
		utimes /a.exe                   => pattern EACCES
		lookup /a.exe                   => ok
		getattr /a.exe                  => ok
		move /a.exe /a.txt              => pattern EACCES
		move /a.txt /a.exe              => pattern EACCES
		open-read /secrets              => pattern EACCES

		lookup /secret:dir              => ok
		readdir /secret                 => pattern EACCES
		lookup /secret/x                => pattern EACCES
		open-read /secret/deep/x        => pattern EACCES
		create /secret/x                => pattern EACCES

		create /only/a.txt              => ok
		create /only/a.tar.GZ           => ok
		create /only/a.doc              => pattern EACCES
		create /only/dir1/b.txt         => ok
		create /only/dir1/b.doc         => pattern EACCES
		create /only/sub/b.txt          => pattern EACCES
		create /only/a.exe              => pattern EACCES

		create /both/a.txt              => ok
		create /both/draft.txt          => pattern EACCES
		create /both/a.exe              => pattern EACCES

		lookup /veiled/a.key            => hidden ENOENT
		open-read /veiled/a.key         => hidden ENOENT
		unlink /veiled/a.key            => hidden ENOENT
		utimes /veiled/a.key            => hidden ENOENT
		create /veiled/a.key            => hidden EACCES
		mkdir /veiled/a.key:dir         => hidden EACCES
		symlink /veiled/a.key:link      => hidden EACCES
		move /veiled/a.key /veiled/b    => hidden ENOENT
		move /veiled/b /veiled/a.key    => hidden EACCES
		create /veiled/a.exe            => ok
		lookup /veiled/hidden:dir       => hidden ENOENT
		readdir /veiled/hidden          => hidden ENOENT
		lookup /veiled/hidden/x         => hidden ENOENT
		create /veiled/hidden/x         => hidden EACCES
		create /veiled/open/a.key       => ok

		create /globs/c/x               => pattern EACCES
		create /globs/a/x               => ok
		create /globs/a/y               => pattern EACCES
		create /globs/x                 => ok
	`)
	for name, want := range map[string]bool{"a.key": false, "A.KEY": false, "hidden": false, "a": true} {
		if got := v.At("/veiled").Visible(Target{Name: name, Type: TypeFile}); got != want {
			t.Errorf("Visible(%q) = %v, want %v", name, got, want)
		}
	}
	if !v.Root().Visible(Target{Name: "a.exe", Type: TypeFile}) {
		t.Error("Visible(a.exe) = false, want a refused name to be seen")
	}
}

// A permission, a pattern entry or a mount at or below a denied directory opens
// the way to it, and nothing else.
func TestDeniedDirectoryOpened(t *testing.T) {
	for _, policy := range []string{"hide", "deny"} {
		t.Run(policy, func(t *testing.T) {
			a := home(Account{Name: "alice"})
			a.FilePatterns = patterns("/ "+policy+" -no*", "/no2/in +*")
			if policy == "deny" {
				a.FilePatterns = patterns("/ -no*", "/no2/in +*")
			}
			a.Permissions = permissions("/no1 list download upload")
			a.VirtualFolders = folders("media /no3/sub/media")
			v := view(t, compile(t, Input{Accounts: []Account{a}, Folders: []Folder{folder("media", "/srv/media")}}), "alice")
			refused := "pattern EACCES"
			shut := refused
			if policy == "hide" {
				shut = "hidden ENOENT"
			}
			decisions(t, v, `
				lookup /no1:dir          => ok
				readdir /no1             => ok
				create /no1/x            => ok
				rmdir /no1:dir           => `+refused+`
				rename /no1:dir          => `+refused+`
				unlink /no1/x            => no_permission EACCES
				open-read /no1/no        => `+shut+`

				lookup /no2:dir          => ok
				readdir /no2             => ok
				lookup /no2/in:dir       => ok
				lookup /no2/out          => `+shut+`
				open-read /no2/out       => `+shut+`
				lookup /no2/out:dir      => `+shut+`
				open-read /no2/out/x     => `+shut+`
				create /no2/in/no        => ok
				unlink /no2/in/deep/no   => ok

				lookup /no3:dir          => ok
				lookup /no3/sub:dir      => ok
				lookup /no3/x            => `+shut+`
				create /no3/sub/media/x  => ok

				lookup /no4/x            => `+shut+`
				readdir /no4             => `+shut+`
			`)
			if v.At("/no2").Visible(Target{Name: "out", Type: TypeDir}) {
				t.Error("Visible(out) in a closed directory = true, want false")
			}
			if !v.At("/no2").Visible(Target{Name: "in", Type: TypeDir}) {
				t.Error("Visible(in), which leads to an entry, = false, want true")
			}
		})
	}
}

func TestGlobMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true},
		{"*", "x", true},
		{"*.exe", "a.exe", true},
		{"*.exe", "a.EXE", true},
		{"*.EXE", "a.exe", true},
		{"*.exe", "exe", false},
		{"*.exe", "\xff.EXE", true},
		{"a?c", "abc", true},
		{"a?c", "aéc", true},
		{"a?c", "ac", false},
		{"a?c", "a\xffc", true},
		{"a*b*c", "aXXbYYc", true},
		{"a*b*c", "aXXbYY", false},
		{"*a*", "bab", true},
		{"[a-c]x", "Bx", true},
		{"[^a-c]x", "Bx", false},
		{"[^a-c]x", "dx", true},
		{"[A-Z]", "q", true},
		{"[Z-a]", "z", true},
		{`\*`, "*", true},
		{`\*`, "x", false},
		{`[\]]`, "]", true},
		{"[é-ü]", "É", true},
		{"café", "cafe\u0301", true},      // decomposed name
		{"cafe\u0301", "CAFÉ", true},      // decomposed pattern
		{"*.ſh", "a.SH", true},            // long s folds to s
		{"*.sh", "a.ſh", true},            //
		{"k*", "\u212Aelvin", true},       // the Kelvin sign is a k
		{"straße", "STRASSE", false},      // simple folding only
		{"σ", "ς", true},                  // final sigma
		{"é", "\xc3\xa9\xff", false},      // not UTF-8: by bytes
		{"é*", "\xc3\xa9\xff", true},      //
		{"é??", "\xc3\xa9\xff\xfe", true}, //
		{"**", "x", true},
		{"", "", true},
		{"*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	} {
		g, err := compileGlob(tt.pattern, true)
		if err != nil {
			t.Errorf("compileGlob(%q): %v", tt.pattern, err)
			continue
		}
		if got := g.match(foldName(tt.name)); got != tt.want {
			t.Errorf("%q matches %q = %v, want %v", tt.pattern, tt.name, got, tt.want)
		}
	}
}

func TestGlobMeet(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"a*", "*b", true},
		{"a*", "b*", false},
		{"*a*", "*b*", true},
		{"a?", "?b", true},
		{"a?", "?bc", false},
		{"a[x-z]", "a[0-9]", true}, // taken to meet
		{"a[x-z]", "aw", false},
		{"*", "", true},
		{"?", "", false},
		{"abc", "abc", true},
		{"a*c", "ab*d", false},
		{"*x*x*x*x*x*x*x*x*x*x*", "*y*y*y*y*y*y*y*y*y*y*", true},
	} {
		x, _ := compileGlob(tt.a, false)
		y, _ := compileGlob(tt.b, false)
		if got, back := meet(x.runes, y.runes), meet(y.runes, x.runes); got != tt.want || back != tt.want {
			t.Errorf("meet(%q, %q) = %v, %v; want %v", tt.a, tt.b, got, back, tt.want)
		}
	}
}
