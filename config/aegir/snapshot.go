package aegir

import (
	"strings"

	"grantfs/policy"
)

// Snapshot is what was found on the host: immutable, safe for concurrent use.
type Snapshot struct {
	Instances []Instance // sorted by name
}

// Instance is one Aegir/Octopus tree. An instance whose directory can't be read
// is still listed, without sites: its name is taken.
type Instance struct {
	Name      string // base name of Dir, the first part of its logins
	Dir       string
	At        policy.Pos // where the configuration names it
	Sites     []Site     // sorted by URI
	Platforms []Platform // sorted by name
	Trees     []Tree     // what the main account sees besides sites, sorted by path
	Attached  string     // directory on another disk that static/files is a link to; empty if it is none
}

// Site is one site that an alias describes. Its directory lies inside the
// instance and ends in /sites/URI.
type Site struct {
	URI     string
	Source  string     // absolute directory
	At      policy.Pos // the alias
	Client  string     // the owner; empty for none ("admin" is none)
	Enabled bool
	Missing bool // the directory is not there (now)
	Barred  bool // Client is named but is not given the site; a warning says why
	Stores  []policy.Store
}

// Platform is one platform that an alias describes.
type Platform struct {
	Name string // the alias' name without "platform_"
	Root string // absolute directory as the alias says, inside the instance
	At   policy.Pos
}

// Tree is a directory of an instance that its main account sees (product.md §11).
// It was a directory when Discover looked.
type Tree struct {
	Name     string // "static", "backups", "platforms.NAME"
	Path     string // in the view
	Source   string // absolute directory
	ReadOnly bool
}

// noClient is the client of Aegir's own administrator: it owns nothing.
const noClient = "admin"

// within reports whether the clean path is below the clean directory dir.
func within(dir, path string) bool {
	return strings.HasPrefix(path, dir+"/")
}
