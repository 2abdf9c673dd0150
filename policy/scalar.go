package policy

import "time"

// scalar is a setting of which an account has one value: its key in the
// configuration, what copies it and what shows it.
type scalar struct {
	key     string
	isSet   func(s *Settings) bool
	copy    func(to, from *Settings)
	show    func(s *Settings) (value any, at Pos)
	primary primaryRule
	path    bool // a path of which placeholders are expanded when it is shown
	shared  bool // with quota_scope = "group" it is not inherited
	unset   any  // what holds where nobody wrote the key, nil for nothing
}

// primaryRule says what becomes of an account's value where its primary group
// has one too (product.md §4).
type primaryRule uint8

const (
	fills    primaryRule = iota // the group's value only where the account has none
	replaces                    // the group's value always
)

// scalars is the table of product.md §4's single values. Secondary groups give
// none of them.
var scalars = [...]scalar{
	homeDir("home_dir"),
	owner("home_owner"),
	mode("home_mode").or(octal(defaultHomeMode)),
	provider("filesystem").or(localFilesystem),
	one("max_sessions", fills, func(s *Settings) *Setting[Limit] { return &s.MaxSessions }),
	quota("quota_size", func(s *Settings) *Setting[Limit] { return &s.QuotaSize }),
	quota("quota_files", func(s *Settings) *Setting[Limit] { return &s.QuotaFiles }),
	quota("quota_inodes", func(s *Settings) *Setting[Limit] { return &s.QuotaInodes }),
	one("upload_bandwidth", fills, func(s *Settings) *Setting[Limit] { return &s.UploadBandwidth }),
	one("download_bandwidth", fills, func(s *Settings) *Setting[Limit] { return &s.DownloadBandwidth }),
	one("max_upload_file_size", fills, func(s *Settings) *Setting[Limit] { return &s.MaxUploadFileSize }),
	one("upload_data_transfer", fills, func(s *Settings) *Setting[Limit] { return &s.UploadDataTransfer }),
	one("download_data_transfer", fills, func(s *Settings) *Setting[Limit] { return &s.DownloadDataTransfer }),
	one("total_data_transfer", fills, func(s *Settings) *Setting[Limit] { return &s.TotalDataTransfer }),
	text("transfer_period", func(s *Settings) *Setting[string] { return &s.TransferPeriod }).or("month"),
	one("external_auth_cache_time", fills, func(s *Settings) *Setting[time.Duration] { return &s.ExternalAuthCacheTime }),
	one("default_shares_expiration", fills, func(s *Settings) *Setting[time.Duration] { return &s.DefaultSharesExpiration }),
	one("max_shares_expiration", fills, func(s *Settings) *Setting[time.Duration] { return &s.MaxSharesExpiration }),
	one("password_expiration", fills, func(s *Settings) *Setting[time.Duration] { return &s.PasswordExpiration }),
	one("idle_timeout", fills, func(s *Settings) *Setting[time.Duration] { return &s.IdleTimeout }),
	one("expires_in", fills, func(s *Settings) *Setting[time.Duration] { return &s.ExpiresIn }),
	one("password_strength", fills, func(s *Settings) *Setting[int64] { return &s.PasswordStrength }),
	one("ftp_security", fills, func(s *Settings) *Setting[int64] { return &s.FTPSecurity }).or(int64(1)),
	text("tls_username", func(s *Settings) *Setting[string] { return &s.TLSUsername }).or("None"),
	text("check_password_hook", func(s *Settings) *Setting[string] { return &s.CheckPasswordHook }),
	text("pre_login_hook", func(s *Settings) *Setting[string] { return &s.PreLoginHook }),
	text("external_auth_hook", func(s *Settings) *Setting[string] { return &s.ExternalAuthHook }),
	one("check_password_hook_disabled", fills, func(s *Settings) *Setting[bool] { return &s.CheckPasswordHookDisabled }).or(false),
	one("pre_login_hook_disabled", fills, func(s *Settings) *Setting[bool] { return &s.PreLoginHookDisabled }).or(false),
	one("external_auth_hook_disabled", fills, func(s *Settings) *Setting[bool] { return &s.ExternalAuthHookDisabled }).or(false),
	one("filesystem_checks_disabled", fills, func(s *Settings) *Setting[bool] { return &s.FilesystemChecksDisabled }).or(false),
	one("allow_api_key_auth", fills, func(s *Settings) *Setting[bool] { return &s.AllowAPIKeyAuth }).or(false),
	one("anonymous", fills, func(s *Settings) *Setting[bool] { return &s.Anonymous }).or(false),
	one("passthrough", fills, func(s *Settings) *Setting[bool] { return &s.Passthrough }).or(true),
	directory("start_directory", func(s *Settings) *Setting[string] { return &s.StartDirectory }).or("/"),
}

func one[T any](key string, rule primaryRule, field func(*Settings) *Setting[T]) scalar {
	return scalar{
		key:     key,
		primary: rule,
		isSet:   func(s *Settings) bool { return field(s).Set },
		copy:    func(to, from *Settings) { *field(to) = *field(from) },
		show: func(s *Settings) (any, Pos) {
			f := field(s)
			return plain(f.Value), f.At
		},
	}
}

// or returns s with what holds where nobody wrote it.
func (s scalar) or(unset any) scalar {
	s.unset = unset
	return s
}

// quota is one for a limit that a group can share out or have in common.
func quota(key string, field func(*Settings) *Setting[Limit]) scalar {
	s := one(key, fills, field)
	s.shared = true
	return s
}

// homeDir is home_dir: a group's replaces the account's.
func homeDir(key string) scalar {
	s := text(key, func(s *Settings) *Setting[string] { return &s.HomeDir })
	s.primary, s.path = replaces, true
	return s
}

// directory is text for a path of the view.
func directory(key string, field func(*Settings) *Setting[string]) scalar {
	s := text(key, field)
	s.path = true
	return s
}

// mode is one for permission bits, which are written as octal digits.
func mode(key string) scalar {
	s := one(key, fills, func(s *Settings) *Setting[uint32] { return &s.HomeMode })
	s.show = func(s *Settings) (any, Pos) { return octal(s.HomeMode.Value), s.HomeMode.At }
	return s
}

// text is one for a setting of which the empty value means "not set".
func text(key string, field func(*Settings) *Setting[string]) scalar {
	s := one(key, fills, field)
	s.isSet = func(s *Settings) bool { f := field(s); return f.Set && f.Value != "" }
	return s
}

// owner is home_owner, which carries the ids that it was resolved to.
func owner(key string) scalar {
	s := one(key, fills, func(s *Settings) *Setting[string] { return &s.HomeOwner })
	s.copy = func(to, from *Settings) {
		to.HomeOwner, to.HomeOwnerIDs = from.HomeOwner, from.HomeOwnerIDs
	}
	return s
}

// provider is filesystem: a group's replaces the account's if it is not the
// default one.
func provider(key string) scalar {
	s := one(key, replaces, func(s *Settings) *Setting[string] { return &s.Filesystem })
	s.isSet = func(s *Settings) bool {
		f := s.Filesystem
		return f.Set && f.Value != "" && f.Value != localFilesystem
	}
	return s
}

// localFilesystem is the only provider there is yet.
const localFilesystem = "local"
