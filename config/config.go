package config

import (
	"time"

	"grantfs/policy"
)

// Config is everything the configuration files say (product.md §3), with the
// place of each value. It holds no derived policy: see policy.Compile.
type Config struct {
	Path    string   // the main file
	Files   []string // every file read, in order
	Mount   Mount
	Metrics Metrics
	Aegir   Aegir
	Policy  policy.Input // accounts, groups, folders and sites of the files
}

// Mount is the [mount] table.
type Mount struct {
	Point        policy.Setting[string]
	State        policy.Setting[string]
	Control      policy.Setting[string]
	EntryTimeout policy.Setting[time.Duration]
	UIDRange     policy.Setting[[2]uint32]
	MinFree      policy.Setting[MinFree]
}

// MinFree is how much of each backing file system is kept free: Bytes, or
// Percent of its size.
type MinFree struct {
	Bytes   int64
	Percent float64
}

// Metrics is the [metrics] table.
type Metrics struct {
	Listen policy.Setting[string]
}

// Aegir is the [aegir] table.
type Aegir struct {
	Instances             []policy.Setting[string]
	Unowned               policy.Setting[string] // "none" or "all"
	ClientPrimaryGroup    policy.Setting[string]
	ClientSecondaryGroups []policy.Setting[string]
	MainPrimaryGroup      policy.Setting[string]
	RequireClientLink     policy.Setting[bool]
	Reveal                policy.Setting[string] // "until-first-login" or "always"
}
