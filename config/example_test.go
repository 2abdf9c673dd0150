package config

import (
	"os"
	"slices"
	"testing"

	"grantfs/policy"
)

// example.toml is the reference of every key: each is there once, and nothing is
// wrong with it but that the sources are not on this machine.
func TestExampleHasEveryKeyOnce(t *testing.T) {
	data, err := os.ReadFile("example.toml")
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(machine(t))
	times := map[string]int{}
	d.trace = func(table, key string) { times[table+"."+key]++ }
	c := d.decode("example.toml", []file{{name: "example.toml", data: data}})
	if len(d.problems) != 0 {
		t.Errorf("problems = %q, want none", lines(d.problems))
	}
	var keys []string
	for _, table := range allTables() {
		for _, name := range table.keyNames() {
			switch {
			case table == keyTable(accountTable) && settingsTable.find(name) != nil:
			case table == keyTable(groupTable) && settingsTable.find(name) != nil:
			default:
				keys = append(keys, table.tableName()+"."+name)
			}
		}
	}
	for _, key := range keys {
		if times[key] != 1 {
			t.Errorf("%s is there %d times, want once", key, times[key])
		}
	}
	for key := range times {
		if !slices.Contains(keys, key) {
			t.Errorf("%s is read but in no table", key)
		}
	}
	if _, ps := policy.Compile(c.Policy); policy.HasErrors(ps) {
		t.Errorf("Compile problems = %q, want no errors", lines(ps))
	}
}
