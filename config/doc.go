// Package config reads the configuration: TOML text into a typed Config in
// which every value knows its place, and every problem is reported at once
// (product.md §3).
package config
