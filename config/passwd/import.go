package passwd

import (
	"bytes"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"grantfs/policy"
)

// firstUserID and nobody bound the uids of people on Debian.
const (
	firstUserID = 1000
	nobody      = 65534
)

// Result is what Import makes of the files.
type Result struct {
	TOML     []byte    `json:"-"` // accounts of a configuration
	Accounts int       `json:"accounts"`
	Findings []Finding `json:"findings"` // never nil
}

// Finding is one thing that is not as it was. Why is for the admin to read.
type Finding struct {
	Where string `json:"where"` // "user NAME" or "FILE line N"
	Key   string `json:"key"`
	Why   string `json:"why"`
}

// String returns the line that "grantfs import passwd" prints for f.
func (f Finding) String() string { return fmt.Sprintf("%s: %s: %s", f.Where, f.Key, f.Why) }

// Import reads the people of a passwd file, in its order: those with uids from 1000
// on. Without a shadow file, nil, nobody has a password.
func Import(passwd, shadow []byte) Result {
	im := importer{secrets: secrets(shadow), names: map[string]bool{}, uids: map[uint64]string{}}
	im.result.Findings = []Finding{}
	im.toml.WriteString("# Imported from a passwd file.\n")
	for n, line := range lines(passwd) {
		im.user(n+1, strings.Split(line, ":"))
	}
	im.result.TOML = im.toml.Bytes()
	return im.result
}

func lines(data []byte) []string { return strings.Split(strings.TrimRight(string(data), "\n"), "\n") }

// secrets returns the fields of a shadow file by name; the first line of one counts.
func secrets(shadow []byte) map[string][]string {
	all := map[string][]string{}
	for _, line := range lines(shadow) {
		fields := strings.Split(line, ":")
		if _, ok := all[fields[0]]; !ok && len(fields) >= 8 {
			all[fields[0]] = fields
		}
	}
	return all
}

type importer struct {
	secrets map[string][]string
	names   map[string]bool
	uids    map[uint64]string
	toml    bytes.Buffer
	result  Result
}

func (im *importer) lost(where, key, why string) {
	im.result.Findings = append(im.result.Findings, Finding{where, key, why})
}

// user adds one line of the passwd file.
func (im *importer) user(line int, f []string) {
	if f[0] == "" || strings.ContainsAny(f[0][:1], "#+-") {
		return
	}
	where := "user " + f[0]
	if len(f) != 7 {
		im.lost(fmt.Sprintf("passwd line %d", line), "line", "it has not seven fields")
		return
	}
	name, home, shell := f[0], f[5], f[6]
	uid, err := strconv.ParseUint(f[2], 10, 32)
	if err != nil {
		im.lost(where, "uid", "it is no number")
		return
	}
	if uid < firstUserID || uid == nobody {
		return
	}
	if why := policy.AccountNameProblem(name); why != "" {
		im.lost(where, "name", why)
		return
	}
	if im.names[name] || im.uids[uid] != "" {
		im.lost(where, "uid", "another line before has this name or uid")
		return
	}
	im.names[name], im.uids[uid] = true, name
	im.result.Accounts++
	fmt.Fprintf(&im.toml, "\n[accounts.%q]\nuid = %d\n", name, uid)
	if path.IsAbs(home) && path.Clean(home) == home && home != "/" && home != "/nonexistent" && !strings.ContainsFunc(home, awkward) {
		fmt.Fprintf(&im.toml, "home_dir = %q\n", home)
	} else {
		im.lost(where, "home_dir", fmt.Sprintf("%q can't be a home", home))
	}
	if base := path.Base(shell); base != "nologin" && base != "false" {
		im.lost(where, "shell", "an account has files and no shell")
	}
	im.password(where, name)
}

// password adds what the shadow file says of a user.
func (im *importer) password(where, name string) {
	f, ok := im.secrets[name]
	if !ok {
		im.lost(where, "password", "no shadow file says it")
		return
	}
	switch hash := f[1]; {
	case hash == "":
		im.lost(where, "password", "it is empty, which no account's can be")
	case strings.HasPrefix(hash, "!"), strings.HasPrefix(hash, "*"):
		im.lost(where, "password", "it is locked; keys are not")
	case !strings.HasPrefix(hash, "$") || strings.Count(hash, "$") < 2 || strings.ContainsFunc(hash, awkward) || strings.Contains(hash, " "):
		im.lost(where, "password", "its kind of hash is too old")
	default:
		fmt.Fprintf(&im.toml, "password_hash = %q\n", hash)
	}
	if days, err := strconv.Atoi(f[4]); err == nil && days > 0 && days < 99999 {
		fmt.Fprintf(&im.toml, "password_expiration = \"%dd\"\n", days)
	}
	if days, err := strconv.Atoi(f[7]); err == nil && days >= 0 && days < 2_000_000 {
		fmt.Fprintf(&im.toml, "expires_at = %s\n", time.Unix(0, 0).UTC().AddDate(0, 0, days).Format(time.RFC3339))
	}
}

// awkward reports whether r has no place in a TOML string, or stands for something
// else in a path of the configuration.
func awkward(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError || strings.ContainsRune(`%"\`, r)
}
