// Package aegir reads the clients, sites and owners of an Aegir/BOA host
// (product.md §11). The truth is the drush alias files of each instance,
// `<instance>/.drush/*.alias.drushrc.php`: they are PHP, but only a strict
// subset of literals is understood and nothing is ever executed.
//
// The way of the data: ParseAlias turns one file into values, Discover reads
// whole instances into a Snapshot (a Scanner does so again and again, and parses
// what has changed), and Snapshot.Merge, which touches no file,
// turns that into accounts, folders and sites of a policy.Input.
//
// Invariants:
//   - What an alias says is a claim of the instance's backend user. It can only
//     ever give access to directories inside its own instance, and only to
//     accounts named after its own instance.
//   - A bad alias costs its own site and nothing else: every problem with one is
//     a warning.
//   - No symbolic link below an instance is followed, neither to an alias nor to
//     a site. What Discover saw may change afterwards: whoever opens a site's
//     directory must refuse links again.
//   - A Snapshot is immutable once Discover has returned it.
//
// The package has no goroutine and no lock.
package aegir
