package policy

import "strings"

// The presets of product.md §11.
const (
	presetAegir = "aegir"
	presetNone  = "none"
)

// region is the part of a protected site that a directory lies in: the state of
// a small machine that descends with the path.
type region uint8

const (
	regionNone   region = iota // in no protected site
	regionTop                  // the top level of a site
	regionStore                // the top level of files or private
	regionFree                 // what the account's permissions govern alone
	regionLocked               // read-only
)

// child returns the region of the directory called name in r.
func (r region) child(name string) region {
	switch r {
	case regionTop:
		switch name {
		case "modules", "themes", "libraries", "vendor":
			return regionFree
		case "files", "private":
			return regionStore
		}
		return regionLocked
	case regionStore:
		return regionFree
	}
	return r
}

// verbsPlace are the verbs that make, remove, replace or move a name.
const verbsPlace = VerbUpload | VerbOverwrite | VerbDeleteFiles | VerbDeleteDirs |
	VerbRenameFiles | VerbRenameDirs | VerbCreateDirs | VerbCreateSymlinks

// protects returns the verbs that the preset takes away from t in a directory
// of region r, and whether it hides t. (For the main account it hides nothing,
// but what it would hide stays read-only.)
func (r region) protects(t Target, main bool) (removed Verbs, hidden bool) {
	if r == regionNone {
		return 0, false
	}
	removed = VerbCreateSymlinks
	if secretName(t.Name) {
		removed |= VerbsChange
		hidden = !main
	}
	if strings.HasSuffix(t.Name, ".drush.inc") || t.Name == "apps-allow.info" {
		removed |= VerbUpload | VerbCreateDirs
	}
	switch r {
	case regionTop:
		removed |= topLevel(t)
	case regionStore:
		if t.Name == ".htaccess" {
			removed |= VerbsChange
		}
	case regionLocked:
		removed |= VerbsChange
	}
	return removed, hidden
}

// openedPerm is the mode on disk of a local.settings.php that may be edited.
const openedPerm = 0o660

// topLevel returns the verbs that a site's locked top level takes away from t.
func topLevel(t Target) Verbs {
	const locked = verbsPlace &^ VerbOverwrite
	switch {
	case t.Name == "local.settings.php" && t.Perm&0o7777 == openedPerm:
		// The owner of the site has opened it for editing (facts: "Reset
		// password" makes it 0660 until the next Verify).
		return VerbsChange &^ VerbOverwrite
	case strings.HasSuffix(t.Name, ".php"), t.Name == "services.yml":
		return VerbsChange
	case t.Type == TypeDir && regionTop.child(t.Name) == regionLocked:
		return VerbsChange
	}
	return locked
}

// secretName reports whether name holds credentials in a site.
func secretName(name string) bool {
	return strings.HasSuffix(name, ".php") &&
		(name == "drushrc.php" || name == "civicrm.settings.php" || strings.HasSuffix(name, ".alias.drushrc.php"))
}

// hidesNames reports whether the preset hides some names from the account
// somewhere below a directory of region r.
func (r region) hidesNames(main bool) bool { return r != regionNone && !main }

// protects returns the verbs that the presets take away from t in a directory
// at s. A site and the directories on the way to it keep their names, also
// where no preset governs what is beside them: moved away, a site would lose its
// protection.
func (s spot) protects(t Target, main bool) (removed Verbs, hidden bool, rule *Rule) {
	if s.region != regionNone {
		removed, hidden = s.region.protects(t, main)
		rule = s.site.rule
	}
	if s.node != nil {
		if n := s.node.children[t.Name]; n != nil {
			removed |= verbsPlace
			if rule == nil {
				rule = n.rule
			}
		}
	}
	return removed, hidden, rule
}
