package policy

import (
	"net/netip"
	"time"
)

// Input is everything a policy is compiled from: the configuration's accounts,
// groups, folders and sites together with what was discovered on the host
// (product.md §3, §11). The order of its slices never matters, except where a
// field says so.
type Input struct {
	Accounts        []Account
	Groups          []Group
	Folders         []Folder
	Sites           []Site
	Point           string // the mount point; no source may be above, below or equal to it
	UnownedAll      bool   // aegir.unowned = "all"
	StrictConflicts bool   // a conflict between secondary groups is an error
}

// Setting is one value that was written down, with its place. A Setting that
// is not Set is inherited or defaulted (product.md §4).
type Setting[T any] struct {
	Value T
	At    Pos
	Set   bool
}

// Limit is a number of bytes, files, sessions or bytes per second, or no limit
// at all. "Unlimited" is a state of its own, never a special number.
type Limit struct {
	N         int64
	Unlimited bool
}

// Settings are the keys that accounts and groups share.
type Settings struct {
	At      Pos  // the table's header
	Refused bool // a key of the table was refused where it is written: the table says less than was meant

	HomeDir      Setting[string]
	HomeOwner    Setting[string] // "user:group" for a home that grantfs creates; already resolved in HomeOwnerIDs
	HomeOwnerIDs *IDs            // nil where HomeOwner is not set
	HomeMode     Setting[uint32]
	Filesystem   Setting[string] // provider; only "local" exists yet

	MaxSessions       Setting[Limit]
	QuotaSize         Setting[Limit]
	QuotaFiles        Setting[Limit]
	QuotaInodes       Setting[Limit]
	UploadBandwidth   Setting[Limit] // bytes per second
	DownloadBandwidth Setting[Limit] // bytes per second
	MaxUploadFileSize Setting[Limit]

	UploadDataTransfer   Setting[Limit]
	DownloadDataTransfer Setting[Limit]
	TotalDataTransfer    Setting[Limit]
	TransferPeriod       Setting[string] // "month", "day", "never"

	// A duration that is Set to 0 is "unlimited": a written 0 is not Set.
	ExternalAuthCacheTime   Setting[time.Duration]
	DefaultSharesExpiration Setting[time.Duration]
	MaxSharesExpiration     Setting[time.Duration]
	PasswordExpiration      Setting[time.Duration]
	IdleTimeout             Setting[time.Duration]
	ExpiresIn               Setting[time.Duration] // groups
	PasswordStrength        Setting[int64]         // bits of entropy
	FTPSecurity             Setting[int64]

	TLSUsername               Setting[string]
	CheckPasswordHook         Setting[string]
	PreLoginHook              Setting[string]
	ExternalAuthHook          Setting[string]
	CheckPasswordHookDisabled Setting[bool]
	PreLoginHookDisabled      Setting[bool]
	ExternalAuthHookDisabled  Setting[bool]
	FilesystemChecksDisabled  Setting[bool]
	AllowAPIKeyAuth           Setting[bool]
	Anonymous                 Setting[bool]
	Passthrough               Setting[bool]
	StartDirectory            Setting[string]

	VirtualFolders     []Mounting
	FilePatterns       []FilePatterns
	Permissions        []Permission
	BandwidthLimits    []BandwidthLimit
	DataTransferLimits []DataTransferLimit

	AllowedIP          []Setting[netip.Prefix]
	DeniedIP           []Setting[netip.Prefix]
	DeniedLoginMethods []Setting[string]
	DeniedProtocols    []Setting[string]
	TwoFactorProtocols []Setting[string]
	WebClient          []Setting[string]
	AccessTime         []AccessTime
}

// Account is a login, configured or discovered (product.md §2, §10).
type Account struct {
	Name string
	Settings

	UID          Setting[uint32]
	PasswordHash Setting[string]
	Enabled      Setting[bool]
	CreatedAt    Setting[time.Time]
	ExpiresAt    Setting[time.Time]

	PrimaryGroup     Setting[string]   // empty means none
	SecondaryGroups  []Setting[string] // the order written is the order merged
	MembershipGroups []Setting[string]

	Instance   string // the name of the instance a discovered account belongs to, e.g. "o1"
	Client     string // the Aegir client behind it, empty for a main account
	Main       bool   // sees every site of Instance
	Discovered bool
}

