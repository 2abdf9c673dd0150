package config

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
)

// Users knows the users and groups of the machine by name. An implementation
// never asks NSS: the daemon itself is behind it (product.md §3).
type Users interface {
	// User returns the uid and the primary gid of a user.
	User(name string) (uid, gid uint32, ok bool)
	// Group returns the gid of a group.
	Group(name string) (gid uint32, ok bool)
}

// User is one line of a passwd file.
type User struct {
	Name     string
	UID, GID uint32
	Home     string
	Shell    string
}

// Group is one line of a group file.
type Group struct {
	Name    string
	GID     uint32
	Members []string
}

// UserFiles is what a passwd and a group file say: immutable, safe for
// concurrent use. Where a name or an id is there twice the first line counts, as
// for the C library.
type UserFiles struct {
	users     []User
	groups    []Group
	byName    map[string]int
	byUID     map[uint32]int
	groupName map[string]int
}

// LoadUsers reads a passwd and a group file, /etc/passwd and /etc/group on a
// real machine. Lines that the C library would skip are skipped: comments, empty
// and damaged ones, and the "+" and "-" lines of NIS. The error says which file
// can't be read.
func LoadUsers(passwd, group string) (*UserFiles, error) {
	f := &UserFiles{
		byName: map[string]int{}, byUID: map[uint32]int{},
		groupName: map[string]int{},
	}
	if err := eachLine(passwd, f.addUser); err != nil {
		return nil, fmt.Errorf("load users: %w", err)
	}
	if err := eachLine(group, f.addGroup); err != nil {
		return nil, fmt.Errorf("load groups: %w", err)
	}
	return f, nil
}

// eachLine calls add with the fields of each line of a file that holds any.
func eachLine(path string, add func(fields []string)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	// A Reader, not a Scanner: a group with thousands of members is one line.
	r := bufio.NewReader(file)
	for {
		line, err := r.ReadString('\n')
		line = strings.TrimRight(line, "\n")
		if line != "" && !strings.ContainsAny(line[:1], "#+-") {
			add(strings.Split(line, ":"))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
}

func (f *UserFiles) addUser(fields []string) {
	if len(fields) < 7 || fields[0] == "" {
		return
	}
	uid, err1 := strconv.ParseUint(fields[2], 10, 32)
	gid, err2 := strconv.ParseUint(fields[3], 10, 32)
	if err1 != nil || err2 != nil {
		return
	}
	u := User{Name: fields[0], UID: uint32(uid), GID: uint32(gid), Home: fields[5], Shell: fields[6]}
	putFirst(f.byName, u.Name, len(f.users))
	putFirst(f.byUID, u.UID, len(f.users))
	f.users = append(f.users, u)
}

func (f *UserFiles) addGroup(fields []string) {
	if len(fields) < 4 || fields[0] == "" {
		return
	}
	gid, err := strconv.ParseUint(fields[2], 10, 32)
	if err != nil {
		return
	}
	g := Group{Name: fields[0], GID: uint32(gid)}
	for m := range strings.SplitSeq(fields[3], ",") {
		if m != "" {
			g.Members = append(g.Members, m)
		}
	}
	putFirst(f.groupName, g.Name, len(f.groups))
	f.groups = append(f.groups, g)
}

func putFirst[K comparable](m map[K]int, k K, i int) {
	if _, ok := m[k]; !ok {
		m[k] = i
	}
}

// User returns the uid and the primary gid of a user.
func (f *UserFiles) User(name string) (uid, gid uint32, ok bool) {
	i, ok := f.byName[name]
	if !ok {
		return 0, 0, false
	}
	return f.users[i].UID, f.users[i].GID, true
}

// Group returns the gid of a group.
func (f *UserFiles) Group(name string) (gid uint32, ok bool) {
	i, ok := f.groupName[name]
	if !ok {
		return 0, false
	}
	return f.groups[i].GID, true
}

// ByUID returns the first user with a uid.
func (f *UserFiles) ByUID(uid uint32) (User, bool) {
	i, ok := f.byUID[uid]
	if !ok {
		return User{}, false
	}
	return f.users[i], true
}

// Users returns every user in the order of the file.
func (f *UserFiles) Users() iter.Seq[User] {
	return func(yield func(User) bool) {
		for _, u := range f.users {
			if !yield(u) {
				return
			}
		}
	}
}

// Groups returns every group in the order of the file. Its Members must not be
// changed.
func (f *UserFiles) Groups() iter.Seq[Group] {
	return func(yield func(Group) bool) {
		for _, g := range f.groups {
			if !yield(g) {
				return
			}
		}
	}
}
