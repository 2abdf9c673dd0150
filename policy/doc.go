// Package policy decides. It is pure: values in, verdicts out, no file, no
// clock, no network. Compile turns an Input (accounts, groups, folders, sites)
// into an immutable Set; every request is judged by a Place of it.
package policy
