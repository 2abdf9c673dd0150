// Package sftpgo turns a JSON dump of SFTPGo into our configuration: users,
// groups and folders become TOML, and a report says what could not be carried
// or means something else here (product.md §13, "import").
//
// The way of the data: dump.go has the shape of SFTPGo's JSON, the files named
// for users, groups, folders and settings translate it into a document
// (document.go), and settle.go reads the document back with config and policy
// until nothing in it is an error.
//
// Invariants:
//   - What Import returns as TOML loads and compiles without errors.
//   - Nobody gets more access by being imported than SFTPGo gave: where a rule
//     that restricts an account can't be carried, the account is written with
//     enabled = false and the report says why.
//   - No secret is ever in the report.
//
// Import is pure: no file, no clock, no state between calls, no locks.
package sftpgo
