package policy

import (
	"net/netip"
	"slices"
	"time"
)

// OriginDefault is the origin of a value that nobody wrote.
const OriginDefault = "default"

// Effective is one account's settings folded with its groups' (product.md §4).
// Every value knows where it came from: a Setting its place, and Origin or the
// entry itself the account or group. It is immutable.
type Effective struct {
	// Scalars holds the single values after the merge. Its lists are empty:
	// they are the fields below, with an origin for each element.
	Scalars Settings
	// ExpiresAt is the account's own, or its creation plus the primary group's
	// expires_in.
	ExpiresAt Setting[time.Time]

	// GroupQuota is what the members of the primary group share, nil where
	// they share nothing. It is not in Scalars: both limits apply.
	GroupQuota *GroupQuota

	Permissions    []Grant
	FilePatterns   []Pattern
	VirtualFolders []Virtual

	BandwidthLimits    []From[BandwidthLimit]
	DataTransferLimits []From[DataTransferLimit]
	AllowedIP          []From[netip.Prefix]
	DeniedIP           []From[netip.Prefix]
	DeniedLoginMethods []From[string]
	DeniedProtocols    []From[string]
	TwoFactorProtocols []From[string]
	WebClient          []From[string]
	AccessTime         []From[AccessTime]

	account       *Account
	primary       *Group               // nil for none
	origins       [len(scalars)]string // parallel to scalars, "" for not set
	expiresOrigin string
}

// GroupQuota is the quota of a group with quota_scope = "group": one bucket for
// all whose primary group it is, "group:NAME" (product.md §9). What is not Set is
// not limited.
type GroupQuota struct {
	Group  string
	Size   Setting[Limit] // bytes
	Files  Setting[Limit] // regular files
	Inodes Setting[Limit] // everything
}

// From is an element of a merged list, with the account or group it came from.
type From[T any] struct {
	Value  T
	Origin string
	At     Pos
}

// Has reports whether a merged list holds a value.
func Has[T comparable](list []From[T], value T) bool {
	return slices.ContainsFunc(list, func(f From[T]) bool { return f.Value == value })
}

// Grant is one permission entry of a view: what may be done with the names in
// the directories that Path (which may hold globs) stands for.
type Grant struct {
	Rule
	Verbs Verbs

	implied bool // of lowest precedence: any other entry for the directory displaces it
}

// Pattern is one file-pattern entry of a view (product.md §6).
type Pattern struct {
	Rule
	Allowed []string
	Denied  []string
	Hide    bool // deny_policy = "hide"
}

// Virtual is one virtual folder of a view.
type Virtual struct {
	Rule             // Path: where it lies in the view
	Folder *Folder   // the backing directory
	Source string    // Folder's source, expanded, with the subpath
	Entry  *Mounting // as it was written
}

// ScalarKeys returns the names of the settings of which an account has one
// value, as they are called in the configuration.
func ScalarKeys() []string {
	list := make([]string, len(scalars))
	for i, s := range scalars {
		list[i] = s.key
	}
	return list
}

// Origin returns where the value of a key came from of which an account has one
// value: "account:NAME", "group:NAME" or "default".
func (e *Effective) Origin(key string) string {
	if key == "expires_at" && e.expiresOrigin != "" {
		return e.expiresOrigin
	}
	for i, s := range scalars {
		if s.key == key && e.origins[i] != "" {
			return e.origins[i]
		}
	}
	if own := e.account; own != nil && ownSet(own, key) {
		return "account:" + own.Name
	}
	return OriginDefault
}

// ceiling returns what the account's kind leaves of every permission: of an
// anonymous account's, list and download (product.md §10).
func (e *Effective) ceiling() Verbs {
	if e.Scalars.Anonymous.Value {
		return verbsAnonymous
	}
	return VerbAll
}

// ownSet reports whether a key that only accounts have is written.
func ownSet(a *Account, key string) bool {
	switch key {
	case "uid":
		return a.UID.Set
	case "password_hash":
		return a.PasswordHash.Set
	case "enabled":
		return a.Enabled.Set
	case "created_at":
		return a.CreatedAt.Set
	case "primary_group":
		return a.PrimaryGroup.Value != ""
	}
	return false
}
