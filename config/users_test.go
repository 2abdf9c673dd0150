package config

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadUsers(t *testing.T) {
	f := machine(t)
	var users []User
	for u := range f.Users() {
		users = append(users, u)
	}
	wantUsers := []User{
		{"root", 0, 0, "/root", "/bin/bash"},
		{"www-data", 33, 33, "/var/www", "/usr/sbin/nologin"},
		{"alice", 1000, 1000, "/home/alice", "/bin/bash"},
		{"alice", 2000, 2000, "/home/alice2", "/bin/bash"},
		{"toor", 0, 0, "/root", "/bin/sh"},
		{"last", 1001, 1001, "/home/last", ""},
	}
	if diff := cmp.Diff(wantUsers, users); diff != "" {
		t.Errorf("Users (-want +got):\n%s", diff)
	}
	var groups []Group
	for g := range f.Groups() {
		groups = append(groups, g)
	}
	wantGroups := []Group{
		{Name: "root", GID: 0},
		{Name: "www-data", GID: 33, Members: []string{"alice", "last"}},
		{Name: "staff", GID: 50},
		{Name: "empty", GID: 60},
	}
	if diff := cmp.Diff(wantGroups, groups); diff != "" {
		t.Errorf("Groups (-want +got):\n%s", diff)
	}
	if uid, gid, ok := f.User("alice"); uid != 1000 || gid != 1000 || !ok {
		t.Errorf("User(alice) = %d, %d, %t, want the first line's 1000, 1000, true", uid, gid, ok)
	}
	if u, ok := f.ByUID(0); u.Name != "root" || !ok {
		t.Errorf("ByUID(0) = %q, %t, want root, true", u.Name, ok)
	}
	for _, name := range []string{"nobody", "badid", "short", "+nisuser", ""} {
		if uid, gid, ok := f.User(name); ok {
			t.Errorf("User(%q) = %d, %d, true, want not found", name, uid, gid)
		}
	}
	if gid, ok := f.Group("bad"); ok {
		t.Errorf("Group(bad) = %d, true, want not found", gid)
	}
}

func TestLoadUsersMissing(t *testing.T) {
	if _, err := LoadUsers("testdata/none", "testdata/group"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("LoadUsers without passwd = %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := LoadUsers("testdata/passwd", "testdata/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("LoadUsers without group = %v, want %v", err, fs.ErrNotExist)
	}
}