// Group is a named set of settings that accounts inherit.
type Group struct {
	Name string
	Settings
	QuotaScope Setting[string] // "member" (default) or "group"
	Referenced bool            // something besides the accounts names it, such as aegir.client_primary_group
}

// Folder is a named backing directory (SFTPGo's virtual folder).
type Folder struct {
	Name        string
	At          Pos
	Refused     bool            // a key of the table was refused where it is written
	Source      Setting[string] // may hold placeholders
	Owner       Setting[string] // "inherit" or "user:group"; already resolved in OwnerIDs
	OwnerIDs    *IDs            // nil means inherit
	GroupWrite  Setting[bool]
	Modes       Setting[string] // "policy" or "client"
	UserXattrs  Setting[bool]
	Passthrough Setting[bool]
	Discovered  bool // nobody wrote it: that its source overlaps others is by design
}

// IDs is a numeric owner and group.
type IDs struct{ UID, GID uint32 }

// Mounting places a folder at a path of a view ("virtual_folders").
type Mounting struct {
	At          Pos
	Folder      Setting[string]
	Path        Setting[string] // may hold placeholders
	Subpath     Setting[string]
	QuotaSize   Setting[int64] // 0 unlimited, -1 charged to the account
	QuotaFiles  Setting[int64]
	Permissions []Setting[string]
	HasPerms    bool // Permissions was written, be it empty
	ReadOnly    Setting[bool]
	// Discovered says that nobody wrote the entry: like a site it then brings
	// ["*"] of lowest precedence at its path (product.md §5, §11).
	Discovered bool
}

// FilePatterns is one entry of "file_patterns" (product.md §6).
type FilePatterns struct {
	At         Pos
	Path       Setting[string]
	Allowed    []Setting[string]
	Denied     []Setting[string]
	DenyPolicy Setting[string] // "deny" (default) or "hide"
}

// Permission is one entry of "permissions": the verbs for a path or glob.
type Permission struct {
	Path  Setting[string]
	Verbs []Setting[string]
}

// BandwidthLimit is one entry of "bandwidth_limits".
type BandwidthLimit struct {
	At                Pos
	Sources           []Setting[netip.Prefix]
	UploadBandwidth   Setting[Limit]
	DownloadBandwidth Setting[Limit]
}

// DataTransferLimit is one entry of "data_transfer_limits".
type DataTransferLimit struct {
	At                   Pos
	Sources              []Setting[netip.Prefix]
	UploadDataTransfer   Setting[Limit]
	DownloadDataTransfer Setting[Limit]
	TotalDataTransfer    Setting[Limit]
}

// AccessTime is one window in which an account may be used. One that ends before
// it begins goes on into the next day.
type AccessTime struct {
	At       Pos
	Weekday  time.Weekday
	From     int            // minutes after midnight, inclusive
	To       int            // minutes after midnight, inclusive
	Zone     string         // IANA name, "UTC" by default
	Location *time.Location // what Zone was resolved to; nil is right for UTC only
}

// Site is one site, configured or discovered (product.md §2, §11).
type Site struct {
	URI          string
	Instance     string // "" outside Aegir
	At           Pos    // the table or the alias file
	Source       string // absolute directory
	OwnerAccount string // "" for none
	Unowned      bool   // discovered without an owner; see Input.UnownedAll
	Enabled      bool
	Preset       string // "aegir" or "none"
	QuotaSize    Setting[Limit]
	QuotaFiles   Setting[Limit]
	Stores       []Store
}

// Store is one place outside a site that a link of the site's top level may
// lead to (product.md §11): the link Name ("files", "private"), whose text is
// Text, is followed to exactly Path and shown as a directory.
type Store struct {
	Name string
	Text string // as it is written in the link; empty: the same as Path
	Path string // with the links in it resolved
}
