package config

import (
	"net/netip"
	"time"

	"grantfs/policy"
)

type (
	settings = policy.Settings
	str      = policy.Setting[string]
	strs     = []policy.Setting[string]
	limit    = policy.Setting[policy.Limit]
	flag     = policy.Setting[bool]
	span     = policy.Setting[time.Duration]
	networks = []policy.Setting[netip.Prefix]
)

// settingsTable holds the keys that accounts and groups share.
var settingsTable = &table[settings]{name: "accounts and groups", keys: []key[settings]{
	one("home_dir", func(s *settings) *str { return &s.HomeDir }, expandable(absolute)),
	{name: "home_owner", read: func(d *decoder, n *node, s *settings) {
		if v, ids := owner(d, "home_owner", n); ids != nil {
			s.HomeOwner, s.HomeOwnerIDs = str{Value: v, At: n.at, Set: true}, ids
		}
	}},
	one("home_mode", func(s *settings) *policy.Setting[uint32] { return &s.HomeMode }, mode),
	one("filesystem", func(s *settings) *str { return &s.Filesystem }, oneOf("local")),
	one("start_directory", func(s *settings) *str { return &s.StartDirectory }, expandable(absolute)),

	one("max_sessions", func(s *settings) *limit { return &s.MaxSessions }, count),
	one("quota_size", func(s *settings) *limit { return &s.QuotaSize }, size),
	one("quota_files", func(s *settings) *limit { return &s.QuotaFiles }, count),
	one("quota_inodes", func(s *settings) *limit { return &s.QuotaInodes }, count),
	one("max_upload_file_size", func(s *settings) *limit { return &s.MaxUploadFileSize }, size),
	one("upload_bandwidth", func(s *settings) *limit { return &s.UploadBandwidth }, bandwidth),
	one("download_bandwidth", func(s *settings) *limit { return &s.DownloadBandwidth }, bandwidth),
	one("upload_data_transfer", func(s *settings) *limit { return &s.UploadDataTransfer }, size),
	one("download_data_transfer", func(s *settings) *limit { return &s.DownloadDataTransfer }, size),
	one("total_data_transfer", func(s *settings) *limit { return &s.TotalDataTransfer }, size),
	one("transfer_period", func(s *settings) *str { return &s.TransferPeriod }, oneOf("month", "day", "never")),

	one("idle_timeout", func(s *settings) *span { return &s.IdleTimeout }, duration),
	one("password_expiration", func(s *settings) *span { return &s.PasswordExpiration }, duration),
	one("external_auth_cache_time", func(s *settings) *span { return &s.ExternalAuthCacheTime }, duration),
	one("default_shares_expiration", func(s *settings) *span { return &s.DefaultSharesExpiration }, duration),
	one("max_shares_expiration", func(s *settings) *span { return &s.MaxSharesExpiration }, duration),
	one("password_strength", func(s *settings) *policy.Setting[int64] { return &s.PasswordStrength }, between(0, 1000)),
	one("ftp_security", func(s *settings) *policy.Setting[int64] { return &s.FTPSecurity }, between(0, 1)),

	one("tls_username", func(s *settings) *str { return &s.TLSUsername }, oneOf("None", "CommonName")),
	one("check_password_hook", func(s *settings) *str { return &s.CheckPasswordHook }, hook),
	one("pre_login_hook", func(s *settings) *str { return &s.PreLoginHook }, hook),
	one("external_auth_hook", func(s *settings) *str { return &s.ExternalAuthHook }, hook),
	one("check_password_hook_disabled", func(s *settings) *flag { return &s.CheckPasswordHookDisabled }, boolean),
	one("pre_login_hook_disabled", func(s *settings) *flag { return &s.PreLoginHookDisabled }, boolean),
	one("external_auth_hook_disabled", func(s *settings) *flag { return &s.ExternalAuthHookDisabled }, boolean),
	one("filesystem_checks_disabled", func(s *settings) *flag { return &s.FilesystemChecksDisabled }, boolean),
	one("allow_api_key_auth", func(s *settings) *flag { return &s.AllowAPIKeyAuth }, boolean),
	one("anonymous", func(s *settings) *flag { return &s.Anonymous }, boolean),
	one("passthrough", func(s *settings) *flag { return &s.Passthrough }, boolean),

	tables("virtual_folders", func(s *settings) *[]policy.Mounting { return &s.VirtualFolders },
		func(m *policy.Mounting) *policy.Pos { return &m.At }, mountingTable),
	tables("file_patterns", func(s *settings) *[]policy.FilePatterns { return &s.FilePatterns },
		func(p *policy.FilePatterns) *policy.Pos { return &p.At }, patternsTable),
	{name: "permissions", read: func(d *decoder, n *node, s *settings) { permissions(d, n, &s.Permissions) }},
	tables("bandwidth_limits", func(s *settings) *[]policy.BandwidthLimit { return &s.BandwidthLimits },
		func(l *policy.BandwidthLimit) *policy.Pos { return &l.At }, bandwidthTable),
	tables("data_transfer_limits", func(s *settings) *[]policy.DataTransferLimit { return &s.DataTransferLimits },
		func(l *policy.DataTransferLimit) *policy.Pos { return &l.At }, transferTable),
	tables("access_time", func(s *settings) *[]policy.AccessTime { return &s.AccessTime },
		func(a *policy.AccessTime) *policy.Pos { return &a.At }, accessTimeTable),

	many("allowed_ip", func(s *settings) *networks { return &s.AllowedIP }, network),
	many("denied_ip", func(s *settings) *networks { return &s.DeniedIP }, network),
	many("denied_login_methods", func(s *settings) *strs { return &s.DeniedLoginMethods }, oneOf(loginMethods...)),
	many("denied_protocols", func(s *settings) *strs { return &s.DeniedProtocols }, oneOf(protocols...)),
	many("two_factor_protocols", func(s *settings) *strs { return &s.TwoFactorProtocols }, oneOf(protocols...)),
	many("web_client", func(s *settings) *strs { return &s.WebClient }, oneOf(webClient...)),
}}

var accountTable = &table[policy.Account]{name: "accounts", keys: append([]key[policy.Account]{
	one("uid", func(a *policy.Account) *policy.Setting[uint32] { return &a.UID }, uid),
	one("password_hash", func(a *policy.Account) *str { return &a.PasswordHash }, passwordHash),
	one("enabled", func(a *policy.Account) *flag { return &a.Enabled }, boolean),
	one("created_at", func(a *policy.Account) *policy.Setting[time.Time] { return &a.CreatedAt }, timestamp),
	one("expires_at", func(a *policy.Account) *policy.Setting[time.Time] { return &a.ExpiresAt }, timestamp),
	one("primary_group", func(a *policy.Account) *str { return &a.PrimaryGroup }, text),
	many("secondary_groups", func(a *policy.Account) *strs { return &a.SecondaryGroups }, neverEmpty(text)),
	many("membership_groups", func(a *policy.Account) *strs { return &a.MembershipGroups }, neverEmpty(text)),
}, lift(settingsTable, func(a *policy.Account) *settings { return &a.Settings })...)}

var groupTable = &table[policy.Group]{name: "groups", keys: append([]key[policy.Group]{
	one("expires_in", func(g *policy.Group) *span { return &g.ExpiresIn }, duration),
	one("quota_scope", func(g *policy.Group) *str { return &g.QuotaScope }, oneOf("member", "group")),
}, lift(settingsTable, func(g *policy.Group) *settings { return &g.Settings })...)}
