// Package config reads the configuration: TOML text into a typed Config in
// which every value knows its place, and every problem is reported at once
// (product.md §3).
//
// The way of a file: parse.go turns its text into a tree of positioned nodes
// (the TOML library checks the grammar), the tables in keys_*.go say which key
// holds what, and the value readers (size.go, duration.go, paths.go, …) turn
// one node into one value or one problem.
//
// Invariants: a text that the TOML library refuses always yields an error; a
// Config that came without errors holds only values within their documented
// ranges, and only absolute, clean paths. Nothing but Load
// and LoadUsers touches the file system; nothing is kept between calls and there
// are no locks.
package config
