package account

import (
	"time"

	"grantfs/policy"
)

// Entry is what the policy says of one account, as far as its Unix side goes.
type Entry struct {
	Name         string
	At           policy.Pos // where problems with it are reported
	UID          policy.Setting[uint32]
	PasswordHash policy.Setting[string] // seeds an empty credential only
	Created      time.Time              // zero if nobody knows
	Locked       bool
	Why          string // it is locked
	Main         bool
	Sites        []string // URIs
	Groups       []string // of ServedGroups, besides the primary group
}

// Users knows the users and groups of the host's passwd and group files. An
// implementation never asks NSS.
type Users interface {
	User(name string) (uid, gid uint32, ok bool)
	Group(name string) (gid uint32, ok bool)
	// UIDName returns the first user that has uid.
	UIDName(uid uint32) (string, bool)
}

// PrimaryGroup is the primary group of every account that is not adopted. The
// rendered configurations of sshd and vsftpd match it.
const PrimaryGroup = "grantfs"

// The groups besides PrimaryGroup that rendered configurations match.
const (
	GroupTwoFactor   = "grantfs-2fa"         // must log in with a second factor
	GroupNoPassword  = "grantfs-nopassword"  // can't log in with a password, however it is asked for
	GroupNoPublicKey = "grantfs-nopublickey" // can't log in with a key
	GroupNoKeyboard  = "grantfs-nokeyboard"  // can't log in by keyboard-interactive
	GroupNoSSH       = "grantfs-nossh"       // can't log in over SSH
)

// servedGroups are the groups that the daemon serves where the group file has
// none of that name. A group's gid is the first id of the uid range plus its
// position here, so the order never changes.
var servedGroups = []string{
	PrimaryGroup, GroupTwoFactor, GroupNoPassword, GroupNoPublicKey, GroupNoKeyboard, GroupNoSSH,
}

// ServedGroups returns the names of the groups that the daemon serves.
func ServedGroups() []string { return append([]string(nil), servedGroups...) }

// reservedIDs is how many ids at the start of the uid range are kept for groups.
const reservedIDs = 16
