package policy

// Reason says why something is refused. The list is closed (product.md §13).
type Reason uint8

// The reasons; reasons says what each means.
const (
	ReasonNone Reason = iota // allowed
	ReasonNoPermission
	ReasonPattern
	ReasonHidden
	ReasonPreset
	ReasonMountReadOnly
	ReasonMountPoint
	ReasonSynthetic
	ReasonNoSuchPlace
	ReasonGainsDownload
	ReasonEntry
	ReasonAcrossMounts
	ReasonNever
	ReasonSymlink
	ReasonForeignUID
	ReasonForeignDevice
	ReasonOwnIDsOnly
	ReasonFrozen
	ReasonNoSession
	reasonCount
)

// reasons holds the name of each reason and what it means, for the manual.
var reasons = [reasonCount]struct{ name, text string }{
	ReasonNone:          {"", "allowed"},
	ReasonNoPermission:  {"no_permission", "the permissions in force there have none of the verbs that it needs"},
	ReasonPattern:       {"pattern", "a file pattern denies the name"},
	ReasonHidden:        {"hidden", "a file pattern or the site's preset hides the name"},
	ReasonPreset:        {"preset", "the site's preset protects it"},
	ReasonMountReadOnly: {"mount_read_only", "the mount's own permissions or its read_only take it away"},
	ReasonMountPoint:    {"mount_point", "it is a mount point or leads to one, and stays where it is"},
	ReasonSynthetic:     {"synthetic", "it lies in a directory that only the view provides"},
	ReasonNoSuchPlace:   {"no_such_place", "the path leads nowhere in this view"},
	ReasonGainsDownload: {"gains_download", "the move would make content readable that is not"},
	ReasonEntry:         {"entry", "an entry of the configuration is tied to the directory's name, or to one below it"},
	ReasonAcrossMounts:  {"across_mounts", "it can't be moved between these places"},
	ReasonNever:         {"never", "it is refused to everybody, by design"},
	ReasonSymlink:       {"symlink", "the link's text is absolute or leaves its mount"},
	ReasonForeignUID:    {"foreign_uid", "who asks is not the account that the view is of"},
	ReasonForeignDevice: {"foreign_device", "another file system is mounted there, below the source"},
	ReasonOwnIDsOnly:    {"own_ids_only", "nothing can be given to somebody else"},
	ReasonFrozen:        {"frozen", "the admin has made it read-only for now"}, // see Set.Freeze
	ReasonNoSession:     {"no_session", "limits go by the client's address, and who asks is of no session"},
}

// String returns the name of r as it stands in metrics, logs and explain.
func (r Reason) String() string {
	if r >= reasonCount {
		return "unknown"
	}
	return reasons[r].name
}

// Text says what r means, in a line.
func (r Reason) Text() string {
	if r >= reasonCount {
		return "unknown"
	}
	return reasons[r].text
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
