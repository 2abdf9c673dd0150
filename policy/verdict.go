package policy

// Reason says why something is refused. The list is closed (product.md §13).
type Reason uint8

// The reasons.
const (
	ReasonNone Reason = iota // allowed
	ReasonNoPermission
	ReasonPattern       // a file pattern denies the name
	ReasonHidden        // a file pattern or preset hides the name
	ReasonPreset        // the site's preset protects it
	ReasonMountReadOnly // the mount's own permissions or read_only
	ReasonMountPoint    // a mount point or an ancestor of one
	ReasonSynthetic     // inside a directory that only the view provides
	ReasonNoSuchPlace   // the path leads nowhere in this view
	ReasonGainsDownload // the move would make existing content readable
	ReasonEntry         // an entry is tied to the directory's name, or to one below
	ReasonAcrossMounts  // can't be moved between these places
	ReasonNever         // refused by design for everybody
	ReasonSymlink       // the link's text is absolute or leaves its mount
	ReasonForeignUID    // the caller is not the view's account
	ReasonForeignDevice // another file system below the source
	ReasonOwnIDsOnly    // chown to somebody else's ids
	ReasonFrozen        // by the admin, for now: see Set.Freeze
	ReasonNoSession     // limits go by the client's address, and the caller is of no session
	reasonCount
)

var reasonNames = [reasonCount]string{
	ReasonNone:          "",
	ReasonNoPermission:  "no_permission",
	ReasonPattern:       "pattern",
	ReasonHidden:        "hidden",
	ReasonPreset:        "preset",
	ReasonMountReadOnly: "mount_read_only",
	ReasonMountPoint:    "mount_point",
	ReasonSynthetic:     "synthetic",
	ReasonNoSuchPlace:   "no_such_place",
	ReasonGainsDownload: "gains_download",
	ReasonEntry:         "entry",
	ReasonAcrossMounts:  "across_mounts",
	ReasonNever:         "never",
	ReasonSymlink:       "symlink",
	ReasonForeignUID:    "foreign_uid",
	ReasonForeignDevice: "foreign_device",
	ReasonOwnIDsOnly:    "own_ids_only",
	ReasonFrozen:        "frozen",
	ReasonNoSession:     "no_session",
}

// String returns the name of r as it stands in metrics, logs and explain.
func (r Reason) String() string {
	if r >= reasonCount {
		return "unknown"
	}
	return reasonNames[r]
}

// Reasons returns every reason for a refusal.
func Reasons() []Reason {
	list := make([]Reason, 0, reasonCount)
	for r := ReasonNone + 1; r < reasonCount; r++ {
		list = append(list, r)
	}
	return list
}

// Class is the kind of error a refusal is shown as; package fs maps it to an
// errno (product.md §5, "Errors").
type Class uint8

// The classes.
const (
	ClassRefused     Class = iota // EACCES
	ClassHidden                   // ENOENT
	ClassBusy                     // EBUSY
	ClassCross                    // EXDEV
	ClassNotOwner                 // EPERM
	ClassUnsupported              // EOPNOTSUPP
)

// Rule is the entry of the configuration that decided.
type Rule struct {
	Origin string // "account:NAME", "group:NAME", "folder:NAME", "preset:aegir", "default"
	At     Pos
	Path   string // the entry's path in the view, expanded
}

// Verdict is the answer to one question. The zero Verdict is "allowed".
type Verdict struct {
	Reason Reason
	Class  Class
	Rule   *Rule // nil where no entry decided
}

// Allowed reports whether v permits.
func (v Verdict) Allowed() bool { return v.Reason == ReasonNone }
