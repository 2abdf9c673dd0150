// Package bench measures the gates of performance (architecture.md §4): the same
// workloads on native ext4, bindfs, mergerfs and grantfs, and SFTP over plain
// OpenSSH and over a view. It is a program made of tests: `make bench` builds
// and runs it, and it prints a table and writes bench.json.
//
// Everything happens in a throwaway copy of the machine (integration/e2e/host),
// on an ext4 file system in memory, so that nothing is left behind however it
// ends. Each workload runs in a process of its own under the account's uid.
// Contenders take turns within a round, in reversed order every other round,
// after a round that is not counted; a figure is the median of the rounds. Only
// ratios of one run mean anything.
package bench
