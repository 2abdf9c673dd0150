package policy

import "time"

// scalar is a setting of which an account has one value: its key in the
// configuration and what copies it.
type scalar struct {
	key     string
	isSet   func(s *Settings) bool
	copy    func(to, from *Settings)
	primary primaryRule
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
	one("home_dir", replaces, func(s *Settings) *Setting[string] { return &s.HomeDir }),
	owner("home_owner"),
	one("home_mode", fills, func(s *Settings) *Setting[uint32] { return &s.HomeMode }),
	provider("filesystem"),
	one("max_sessions", fills, func(s *Settings) *Setting[Limit] { return &s.MaxSessions }),
	one("quota_size", fills, func(s *Settings) *Setting[Limit] { return &s.QuotaSize }),
	one("quota_files", fills, func(s *Settings) *Setting[Limit] { return &s.QuotaFiles }),
	one("quota_inodes", fills, func(s *Settings) *Setting[Limit] { return &s.QuotaInodes }),
	one("upload_bandwidth", fills, func(s *Settings) *Setting[Limit] { return &s.UploadBandwidth }),
	one("download_bandwidth", fills, func(s *Settings) *Setting[Limit] { return &s.DownloadBandwidth }),
	one("max_upload_file_size", fills, func(s *Settings) *Setting[Limit] { return &s.MaxUploadFileSize }),
	one("upload_data_transfer", fills, func(s *Settings) *Setting[Limit] { return &s.UploadDataTransfer }),
	one("download_data_transfer", fills, func(s *Settings) *Setting[Limit] { return &s.DownloadDataTransfer }),
	one("total_data_transfer", fills, func(s *Settings) *Setting[Limit] { return &s.TotalDataTransfer }),
	text("transfer_period", func(s *Settings) *Setting[string] { return &s.TransferPeriod }),
	one("external_auth_cache_time", fills, func(s *Settings) *Setting[time.Duration] { return &s.ExternalAuthCacheTime }),
	one("default_shares_expiration", fills, func(s *Settings) *Setting[time.Duration] { return &s.DefaultSharesExpiration }),
	one("max_shares_expiration", fills, func(s *Settings) *Setting[time.Duration] { return &s.MaxSharesExpiration }),
	one("password_expiration", fills, func(s *Settings) *Setting[time.Duration] { return &s.PasswordExpiration }),
	one("idle_timeout", fills, func(s *Settings) *Setting[time.Duration] { return &s.IdleTimeout }),
	one("expires_in", fills, func(s *Settings) *Setting[time.Duration] { return &s.ExpiresIn }),
	one("password_strength", fills, func(s *Settings) *Setting[int64] { return &s.PasswordStrength }),
	one("ftp_security", fills, func(s *Settings) *Setting[int64] { return &s.FTPSecurity }),
	text("tls_username", func(s *Settings) *Setting[string] { return &s.TLSUsername }),
	text("check_password_hook", func(s *Settings) *Setting[string] { return &s.CheckPasswordHook }),
	text("pre_login_hook", func(s *Settings) *Setting[string] { return &s.PreLoginHook }),
	text("external_auth_hook", func(s *Settings) *Setting[string] { return &s.ExternalAuthHook }),
	one("check_password_hook_disabled", fills, func(s *Settings) *Setting[bool] { return &s.CheckPasswordHookDisabled }),
	one("pre_login_hook_disabled", fills, func(s *Settings) *Setting[bool] { return &s.PreLoginHookDisabled }),
	one("external_auth_hook_disabled", fills, func(s *Settings) *Setting[bool] { return &s.ExternalAuthHookDisabled }),
	one("filesystem_checks_disabled", fills, func(s *Settings) *Setting[bool] { return &s.FilesystemChecksDisabled }),
	one("allow_api_key_auth", fills, func(s *Settings) *Setting[bool] { return &s.AllowAPIKeyAuth }),
	one("anonymous", fills, func(s *Settings) *Setting[bool] { return &s.Anonymous }),
	one("passthrough", fills, func(s *Settings) *Setting[bool] { return &s.Passthrough }),
	text("start_directory", func(s *Settings) *Setting[string] { return &s.StartDirectory }),
}

func one[T any](key string, rule primaryRule, field func(*Settings) *Setting[T]) scalar {
	return scalar{
		key:     key,
		primary: rule,
		isSet:   func(s *Settings) bool { return field(s).Set },
		copy:    func(to, from *Settings) { *field(to) = *field(from) },
	}
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
	s.isSet = func(s *Settings) bool { return s.Filesystem.Set && s.Filesystem.Value != localFilesystem }
	return s
}

// localFilesystem is the only provider there is yet.
const localFilesystem = "local"
