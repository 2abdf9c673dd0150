package aegir

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

const (
	aliasSuffix    = ".alias.drushrc.php"
	platformPrefix = "platform_"

	maxName = 255  // bytes of a name and of a path that Linux allows, with room
	maxPath = 3500 // for what is appended to a path here
)

// aliasName returns the name of the alias that a file of .drush holds; false if
// the file is none of ours: no alias, the panel itself, a server, a leftover
// (product.md §11).
func aliasName(file string) (name string, ok bool) {
	name, ok = strings.CutSuffix(file, aliasSuffix)
	if !ok || name == "" || name[0] == '.' {
		return "", false
	}
	switch name {
	case "hm", "none", "self":
		return "", false
	}
	for _, prefix := range []string{"hostmaster", "server_"} {
		if strings.HasPrefix(name, prefix) {
			return "", false
		}
	}
	return name, !strings.HasSuffix(name, ".restore")
}

// isHostname reports whether s is a lower-case host name that can be the name
// of a site's directory. "all" and "default" are Drupal's own directories.
func isHostname(s string) bool {
	if s == "" || len(s) > 253 || s == "all" || s == "default" {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && !isDigit(c) && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}

// isPlatformName reports whether s can be a name in the main account's
// /platforms.
func isPlatformName(s string) bool {
	if s == "" || len(s) > 128 || s[0] == '.' {
		return false
	}
	for _, c := range []byte(s) {
		if c >= 0x80 || !isWord(c) && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// isClientDir reports whether a client's name can be a directory of clients/.
func isClientDir(s string) bool {
	return s != "" && s[0] != '.' && len(s) <= maxName && !strings.ContainsRune(s, '/')
}

// insidePath checks a path that an alias claims: absolute, without detours, and
// inside dir. A percent sign is refused because sources of folders have
// placeholders. A trailing slash is dropped.
func insidePath(dir, p string) (string, error) {
	if len(p) > 1 {
		p = strings.TrimSuffix(p, "/")
	}
	switch {
	case !path.IsAbs(p):
		return "", errors.New("is not absolute")
	case path.Clean(p) != p:
		return "", errors.New(`has ".", ".." or empty components`)
	case !within(dir, p):
		return "", fmt.Errorf("is not inside %s", dir)
	case len(p) > maxPath || slices.ContainsFunc(strings.Split(p, "/"), func(name string) bool { return len(name) > maxName }):
		return "", errors.New("is too long")
	case strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == '%' }):
		return "", errors.New("has characters that no path of an instance has")
	}
	return p, nil
}

// ownTree returns the directory of the instance dir that Aegir keeps for itself,
// if p lies in one: no site or platform is there, and no account may write there
// (product.md §11).
func ownTree(dir, p string) (string, bool) {
	for _, name := range []string{".drush", "config", "aegir", "log", "backups", "clients"} {
		if own := dir + "/" + name; p == own || within(own, p) {
			return own, true
		}
	}
	return "", false
}
