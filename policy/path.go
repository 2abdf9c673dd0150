package policy

import (
	"fmt"
	"strings"
)

// Limits of what may stand in a configured path: those of Linux.
const (
	maxName = 255
	maxPath = 4095
)

// cleanPath returns the absolute path p without a trailing slash. Components
// that are empty, "." or ".." are errors, not cleaned away: two spellings of one
// path must not become two rules (product.md §3).
func cleanPath(p string) (string, error) {
	if !strings.HasPrefix(p, "/") {
		return "", fmt.Errorf("%q is not absolute", p)
	}
	if p == "/" {
		return p, nil
	}
	p = strings.TrimSuffix(p, "/")
	if err := checkComponents(p[1:]); err != nil {
		return "", fmt.Errorf("%q %w", short(p), err)
	}
	return p, nil
}

// cleanRelative is cleanPath for a path below some directory.
func cleanRelative(p string) (string, error) {
	if strings.HasPrefix(p, "/") {
		return "", fmt.Errorf("%q is not relative", short(p))
	}
	p = strings.TrimSuffix(p, "/")
	if err := checkComponents(p); err != nil {
		return "", fmt.Errorf("%q %w", short(p), err)
	}
	return p, nil
}

func checkComponents(p string) error {
	if len(p) > maxPath {
		return fmt.Errorf("is longer than %d bytes", maxPath)
	}
	for name := range strings.SplitSeq(p, "/") {
		switch {
		case name == "":
			return fmt.Errorf("has an empty component")
		case name == "." || name == "..":
			return fmt.Errorf("has a component %q", name)
		case len(name) > maxName:
			return fmt.Errorf("has a component longer than %d bytes", maxName)
		case strings.ContainsRune(name, 0):
			return fmt.Errorf("has a NUL byte")
		}
	}
	return nil
}

// short returns p, cut where a message could not show it all.
func short(p string) string {
	if len(p) > 120 {
		return p[:117] + "..."
	}
	return p
}

// plainName reports whether s is one component of a path.
func plainName(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= maxName && !strings.ContainsAny(s, "/\x00")
}

// under reports whether the clean absolute path p is dir or lies below it.
func under(p, dir string) bool {
	return dir == "/" || p == dir || (len(p) > len(dir) && p[len(dir)] == '/' && strings.HasPrefix(p, dir))
}

// overlap reports whether one of the clean absolute paths holds the other.
func overlap(p, q string) bool { return under(p, q) || under(q, p) }

// join returns the clean path of the relative path rel (or "") below dir.
func join(dir, rel string) string {
	switch {
	case rel == "":
		return dir
	case dir == "/":
		return "/" + rel
	}
	return dir + "/" + rel
}

// split returns the components of a clean absolute path.
func split(p string) []string {
	if p == "/" {
		return nil
	}
	return strings.Split(p[1:], "/")
}
