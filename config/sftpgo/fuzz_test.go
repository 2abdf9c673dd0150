package sftpgo

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"grantfs/config"
	"grantfs/policy"
)

// FuzzImport reads any bytes as a dump. Whatever they hold: no panic, and what is
// written loads and compiles without errors, and enables nobody who is disabled
// in the dump.
func FuzzImport(f *testing.F) {
	f.Add(read(f, "testdata/dump.json"))
	for _, tt := range translations {
		f.Add([]byte(tt.dump))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		r, err := Import(data)
		if err != nil {
			return
		}
		d, err := readDump(data)
		if err != nil {
			t.Fatal(err)
		}
		users, err := readAll[user]("user", d.Users)
		if err != nil {
			t.Fatal(err)
		}
		c, problems := config.Parse("x.toml", r.TOML, nil)
		if policy.HasErrors(problems) {
			t.Fatalf("what was written is refused: %v\n%s", problems, r.TOML)
		}
		if _, problems = policy.Compile(c.Policy); policy.HasErrors(problems) {
			t.Fatalf("what was written does not compile: %v\n%s", problems, r.TOML)
		}
		if n := len(c.Policy.Accounts); n != r.Report.Accounts || n > len(users) {
			t.Errorf("%d accounts of %d users, %d reported\n%s", n, len(users), r.Report.Accounts, r.TOML)
		}
		active := map[string]bool{}
		for _, u := range users {
			if _, twice := active[u.Username]; !twice {
				active[u.Username] = u.Status == 1
			}
		}
		for _, a := range c.Policy.Accounts {
			if on := !a.Enabled.Set || a.Enabled.Value; on && !active[a.Name] {
				t.Errorf("account %q is enabled, in the dump it is not", a.Name)
			}
		}
		if strings.Count(lines(r.Report), "\n") != len(r.Report.Findings) {
			t.Errorf("a finding is not one line:\n%s", lines(r.Report))
		}
	})
}

// FuzzImportValues puts any strings and numbers wherever a dump has one.
func FuzzImportValues(f *testing.F) {
	f.Add("alice", "/srv/%username%", "*.txt", "192.0.2.0/24", int64(1), int64(30))
	f.Add("A b", "/a/../b//", "[a", "SSH", int64(-1), int64(1)<<62)
	f.Add("", "x%role%", "a/b", "::1%eth0", int64(0), int64(253402300800000))
	f.Fuzz(func(t *testing.T, name, path, pattern, word string, m, n int64) {
		mounts := []map[string]any{
			{"name": name, "mapped_path": path, "virtual_path": "/m", "quota_size": m, "quota_files": n, "subpath": word},
			{"name": word, "mapped_path": "/srv/x", "virtual_path": path, "quota_size": -1, "quota_files": -1},
		}
		settings := map[string]any{
			"home_dir": path, "max_sessions": m, "quota_size": n, "upload_bandwidth": n, "total_data_transfer": n, "upload_data_transfer": m,
			"permissions": map[string][]string{"/": {"*"}, path: {word}, "/" + pattern: {"list", "*"}, "/x/" + word: {}},
			"filters": map[string]any{
				"allowed_ip": []string{word}, "denied_ip": []string{word, "10.0.0.0/8"}, "denied_login_methods": []string{word, "password"},
				"denied_protocols": []string{word}, "two_factor_protocols": []string{"SSH", word}, "web_client": []string{word},
				"file_patterns": []map[string]any{
					{"path": path, "allowed_patterns": []string{pattern}, "denied_patterns": []string{word}, "deny_policy": 1},
					{"path": "/" + name, "denied_patterns": []string{pattern}},
				},
				"tls_username": word, "start_directory": path, "password_strength": n, "password_expiration": n, "default_shares_expiration": m,
				"max_shares_expiration": n, "external_auth_cache_time": m, "is_anonymous": m > 0,
				"access_time":      []map[string]any{{"day_of_week": m, "from": word, "to": "10:00"}},
				"bandwidth_limits": []map[string]any{{"sources": []string{word, "10.0.0.0/8"}, "upload_bandwidth": n}},
			},
			"expires_in": m,
		}
		user := map[string]any{
			"username": name, "status": 1, "password": word, "description": pattern, "uid": m, "gid": n, "expiration_date": n, "created_at": m,
			"groups":          []map[string]any{{"name": name, "type": 1}, {"name": word, "type": m}, {"name": pattern, "type": 2}},
			"virtual_folders": mounts,
		}
		maps.Copy(user, settings)
		data, err := json.Marshal(map[string]any{
			"users":   []any{user, map[string]any{"username": "plain", "status": 1, "groups": []map[string]any{{"name": name, "type": 2}}}},
			"groups":  []any{map[string]any{"name": name, "user_settings": settings, "virtual_folders": mounts}, map[string]any{"name": word, "description": word}},
			"folders": []any{map[string]any{"name": word, "mapped_path": path}},
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Import(data)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		c, problems := config.Parse("x.toml", r.TOML, nil)
		_, more := policy.Compile(c.Policy)
		if problems = append(problems, more...); policy.HasErrors(problems) {
			t.Fatalf("what was written is refused: %v\n%s", problems, r.TOML)
		}
		if strings.Count(lines(r.Report), "\n") != len(r.Report.Findings) {
			t.Errorf("a finding is not one line:\n%s", lines(r.Report))
		}
	})
}
