package config

import (
	"slices"
	"strings"
)

// Documented is a table of the configuration as example.toml shows it.
type Documented struct {
	Header   string // "[mount]", "[accounts.NAME]"; "" for the top level
	Text     string // what the example says before it
	Settings bool   // its keys are settings of accounts and groups
	Keys     []DocumentedKey
}

// DocumentedKey is a key with what example.toml says of it.
type DocumentedKey struct {
	Key
	Example string // a value, as it is written
	Text    string // the remark beside it, "" for none
	Default string // what holds without it, as it is written; "" where that is nothing, or the policy's affair
}

// headers are the tables as they are told of, in that order.
var headers = []struct{ table, header string }{
	{"the top level", ""},
	{"mount", "[mount]"},
	{"metrics", "[metrics]"},
	{"audit", "[audit]"},
	{"aegir", "[aegir]"},
	{"folders", "[folders.NAME]"},
	{"groups", "[groups.NAME]"},
	{"accounts", "[accounts.NAME]"},
	{"accounts and groups", "[groups.NAME] and [accounts.NAME]"},
	{"virtual_folders", "virtual_folders"},
	{"file_patterns", "file_patterns"},
	{"bandwidth_limits", "bandwidth_limits"},
	{"data_transfer_limits", "data_transfer_limits"},
	{"access_time", "access_time"},
	{"sites", "[sites.NAME]"},
}

// shownDefaults are the tables of which the example shows the values that hold
// without it.
var shownDefaults = []string{"the top level", "mount", "audit"}

// otherDefaults are what holds without a key of another table.
var otherDefaults = map[string]string{
	"metrics.listen": `"127.0.0.1:9477"`,
	"aegir.unowned":  `"none"`, "aegir.require_client_link": "false", "aegir.reveal": `"until-first-login"`,
	"folders.owner": `"inherit"`, "folders.group_write": "false", "folders.modes": `"policy"`,
	"folders.user_xattrs": "false", "folders.passthrough": "true",
	"groups.quota_scope": `"member"`, "accounts.enabled": "true",
	"virtual_folders.quota_size": "0", "virtual_folders.quota_files": "0", "virtual_folders.read_only": "false",
	"file_patterns.deny_policy": `"deny"`, "access_time.zone": `"UTC"`,
	"sites.preset": `"none"`, "sites.enabled": "true",
}

// Documentation returns every table but the tables of tables, each key with what
// example.toml says of it.
func Documentation() []Documented {
	said, before := readExample()
	var list []Documented
	for _, h := range headers {
		doc := Documented{Header: h.header, Text: before[h.table], Settings: h.table == settingsTable.name}
		for _, k := range Reference() {
			if k.Table != h.table || k.Type == kindTable.String() || strings.HasPrefix(k.Type, "a table of tables") {
				continue
			}
			key := DocumentedKey{Key: k, Example: said[k.Table+"."+k.Name].Example, Text: said[k.Table+"."+k.Name].Text}
			key.Default = otherDefaults[k.Table+"."+k.Name]
			if slices.Contains(shownDefaults, k.Table) {
				key.Default = key.Example
			}
			doc.Keys = append(doc.Keys, key)
		}
		list = append(list, doc)
	}
	return list
}

// readExample returns what example.toml says of keys, and of tables, by their
// names. It is no TOML reader: each key of the example is on a line of its own.
func readExample() (keys map[string]DocumentedKey, tables map[string]string) {
	keys, tables = map[string]DocumentedKey{}, map[string]string{}
	in, remark := []string{"the top level"}, ""
	for _, line := range strings.Split(Example, "\n") {
		code, text, _ := strings.Cut(line, "#")
		code, text = strings.TrimSpace(code), strings.TrimSpace(text)
		name, value, isKey := strings.Cut(code, " = ")
		switch {
		case code == "" && text != "":
			remark = strings.TrimSpace(remark + " " + text)
			continue
		case strings.HasPrefix(code, "["):
			in = exampleTables(code)
			if text != "" {
				remark = strings.TrimSpace(remark + " " + text)
			}
			note(tables, in[0], remark)
		case isKey && in[0] == "permissions":
			keys[settingsTable.name+".permissions"] = DocumentedKey{Example: "{ " + code + " }", Text: tables["permissions"]}
		case isKey:
			text = strings.TrimLeft(strings.TrimPrefix(text, "required"), ":; ")
			for _, t := range in {
				keys[t+"."+name] = DocumentedKey{Example: value, Text: text}
			}
		}
		remark = ""
	}
	for _, t := range []string{"virtual_folders", "file_patterns", "bandwidth_limits", "data_transfer_limits", "access_time"} {
		keys[settingsTable.name+"."+t] = DocumentedKey{Example: "[{ … }]", Text: "see " + t + " below"}
	}
	return keys, tables
}

// note keeps the first text of a table.
func note(tables map[string]string, name, text string) {
	if tables[name] == "" {
		tables[name] = text
	}
}

// exampleTables returns the tables that the keys below a header may belong to.
func exampleTables(header string) []string {
	parts := strings.Split(strings.Trim(header, "[]"), ".")
	if parts[0] == "groups" && len(parts) == 3 {
		return parts[2:]
	}
	if parts[0] == "groups" {
		return []string{settingsTable.name, "groups"}
	}
	return parts[:1]
}
