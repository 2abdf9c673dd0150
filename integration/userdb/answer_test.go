package userdb

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ask returns what a answers to one message, a reply a line.
func ask(t *testing.T, a asker, message string) string {
	t.Helper()
	var c call
	if err := json.Unmarshal([]byte(message), &c); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range a.answer(c) {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	return strings.Join(lines, "\n")
}

func TestAnswer(t *testing.T) {
	const (
		user    = `{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"service":"io.grantfs"%s}}`
		users   = `{"method":"io.systemd.UserDatabase.GetUserRecord","more":true,"parameters":{"service":"io.grantfs"%s}}`
		group   = `{"method":"io.systemd.UserDatabase.GetGroupRecord","parameters":{"service":"io.grantfs"%s}}`
		groups  = `{"method":"io.systemd.UserDatabase.GetGroupRecord","more":true,"parameters":{"service":"io.grantfs"%s}}`
		member  = `{"method":"io.systemd.UserDatabase.GetMemberships","parameters":{"service":"io.grantfs"%s}}`
		members = `{"method":"io.systemd.UserDatabase.GetMemberships","more":true,"parameters":{"service":"io.grantfs"%s}}`

		common = `"gid":1900000000,"homeDirectory":"/","shell":"/usr/sbin/nologin","disposition":"regular"`
		foo    = `{"userName":"o1.foo","uid":1900000016,` + common + `,"memberOf":["grantfs-2fa","grantfs-nopassword"]`
		gone   = `{"userName":"o1.gone","uid":1900000017,` + common + `,"locked":true,"service":"io.grantfs"}`
		fresh  = `{"userName":"o1.new","uid":1900000018,` + common + `,"memberOf":["grantfs-2fa"],"service":"io.grantfs"}`
		own    = `{"groupName":"grantfs","gid":1900000000,"disposition":"regular","service":"io.grantfs"}`

		fooForAll  = foo + `,"service":"io.grantfs"}`
		fooForRoot = foo + `,"privileged":{"hashedPassword":["` + hash + `"]},"service":"io.grantfs"}`
	)
	whole := func(record string) string { return `{"parameters":{"record":` + record + `,"incomplete":false}}` }
	failed := func(name string) string { return `{"parameters":{},"error":"io.systemd.UserDatabase.` + name + `"}` }
	pair := func(u, g string) string { return `{"parameters":{"userName":"` + u + `","groupName":"` + g + `"}` }
	tests := []struct {
		name, form, keys string
		root             bool
		want             string
	}{
		{"by name", user, `,"userName":"o1.foo"`, false, `{"parameters":{"record":` + fooForAll + `,"incomplete":true}}`},
		{"by name, root", user, `,"userName":"o1.foo"`, true, whole(fooForRoot)},
		{"by uid, root", user, `,"uid":1900000016`, true, whole(fooForRoot)},
		{"by both", user, `,"uid":1900000016,"userName":"o1.foo"`, true, whole(fooForRoot)},
		{"uid of another", user, `,"uid":1900000017,"userName":"o1.foo"`, true, failed("ConflictingRecordFound")},
		{"uid of nobody", user, `,"uid":5,"userName":"o1.foo"`, true, failed("ConflictingRecordFound")},
		{"name of nobody", user, `,"uid":1900000016,"userName":"x"`, true, failed("ConflictingRecordFound")},
		{"neither", user, `,"uid":5,"userName":"x"`, true, failed("NoRecordFound")},
		{"locked, root", user, `,"userName":"o1.gone"`, true, whole(gone)},
		{"no credential", user, `,"userName":"o1.new"`, false, whole(fresh)},
		{"no such name", user, `,"userName":"root"`, true, failed("NoRecordFound")},
		{"no such uid", user, `,"uid":0`, true, failed("NoRecordFound")},
		{"null uid", user, `,"uid":null,"userName":"o1.new"`, true, whole(fresh)},
		{"too low", user, `,"userName":"o1.new","uidMax":999`, true, failed("NonMatchingRecordFound")},
		{"fits", user, `,"userName":"o1.new","uidMin":1000,"fuzzyNames":["NEW"],"dispositionMask":["regular"]`, true, whole(fresh)},
		{"list, no more", user, ``, true, `{"parameters":{},"error":"org.varlink.service.ExpectedMore"}`},
		{
			"list", users, `,"fuzzyNames":["gone","new"]`, false,
			`{"parameters":{"record":` + gone + `,"incomplete":false},"continues":true}` + "\n" + whole(fresh),
		},
		{"empty list", users, `,"dispositionMask":["system"]`, true, failed("NoRecordFound")},
		{"group by name", group, `,"groupName":"grantfs"`, false, whole(own)},
		{"group by gid", group, `,"gid":1900000000`, false, whole(own)},
		{"group by both", group, `,"gid":1900000001,"groupName":"grantfs"`, false, failed("ConflictingRecordFound")},
		{"no such group", group, `,"groupName":"root"`, false, failed("NoRecordFound")},
		{"groups", groups, `,"gidMax":1900000000`, false, whole(own)},
		{"member", member, `,"userName":"o1.foo","groupName":"grantfs-2fa"`, false, pair("o1.foo", "grantfs-2fa") + `}`},
		{"no member", member, `,"userName":"o1.foo","groupName":"grantfs"`, false, failed("NoRecordFound")},
		{"members, no more", member, `,"groupName":"grantfs-2fa"`, false, `{"parameters":{},"error":"org.varlink.service.ExpectedMore"}`},
		{
			"of a group", members, `,"groupName":"grantfs-2fa"`, false,
			pair("o1.foo", "grantfs-2fa") + `,"continues":true}` + "\n" + pair("o1.new", "grantfs-2fa") + `}`,
		},
		{
			"of a user", members, `,"userName":"o1.foo"`, false,
			pair("o1.foo", "grantfs-2fa") + `,"continues":true}` + "\n" + pair("o1.foo", "grantfs-nopassword") + `}`,
		},
		{"negative uid", user, `,"uid":-1`, true, `{"parameters":{"parameter":"uid"},"error":"org.varlink.service.InvalidParameter"}`},
		{"huge uid", user, `,"uid":4294967296`, true, `{"parameters":{"parameter":"uid"},"error":"org.varlink.service.InvalidParameter"}`},
		{"name is a number", user, `,"userName":7`, true, `{"parameters":{"parameter":"userName"},"error":"org.varlink.service.InvalidParameter"}`},
		{"another service", user, `,"service":"io.systemd.Home","userName":"o1.foo"`, true, failed("BadService")},
		{"no service", `{"method":"io.systemd.UserDatabase.GetMemberships"%s}`, ``, true, failed("BadService")},
		{
			"no such method", `{"method":"io.systemd.UserDatabase.Delete"%s}`, ``, true,
			`{"parameters":{"method":"io.systemd.UserDatabase.Delete"},"error":"org.varlink.service.MethodNotFound"}`,
		},
		{
			"info", `{"method":"org.varlink.service.GetInfo"%s}`, ``, false,
			`{"parameters":{"vendor":"grantfs","product":"grantfs","version":"","url":"","interfaces":["io.systemd.UserDatabase","org.varlink.service"]}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ask(t, asker{dir: sample, root: tt.root}, fmt.Sprintf(tt.form, tt.keys))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnswerWithoutDirectory(t *testing.T) {
	got := ask(t, asker{}, `{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"service":"io.grantfs","uid":1}}`)
	if want := `{"parameters":{},"error":"io.systemd.UserDatabase.ServiceNotAvailable"}`; got != want {
		t.Errorf("answer = %s, want %s", got, want)
	}
}

// TestLists checks the bound of lists at both sides of it.
func TestLists(t *testing.T) {
	for n, listed := range map[int]bool{MaxListed: true, MaxListed + 1: false} {
		var many fixed
		for i := range n {
			name := fmt.Sprintf("u%d", i)
			many.users = append(many.users, User{Name: name, UID: uint32(1000 + i)})
			many.members = append(many.members, Membership{name, "big"}, Membership{"u0", fmt.Sprintf("g%d", i)})
		}
		tests := []struct {
			call, whenLong string
			always         bool
		}{
			{`{"method":"io.systemd.UserDatabase.GetUserRecord","more":true,"parameters":{"service":"io.grantfs"}}`, errNoList, false},
			{`{"method":"io.systemd.UserDatabase.GetMemberships","more":true,"parameters":{"service":"io.grantfs","groupName":"big"}}`, errNoRecord, false},
			{`{"method":"io.systemd.UserDatabase.GetMemberships","more":true,"parameters":{"service":"io.grantfs","userName":"u0"}}`, "", true},
		}
		for _, tt := range tests {
			got := ask(t, asker{dir: many}, tt.call)
			replies := strings.Count(got, "\n") + 1
			if (listed || tt.always) && replies < n {
				t.Errorf("%s with %d entries: %d replies", tt.call, n, replies)
			}
			if !listed && !tt.always && (replies != 1 || !strings.Contains(got, tt.whenLong)) {
				t.Errorf("%s with %d entries = %s, want %s", tt.call, n, got, tt.whenLong)
			}
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"service":"io.grantfs","uid":1900000016}}`))
	f.Add([]byte(`{"method":"io.systemd.UserDatabase.GetMemberships","more":true,"parameters":{"service":"io.grantfs"}}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		var c call
		if json.Unmarshal(message, &c) != nil {
			return
		}
		replies := asker{dir: sample}.answer(c)
		if len(replies) == 0 {
			t.Fatal("no reply")
		}
		for i, r := range replies {
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), hash) {
				t.Errorf("a hash for somebody who is not root: %s", text)
			}
			if last := i == len(replies)-1; r.Continues == last {
				t.Errorf("reply %d of %d: continues = %v", i+1, len(replies), r.Continues)
			}
		}
	})
}
