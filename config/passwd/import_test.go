package passwd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/config"
	"grantfs/policy"
)

const passwdText = `root:x:0:0:root:/root:/bin/bash
# a comment
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash
o1.foo:x:1001:100::/home/o1.foo:/usr/sbin/nologin
Bob:x:1002:1002::/home/bob:/bin/false
carl:x:1003:1003::relative:/bin/false
dora:x:1000:1000::/home/dora:/bin/false
eve:x:1004:1004::/home/eve:/bin/false
fred:x:1005:1005::/home/fred:/bin/false
broken:x:1006
ghost:x:zz:1::/home/ghost:/bin/false
`

const shadowText = `alice:$6$salt$hash:19000:0:90:7:::
o1.foo:!:19000:0:99999:7:::
carl::19000:0:99999:7:::
eve:XX0123456789A:19000:0:99999:7::20000:
fred:$y$j9T$salt$hash:19000:0:99999:7:::
`

func TestImport(t *testing.T) {
	r := Import([]byte(passwdText), []byte(shadowText))
	want := `# Imported from a passwd file.

[accounts."alice"]
uid = 1000
home_dir = "/home/alice"
password_hash = "$6$salt$hash"
password_expiration = "90d"

[accounts."o1.foo"]
uid = 1001
home_dir = "/home/o1.foo"

[accounts."carl"]
uid = 1003

[accounts."eve"]
uid = 1004
home_dir = "/home/eve"
expires_at = 2024-10-04T00:00:00Z

[accounts."fred"]
uid = 1005
home_dir = "/home/fred"
password_hash = "$y$j9T$salt$hash"
`
	if diff := cmp.Diff(want, string(r.TOML)); diff != "" {
		t.Errorf("TOML (-want +got):\n%s", diff)
	}
	var got []string
	for _, f := range r.Findings {
		got = append(got, f.Where+": "+f.Key)
		if strings.Contains(f.Why, "hash:") || strings.Contains(f.Why, "$6$") || strings.Contains(f.Why, "XX01") {
			t.Errorf("a finding tells a hash: %s", f)
		}
	}
	wantFindings := []string{
		"user alice: shell", "user o1.foo: password", "user Bob: name", "user carl: home_dir", "user carl: password",
		"user dora: uid", "user eve: password", "passwd line 12: line", "user ghost: uid",
	}
	if diff := cmp.Diff(wantFindings, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	c, problems := config.Parse("imported.toml", r.TOML, nil)
	_, compiled := policy.Compile(c.Policy)
	if policy.HasErrors(append(problems, compiled...)) || r.Accounts != 5 || len(c.Policy.Accounts) != 5 {
		t.Errorf("%d accounts, %v, %v", r.Accounts, problems, compiled)
	}
}

// FuzzImport: whatever the files say, the result loads.
func FuzzImport(f *testing.F) {
	f.Add(passwdText, shadowText)
	f.Add("a:x:1000:1::/home/%username%:/bin/sh", "a:$\"\n:::::::")
	f.Fuzz(func(t *testing.T, passwd, shadow string) {
		r := Import([]byte(passwd), []byte(shadow))
		c, problems := config.Parse("imported.toml", r.TOML, nil)
		if c.Incomplete || len(c.Policy.Accounts) != r.Accounts {
			t.Fatalf("%d accounts, %v\n%s", r.Accounts, problems, r.TOML)
		}
	})
}
