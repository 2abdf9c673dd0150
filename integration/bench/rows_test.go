package bench

import "path/filepath"

// row is one workload of the table in architecture.md §4.
type row struct {
	name    string
	unit    string
	account string   // whose view grantfs shows, plain if empty
	peers   []string // the other contenders
	fixture string
	load    load
	pair    bool // grantfs is measured with two processes too, against one
	gates   []gate
}

func least(peer string, factor float64) gate { return gate{peer: peer, least: factor} }

func most(peer string, factor float64) gate { return gate{peer: peer, most: factor} }

// rows are the workloads on the file systems themselves.
func (b *bench) rows() []row {
	all := []string{"native", "bindfs", "mergerfs"}
	total := b.size(128<<20, 8<<20)
	files := b.size(5_000, 200)
	ten, many := b.size(10_000, 500), b.size(200_000, 2_000)
	return []row{
		{name: "sequential read, 1 MiB", unit: "MB/s", peers: all, fixture: "middle", load: load{Name: "read", Size: 1 << 20}, gates: []gate{least("native", 0.9), least("bindfs", 4)}},
		{name: "sequential read, 32 KiB", unit: "MB/s", peers: all, fixture: "middle", load: load{Name: "read", Size: 32 << 10}, gates: []gate{least("native", 0.9), least("bindfs", 4)}},
		{name: "sequential read, 1 MiB, mediated", unit: "MB/s", account: limited, peers: all, fixture: "middle", load: load{Name: "read", Size: 1 << 20}, gates: []gate{least("native", 0.35)}},
		{name: "random read, 4 KiB", unit: "1/s", peers: all, fixture: "middle", load: load{Name: "random"}, gates: []gate{least("native", 0.7), least("bindfs", 8)}},
		{name: "sequential write with quota, 32 KiB", unit: "MB/s", account: quota, peers: all, fixture: "work", load: load{Name: "write", Size: 32 << 10, Total: total}, gates: []gate{least("native", 0.45), least("bindfs", 4), least("mergerfs", 1.4)}},
		{name: "sequential write with quota, 1 MiB", unit: "MB/s", account: quota, peers: all, fixture: "work", load: load{Name: "write", Size: 1 << 20, Total: total}, gates: []gate{least("native", 0.5), least("bindfs", 4), least("mergerfs", 1.4)}},
		{name: "sequential write without limit, 1 MiB", unit: "MB/s", peers: all, fixture: "work", load: load{Name: "write", Size: 1 << 20, Total: total}, gates: []gate{least("native", 0.9)}},
		{name: "open and close to read", unit: "1/s", peers: all, fixture: "few", load: load{Name: "open"}, gates: []gate{least("bindfs", 0.85), least("mergerfs", 1.5)}},
		{name: "stat of 10,000 names, cold", unit: "1/s", peers: all, fixture: "ten", load: load{Name: "stat", Total: ten, Cold: true}, gates: []gate{least("bindfs", 0.9)}},
		{name: "ls -l of 10,000, cold", unit: "1/s", peers: all, fixture: "ten", load: load{Name: "list", Cold: true}, gates: []gate{least("native", 0.4), least("bindfs", 2)}},
		{name: "ls -l of 200,000, cold", unit: "1/s", peers: all[:2], fixture: "many", load: load{Name: "list", Total: many, Cold: true}, gates: []gate{least("native", 0.4), least("bindfs", 2)}},
		{name: "ls -l of 10,000, warm", unit: "1/s", peers: all, fixture: "ten", load: load{Name: "warm"}, gates: []gate{least("native", 0.6)}},
		{name: "find 50,000, no stat, cold", unit: "1/s", peers: append([]string{"auto"}, all...), fixture: "tree", load: load{Name: "find", Cold: true}, gates: []gate{least("auto", 2.5)}},
		{name: "create, write 4 KiB, close", unit: "1/s", peers: all, fixture: "work", load: load{Name: "create", Total: files}, gates: []gate{least("native", 0.2), least("bindfs", 0.9)}},
		{name: "unlink", unit: "1/s", peers: all, fixture: "work", load: load{Name: "unlink", Total: files}, gates: []gate{least("native", 0.4), least("bindfs", 1.3)}},
		{name: "two processes: stat of 10,000 names, cold", unit: "1/s", pair: true, fixture: "ten", load: load{Name: "stat", Total: ten, Cold: true}, gates: []gate{least("one", 1.4)}},
		{name: "two processes: create, write 4 KiB, close", unit: "1/s", pair: true, fixture: "work", load: load{Name: "create", Total: files}, gates: []gate{least("one", 1.4)}},
		{name: "two processes: write with quota, 1 MiB", unit: "MB/s", account: quota, pair: true, fixture: "work", load: load{Name: "write", Size: 1 << 20, Total: total}, gates: []gate{least("one", 1.4)}},
	}
}

// contender is who is measured in one row.
type contender struct {
	name  string
	path  string // of the data
	procs int
}

// contenders returns those of a row, grantfs last.
func (r row) contenders() []contender {
	account := r.account
	if account == "" {
		account = plain
	}
	view := filepath.Join(paths["grantfs"], account)
	var list []contender
	for _, name := range r.peers {
		path := paths[name]
		if name == "auto" {
			path = filepath.Join(path, account)
		}
		list = append(list, contender{name, path, 1})
	}
	if r.pair {
		return append(list, contender{"one", view, 1}, contender{"grantfs", view, 2})
	}
	return append(list, contender{"grantfs", view, 1})
}
