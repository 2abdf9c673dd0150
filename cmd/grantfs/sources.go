package main

import (
	"strings"

	"grantfs/fs/backing"
	"grantfs/policy"
)

// resolveSources replaces the symlinks in sources by what they lead to, once, at
// load (product.md §3): the policy compares sources by their text to see which
// lies in which. A source that is missing, or whose links are not root's own,
// stays as it is written; opening it fails then.
func resolveSources(in *policy.Input) {
	for i := range in.Folders {
		resolveSetting(&in.Folders[i].Source)
	}
	for i := range in.Accounts {
		resolveSetting(&in.Accounts[i].HomeDir)
	}
	for i := range in.Groups {
		resolveSetting(&in.Groups[i].HomeDir)
	}
	for i := range in.Sites {
		in.Sites[i].Source = resolved(in.Sites[i].Source)
	}
}

func resolveSetting(s *policy.Setting[string]) {
	if s.Set {
		s.Value = resolved(s.Value)
	}
}

// resolved resolves the components of path before the first with a placeholder.
func resolved(path string) string {
	if !strings.HasPrefix(path, "/") {
		return path
	}
	literal, rest := path, ""
	if i := strings.IndexByte(path, '%'); i >= 0 {
		i = strings.LastIndexByte(path[:i], '/')
		literal, rest = path[:i], path[i:]
	}
	if literal == "" {
		return path
	}
	r, err := backing.Resolve(literal)
	if err != nil {
		return path
	}
	return r + rest
}
