// Package status shows the running daemon at a glance: as data for `grantfs
// status`, and as a page for a browser.
//
// The page is for reading only: it needs no script and loads nothing, which its
// Content-Security-Policy holds it to. It names accounts, sites, buckets and
// addresses, so that it is served to the machine itself and, where the
// configuration says so, to those with a password. No secret is in a Status. Lists are
// bounded, whatever the host holds.
package status
