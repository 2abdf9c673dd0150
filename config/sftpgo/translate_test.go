package sftpgo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// translations are parts of a dump, what they become, and what is said about
// them. Headers and titles of the TOML are left out.
var translations = []struct {
	name   string
	dump   string
	toml   string
	report string
}{
	{
		name: "units",
		dump: `{"users":[{"username":"a","status":1,"quota_size":1000,"quota_files":7,"max_sessions":2,"upload_bandwidth":3,"download_bandwidth":2048,
			"upload_data_transfer":5,"filters":{"max_upload_file_size":3221225472,"external_auth_cache_time":90,"password_expiration":30}}]}`,
		toml: `
			[accounts.a]
			max_sessions = 2
			quota_size = 1000
			quota_files = 7
			max_upload_file_size = "3GiB"
			upload_bandwidth = "3KiB"
			download_bandwidth = "2MiB"
			upload_data_transfer = "5MiB"
			transfer_period = "never" # as in SFTPGo; "month" is the default
			external_auth_cache_time = "90s"
			password_expiration = "30d"`,
		report: `
			dump: bandwidth: changed: SFTPGo's limits are for each transfer; here all sessions of an account share one
			dump: data_transfer: changed: what was transferred so far is not carried: counting begins anew`,
	},
	{
		name: "negative is unlimited, too much is unlimited",
		dump: `{"users":[{"username":"a","status":1,"quota_size":-1,"max_sessions":-5,"upload_bandwidth":-3,"total_data_transfer":9223372036854775807,"filters":{"password_expiration":999999}}]}`,
		toml: `
			[accounts.a]
			max_sessions = "unlimited"
			quota_size = "unlimited"
			total_data_transfer = "unlimited"
			transfer_period = "never" # as in SFTPGo; "month" is the default
			password_expiration = "unlimited"`,
		report: `
			dump: data_transfer: changed: what was transferred so far is not carried: counting begins anew`,
	},
	{
		name: "passwords",
		dump: `{"users":[
			{"username":"a","status":1,"password":"$6$salt$hash"},
			{"username":"b","status":1,"password":"$argon2id$v=19$m=65536,t=1,p=2$c2VjcmV0$aGFzaA"},
			{"username":"c","status":1,"password":"in clear"},
			{"username":"d","status":1,"password":"$pbkdf2-sha256$150000$x$y"}]}`,
		toml: `
			[accounts.a]
			password_hash = "$6$salt$hash"
			[accounts.b]
			[accounts.c]
			[accounts.d]`,
		report: `
			user b: password: lost: it is a hash of argon2id, which crypt(3) can't verify: the account needs a new one
			user c: password: lost: it is not a crypt(3) hash: the account needs a new one
			user d: password: lost: it is a hash of PBKDF2, which crypt(3) can't verify: the account needs a new one`,
	},
	{
		name: "a person",
		dump: `{"users":[{"username":"a","status":0,"email":"a@example.org","description":"two\nlines","role":"r","public_keys":["k","l"],"uid":33,"gid":33,
			"filters":{"totp_config":{"enabled":true,"secret":{"payload":"s"}},"recovery_codes":[{}],"tls_certs":["c"],"require_password_change":true,"user_type":"OSUser","nonsense":1},
			"oidc_custom_fields":{"x":1},"nothing":{}}]}`,
		toml: `
			# two lines
			[accounts.a]
			enabled = false # by the import: see its report
			home_owner = "33:33"`,
		report: `
			user a: filters.nonsense: lost: there is nothing like it
			user a: oidc_custom_fields: lost: there is nothing like it
			user a: public_keys: lost: 2 not carried: there is no place for keys yet
			user a: filters.tls_certs: lost: 1 not carried: there is no place for certificates yet
			user a: filters.totp_config: lost: the secret of the second factor is not carried: the password alone would do
			user a: status: disabled: without filters.totp_config it could do more than in SFTPGo; look at it, then remove enabled = false
			user a: filters.recovery_codes: lost: codes belong to the second factor, which has to be set up anew
			user a: filters.require_password_change: lost: nobody is asked for a new password at login
			user a: email: lost: there is nothing like it
			user a: role: lost: there is nothing like it
			user a: filters.user_type: lost: there is nothing like it
			user a: uid: changed: SFTPGo gives every new file to 33:33; here a home is created so, and new files belong to the owner of their home or folder`,
	},
	{
		name: "what SFTPGo refuses until it is changed, and permissions without a root",
		dump: `{"users":[
			{"username":"a","status":1,"password":"$6$x$y","filters":{"require_password_change":true}},
			{"username":"b","status":1,"permissions":{"/in":["upload"]}}]}`,
		toml: `
			[accounts.a]
			[accounts.b]
			permissions."/in" = ["upload"]
			permissions."/" = []`,
		report: `
			user a: password: lost: SFTPGo refuses it until it is changed: the account needs a new one
			user a: filters.require_password_change: lost: nobody is asked for a new password at login`,
	},
	{
		name: "names that nobody can have here",
		dump: `{"users":[{"username":"Alice","status":1},{"username":"a b","status":1},{"username":"ok","status":1},{"username":"ok","status":1}]}`,
		toml: `
			[accounts.ok]`,
		report: `
			user ok: username: lost: it is in the dump twice; the first counts
			user Alice: name: lost: the whole account: [accounts.Alice]: the name must begin with a to z or _
			user a b: name: lost: the whole account: [accounts."a b"]: the name may hold only a to z, 0 to 9, _, . and -`,
	},
	{
		name: "file patterns",
		dump: `{"users":[{"username":"a","status":1,"filters":{"file_patterns":[
			{"path":"/only","allowed_patterns":["*.txt"],"denied_patterns":["*"]},
			{"path":"/both","allowed_patterns":["*.txt"],"denied_patterns":["secret*"],"deny_policy":1},
			{"path":"/nothing","allowed_patterns":["a/b"]},
			{"path":"/bad","denied_patterns":["[a"]},
			{"path":"/slash","denied_patterns":["a/b","c"]},
			{"path":"/moot","denied_patterns":["a/b"]},
			{"path":"/x/../y/","denied_patterns":["c"]}]}}]}`,
		toml: `
			[accounts.a]
			file_patterns = [
			{ path = "/only", allowed = ["*.txt"] },
			{ path = "/both", allowed = ["*.txt"], denied = ["secret*"], deny_policy = "hide" },
			{ path = "/nothing", denied = ["*"] },
			{ path = "/bad", denied = ["*"] },
			{ path = "/slash", denied = ["c"] },
			{ path = "/y", denied = ["c"] },
			]`,
		report: `
			user a: filters.file_patterns./only: changed: denying "*" is left out: what is not allowed is denied anyway. A directory that is allowed does not open what is below it, as in SFTPGo: add an entry for it
			user a: filters.file_patterns./both: changed: in SFTPGo a name that is allowed and denied is allowed; here deny beats allow
			user a: filters.file_patterns./nothing: lost: what is no glob of names, or holds a /, allows nothing
			user a: filters.file_patterns./bad: changed: "[a" is no glob: everything is denied that is not allowed
			user a: filters.file_patterns./slash: lost: "a/b" matches no name
			user a: filters.file_patterns./moot: lost: "a/b" matches no name`,
	},
	{
		name: "who may come, and how",
		dump: `{"users":[{"username":"a","status":1,"filters":{"allowed_ip":["192.0.2.0/24"],"denied_ip":["192.0.2.7/32"],
			"denied_login_methods":["password-over-SSH","publickey+password"],"denied_protocols":["DAV","FTP"],"two_factor_protocols":["HTTP"],
			"web_client":["shares-disabled","new-option"],"access_time":[{"day_of_week":1,"from":"08:00","to":"17:59"}]}}]}`,
		toml: `
			[accounts.a]
			allowed_ip = ["192.0.2.0/24"]
			denied_ip = ["192.0.2.7/32"]
			denied_login_methods = ["password"]
			denied_protocols = ["FTP"]
			web_client = ["shares-disabled"]
			access_time = [
			{ weekday = "monday", from = "08:00", to = "17:59" },
			]`,
		report: `
			user a: filters.allowed_ip: changed: in SFTPGo an address that is allowed and denied is allowed; here deny beats allow
			user a: filters.denied_login_methods: changed: password-over-SSH can't be denied by itself: password is denied, for FTP too
			user a: filters.denied_login_methods: lost: publickey+password: there are no logins in two steps
			user a: filters.denied_protocols: lost: "DAV": only SSH and FTP are served
			user a: filters.two_factor_protocols: lost: "HTTP": only SSH and FTP are served
			user a: filters.web_client: lost: "new-option" is unknown, and there is no web client
			user a: filters.access_time: changed: taken as UTC; where SFTPGo's own configuration says tz = local, add zone to each window`,
	},
	{
		name: "what restricted and can't be carried disables",
		dump: `{"users":[
			{"username":"a","status":1,"filters":{"denied_ip":["nonsense"]}},
			{"username":"b","status":1,"filters":{"denied_protocols":["SSH","FTP"]}},
			{"username":"c","status":1,"groups":[{"name":"g","type":2}]},
			{"username":"d","status":1,"permissions":{"/":["*"],"/a*":["list"],"/*b":["list"]}},
			{"username":"e","status":0,"filters":{"access_time":[{"day_of_week":1,"from":"18:00","to":"09:00"}]}}],
			"groups":[{"name":"g","user_settings":{"permissions":{"/%role%/x":["list"]}}}]}`,
		toml: `
			[groups.g]
			[accounts.a]
			enabled = false # by the import: see its report
			[accounts.b]
			enabled = false # by the import: see its report
			[accounts.c]
			enabled = false # by the import: see its report
			secondary_groups = ["g"]
			[accounts.d]
			enabled = false # by the import: see its report
			permissions."/" = ["*"]
			permissions."/*b" = ["list"]
			[accounts.e]
			enabled = false # by the import: see its report
			access_time = [
			]`,
		report: `
			group g: permissions./%role%/x: lost: it has %role%, and there are no roles
			user c: status: disabled: without permissions./%role%/x of group g it could do more than in SFTPGo; look at it, then remove enabled = false
			user a: filters.denied_ip: lost: "nonsense" is no network
			user a: status: disabled: without filters.denied_ip it could do more than in SFTPGo; look at it, then remove enabled = false
			user e: filters.access_time: changed: taken as UTC; where SFTPGo's own configuration says tz = local, add zone to each window
			user e: filters.access_time: lost: access_time ends at 09:00, before its start at 18:00; write two windows for one that spans midnight
			user e: status: disabled: without filters.access_time it could do more than in SFTPGo; look at it, then remove enabled = false
			user b: filters.denied_protocols: lost: denied_protocols leaves nothing: SSH by account:b, FTP by account:b
			user b: status: disabled: without filters.denied_protocols it could do more than in SFTPGo; look at it, then remove enabled = false
			user d: permissions./a*: lost: permissions: /a* and /*b could both decide about one directory, and neither is more literal
			user d: status: disabled: without permissions./a* it could do more than in SFTPGo; look at it, then remove enabled = false`,
	},
	{
		name: "folders",
		dump: `{"users":[{"username":"a","status":1,"home_dir":"/srv/%username%/","virtual_folders":[
			{"name":"cloud","mapped_path":"/srv/cloud","virtual_path":"/cloud","filesystem":{"provider":1}},
			{"name":"own","mapped_path":"/srv/own","virtual_path":"/own","quota_size":-1,"quota_files":-1},
			{"name":"own","mapped_path":"/srv/own","virtual_path":"/sub","subpath":"s","quota_size":2048,"quota_files":0},
			{"name":"own","mapped_path":"/srv/own","virtual_path":"/.ssh/x","quota_size":-1,"quota_files":-1},
			{"name":"rel","mapped_path":"srv/rel","virtual_path":"/rel"},
			{"name":"point","mapped_path":"/srv/views/x","virtual_path":"/views"}]}],
			"shares":[{},{}],"ip_lists":[{}],"version":99}`,
		toml: `
			[folders.own]
			source = "/srv/own"
			[accounts.a]
			enabled = false # by the import: see its report
			home_dir = "/srv/%username%"
			virtual_folders = [
			{ folder = "own", path = "/own", quota_size = -1, quota_files = -1 },
			{ folder = "own", path = "/sub", subpath = "s", quota_size = "2KiB" },
			]`,
		report: `
			dump: version: changed: version 99 is newer than 17, which this import knows: it may say things in other words
			dump: shares: lost: 2 not carried: there is no temporary access yet
			dump: ip_lists: lost: 1 not carried: lists for the whole server belong into the host's firewall
			folder cloud: filesystem: lost: the folder: its files lie in S3, not in a local directory
			folder rel: mapped_path: lost: the folder: "srv/rel" is not absolute
			user a: home_dir: changed: placeholders in what a user has itself are literal text in SFTPGo; here they are replaced
			user a: virtual_folders./cloud: lost: folder "cloud" is not carried, and what it covered would show
			user a: status: disabled: without virtual_folders./cloud it could do more than in SFTPGo; look at it, then remove enabled = false
			user a: virtual_folders./sub: changed: SFTPGo gives each mount of one folder the limits of the first; here each has its own
			user a: virtual_folders./rel: lost: folder "rel" is not carried, and what it covered would show
			user a: virtual_folders./.ssh/x: lost: virtual_folders: /.ssh/x is a reserved name
			user a: virtual_folders./views: lost: virtual_folders: there is no folder "point"
			folder point: mapped_path: lost: the whole folder: folder "point": /srv/views/x overlaps the mount point /srv/views`,
	},
	{
		name: "groups",
		dump: `{"users":[
			{"username":"a","status":1,"home_dir":"/srv/a","upload_data_transfer":1,"permissions":{"/":["*"],"/x":["list","fly"]},"groups":[{"name":"p","type":1},{"name":"gone","type":2},{"name":"m","type":3}]},
			{"username":"b","status":1,"home_dir":"/srv/b","created_at":1000,"groups":[{"name":"s3","type":1}]},
			{"username":"c","status":1,"groups":[{"name":"p","type":1},{"name":"s3","type":1}]}],
			"groups":[
			{"name":"p","user_settings":{"expires_in":10,"total_data_transfer":9,"permissions":{"/":["list"]}}},
			{"name":"m"},{"name":"m"},
			{"name":"s3","user_settings":{"filesystem":{"provider":1}}}]}`,
		toml: `
			[groups.p]
			expires_in = "10d"
			total_data_transfer = "9MiB"
			transfer_period = "never" # as in SFTPGo; "month" is the default
			permissions."/" = ["list"]
			[groups.m]
			[groups.s3]
			[accounts.a]
			primary_group = "p"
			membership_groups = ["m"]
			created_at = 1970-01-01T00:00:00Z
			home_dir = "/srv/a"
			upload_data_transfer = "1MiB"
			transfer_period = "never" # as in SFTPGo; "month" is the default
			total_data_transfer = "unlimited"
			permissions."/x" = ["list"]
			[accounts.b]
			primary_group = "s3"
			created_at = 1970-01-01T00:00:01Z
			[accounts.c]
			enabled = false # by the import: see its report
			primary_group = "p"
			created_at = 1970-01-01T00:00:00Z`,
		report: `
			dump: data_transfer: changed: what was transferred so far is not carried: counting begins anew
			group m: name: lost: it is in the dump twice; the first counts
			user a: groups: lost: there is no group "gone"; SFTPGo skips it too
			user a: created_at: changed: it is missing, and the primary group has expires_in: the account has expired, as in SFTPGo
			user a: permissions./: changed: left out: in SFTPGo those of the primary group "p" overwrite them, here they would win
			user a: permissions./x: lost: there is no permission "fly"
			user c: groups: lost: group "s3", type 1: SFTPGo would refuse this
			user c: status: disabled: without groups it could do more than in SFTPGo; look at it, then remove enabled = false
			user c: created_at: changed: it is missing, and the primary group has expires_in: the account has expired, as in SFTPGo
			group s3: filesystem: lost: the files of accounts that have it as their primary group lie in S3; they get no home
			user b: home_dir: lost: its primary group's replaces it, and that is not carried`,
	},
	{
		name: "contradictions that only the merge makes",
		dump: `{"users":[{"username":"a","status":1,"filters":{"default_shares_expiration":60},"groups":[{"name":"p","type":1}]}],
			"groups":[{"name":"p","user_settings":{"filters":{"max_shares_expiration":30,"two_factor_protocols":["SSH"],"denied_protocols":["SSH"]}}}]}`,
		toml: `
			[groups.p]
			max_shares_expiration = "30d"
			denied_protocols = ["SSH"]
			[accounts.a]
			enabled = false # by the import: see its report
			primary_group = "p"`,
		report: `
			group p: filters.two_factor_protocols: lost: two_factor_protocols of group:p asks for SSH, which group:p denies
			user a: status: disabled: without filters.two_factor_protocols of group p it could do more than in SFTPGo; look at it, then remove enabled = false
			user a: filters.default_shares_expiration: lost: default_shares_expiration of account:a exceeds max_shares_expiration of group:p`,
	},
	{
		name: "text that could break out",
		dump: `{"users":[{"username":"a","status":1,"description":"x\r\n[accounts.evil]","home_dir":"/srv/\"a\"\\b\u001b]"}]}`,
		toml: `
			# x  [accounts.evil]
			[accounts.a]`,
		report: `
			user a: home_dir: lost: home_dir "/srv/\"a\"\\b\x1b]" has a control character`,
	},
}

func TestTranslations(t *testing.T) {
	for _, tt := range translations {
		t.Run(tt.name, func(t *testing.T) {
			r := imports(t, []byte(tt.dump))
			var got []string
			for line := range strings.Lines(string(r.TOML)) {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# Imported") {
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(trimmed(tt.toml), got); diff != "" {
				t.Errorf("TOML (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(trimmed(tt.report), trimmed(lines(r.Report))); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func trimmed(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}
