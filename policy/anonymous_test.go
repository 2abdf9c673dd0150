package policy

import "testing"

// An anonymous account may list and download, whatever it is given; the setting
// that says so is the reason.
func TestAnonymousIsHeldToListAndDownload(t *testing.T) {
	a := home(Account{Name: "alice", PrimaryGroup: set("staff")})
	a.Permissions = permissions("/ *", "/in upload", "/none", "/look list")
	staff := Group{Name: "staff"}
	staff.Anonymous = setAt(7, true)
	v := view(t, compile(t, Input{Accounts: []Account{a}, Groups: []Group{staff}}), "alice")
	decisions(t, v, `
		open-read /f => ok
		readdir / => ok
		lookup /f => ok
		create /f => no_permission EACCES
		unlink /f => no_permission EACCES
		copy /f => no_permission EACCES
		readdir /in => no_permission EACCES
		lookup /in/f => no_permission ENOENT
		readdir /look => ok
		open-read /look/f => no_permission EACCES
		lookup /none/f => no_permission ENOENT
	`)
	for question, want := range map[string]string{
		"create /f":         "group:staff",
		"open-read /look/f": "account:alice",
		"lookup /in/f":      "group:staff",
		"lookup /none/f":    "account:alice",
	} {
		if got := decide(t, v, question).Rule; got == nil || got.Origin != want {
			t.Errorf("%s: rule %v, want %s", question, got, want)
		}
	}
	want := `{"/":{"value":["list","download"],"origin":"account:alice","at":"t.toml:1"},"/in":{"value":[],"origin":"account:alice","at":"t.toml:2"},` +
		`"/look":{"value":["list"],"origin":"account:alice","at":"t.toml:4"},"/none":{"value":[],"origin":"account:alice","at":"t.toml:3"}}`
	if got := settings(t, v.Effective())["permissions"]; got != want {
		t.Errorf("permissions = %s, want %s", got, want)
	}
}
