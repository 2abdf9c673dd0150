package host

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// User is one line of /etc/passwd.
type User struct {
	Name     string
	UID, GID int
	Home     string
	Password string // in clear; empty: no password login
}

// Group is one line of /etc/group.
type Group struct {
	Name    string
	GID     int
	Members []string
}

// The users and groups that BOA's own scripts make on a machine with the
// instances o1 and o2. o2.ftp is left out on purpose: grantfs adopts o1.ftp,
// which is there, and serves o2.ftp itself.
var (
	boaUsers = []User{
		{Name: "o1", UID: 1001, GID: 1001, Home: "/data/disk/o1"},
		{Name: "o1.ftp", UID: 1002, GID: 1001, Home: "/home/o1.ftp", Password: MainPassword},
		{Name: "o1.web", UID: 1003, GID: 33, Home: "/home/o1.web"},
		{Name: "o2", UID: 1101, GID: 100, Home: "/data/disk/o2"},
		{Name: "o2.web", UID: 1103, GID: 33, Home: "/home/o2.web"},
	}
	boaGroups = []Group{
		{Name: "grantfs", GID: 5000, Members: []string{"o1.ftp"}},
		{Name: "o1", GID: 1001},
		{Name: "lshellg", GID: 5001, Members: []string{"o1.ftp"}},
	}
)

// addUsers writes users and groups to the copy's /etc. Lines that have the same
// name or number are the machine's own and have no place in the copy.
func addUsers(users []User, groups []Group) error {
	var passwd, shadow, group []string
	taken := map[string]bool{} // "file/name" and "file/number"
	for _, u := range users {
		hash := "!"
		if u.Password != "" {
			var err error
			if hash, err = Hash(u.Password); err != nil {
				return err
			}
		}
		passwd = append(passwd, fmt.Sprintf("%s:x:%d:%d::%s:/usr/sbin/nologin", u.Name, u.UID, u.GID, u.Home))
		shadow = append(shadow, fmt.Sprintf("%s:%s:20000:0:99999:7:::", u.Name, hash))
		taken["passwd/"+u.Name], taken["shadow/"+u.Name] = true, true
		taken[fmt.Sprintf("passwd/%d", u.UID)] = true
	}
	for _, g := range groups {
		group = append(group, fmt.Sprintf("%s:x:%d:%s", g.Name, g.GID, strings.Join(g.Members, ",")))
		taken["group/"+g.Name] = true
		taken[fmt.Sprintf("group/%d", g.GID)] = true
	}
	for _, u := range users {
		if err := makeHome(u); err != nil {
			return err
		}
	}
	for file, lines := range map[string][]string{"passwd": passwd, "shadow": shadow, "group": group} {
		if err := merge(file, lines, taken); err != nil {
			return err
		}
	}
	return nil
}

// makeHome makes the home directory of a user below /home. vsftpd needs it, even
// where local_root sends the user elsewhere.
func makeHome(u User) error {
	if !strings.HasPrefix(u.Home, "/home/") {
		return nil
	}
	if err := os.MkdirAll(u.Home, 0o700); err != nil {
		return fmt.Errorf("make the home of %s: %w", u.Name, err)
	}
	if err := os.Chown(u.Home, u.UID, u.GID); err != nil {
		return fmt.Errorf("make the home of %s: %w", u.Name, err)
	}
	return nil
}

func merge(file string, lines []string, taken map[string]bool) error {
	path := "/etc/" + file
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("add users: %w", err)
	}
	st, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("add users: %w", err)
	}
	var kept []string
	for line := range strings.Lines(string(old)) {
		line = strings.TrimSuffix(line, "\n")
		fields := strings.SplitN(line, ":", 4)
		if taken[file+"/"+fields[0]] || file != "shadow" && len(fields) > 2 && taken[file+"/"+fields[2]] {
			continue
		}
		kept = append(kept, line)
	}
	text := strings.Join(append(kept, lines...), "\n") + "\n"
	if err := os.WriteFile(path, []byte(text), st.Mode().Perm()); err != nil {
		return fmt.Errorf("add users: %w", err)
	}
	return nil
}

// Hash returns the crypt(3) SHA-512 hash of a password.
func Hash(password string) (string, error) {
	cmd := exec.Command("openssl", "passwd", "-6", "-stdin")
	cmd.Stdin = strings.NewReader(password + "\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("hash a password: %w: %s", err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
