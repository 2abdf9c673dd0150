package policy

import (
	"net/netip"
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

	origins       [len(scalars)]string // parallel to scalars, "" for not set
	expiresOrigin string
}

// From is an element of a merged list, with the account or group it came from.
type From[T any] struct {
	Value  T
	Origin string
	At     Pos
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

// Origin returns where the value of a scalar key came from: "account:NAME",
// "group:NAME" or "default".
func (e *Effective) Origin(key string) string {
	if key == "expires_at" && e.expiresOrigin != "" {
		return e.expiresOrigin
	}
	for i, s := range scalars {
		if s.key == key && e.origins[i] != "" {
			return e.origins[i]
		}
	}
	return OriginDefault
}
