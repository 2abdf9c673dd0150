// Package manual is the manual beyond the man pages, and the tests that hold it to
// what the program does.
//
// The chapters are Markdown. In each, and in README.md, a block
//
//   - of toml is a whole configuration, and `grantfs check` accepts it;
//   - of console is run, in a throwaway host with the Aegir instances of
//     integration/e2e/fixture: what stands below each "$ " is what it prints;
//   - of anything else is for reading.
//
// A section that begins with "## " starts without a configuration. Every command
// and every flag of grantfs that is spoken of anywhere is one. The tables of
// metrics-and-alerts.md are made of what is exported and of the alert rules.
// `go test ./integration/manual -update` writes outputs and tables anew.
package manual
