package sftpgo

import (
	"strconv"
	"time"
)

const day = 24 * time.Hour

// settings writes what users and groups share, apart from groups, folders and
// permissions.
func (im *importer) settings(b *block, s *settings, isGroup bool) {
	im.home(b, s, isGroup)
	f := &s.Filters
	im.path(b, "filters.start_directory", "start_directory", f.StartDirectory)
	if f.DisableFsChecks {
		b.add("filters.disable_fs_checks", "filesystem_checks_disabled = true")
	}

	scalar := func(key, ours, value string) {
		if value != "" {
			b.add(key, ours+" = "+value)
		}
	}
	scalar("max_sessions", "max_sessions", limit(s.MaxSessions, 1))
	scalar("quota_size", "quota_size", sizeLimit(s.QuotaSize))
	scalar("quota_files", "quota_files", limit(s.QuotaFiles, 1))
	scalar("filters.max_upload_file_size", "max_upload_file_size", sizeLimit(f.MaxUploadFileSize))
	scalar("upload_bandwidth", "upload_bandwidth", limit(max(s.UploadBandwidth, 0), kilobyte))
	scalar("download_bandwidth", "download_bandwidth", limit(max(s.DownloadBandwidth, 0), kilobyte))
	if s.UploadBandwidth > 0 || s.DownloadBandwidth > 0 || len(f.BandwidthLimits) > 0 {
		im.find(theDump, "bandwidth", EffectChanged, "SFTPGo's limits are for each transfer; here all sessions of an account share one")
	}
	im.transfers(b, s)

	scalar("filters.external_auth_cache_time", "external_auth_cache_time", span(f.ExternalAuthCacheTime, time.Second))
	scalar("filters.default_shares_expiration", "default_shares_expiration", span(f.DefaultSharesExpiration, day))
	scalar("filters.max_shares_expiration", "max_shares_expiration", span(f.MaxSharesExpiration, day))
	scalar("filters.password_expiration", "password_expiration", span(f.PasswordExpiration, day))
	if f.PasswordStrength > 0 {
		scalar("filters.password_strength", "password_strength", strconv.FormatInt(min(f.PasswordStrength, 1000), 10))
	}
	if f.FTPSecurity > 0 {
		scalar("filters.ftp_security", "ftp_security", "1")
	}
	if f.TLSUsername != "" {
		scalar("filters.tls_username", "tls_username", quoteString(f.TLSUsername))
	}
	// SFTPGo's false means "not set"; ours would refuse what the group has.
	for _, flag := range []struct {
		key, ours string
		on        bool
	}{
		{"filters.hooks.check_password_disabled", "check_password_hook_disabled", f.Hooks.CheckPasswordDisabled},
		{"filters.hooks.pre_login_disabled", "pre_login_hook_disabled", f.Hooks.PreLoginDisabled},
		{"filters.hooks.external_auth_disabled", "external_auth_hook_disabled", f.Hooks.ExternalAuthDisabled},
		{"filters.allow_api_key_auth", "allow_api_key_auth", f.AllowAPIKeyAuth},
	} {
		if flag.on {
			scalar(flag.key, flag.ours, "true")
		}
	}
	if f.IsAnonymous {
		b.addGuard("filters.is_anonymous", "anonymous = true") // it allows less than the permissions do
	}
	im.lists(b, f)
}

// home writes the home directory. Where the provider is not the local one the
// directory is not where the files are.
func (im *importer) home(b *block, s *settings, isGroup bool) {
	switch {
	case !s.Filesystem.local():
		if !isGroup {
			im.lost(b, "filesystem", "its files lie in %s: they are not carried, nor is its home_dir", s.Filesystem)
		}
	case hasRole(s.HomeDir):
		im.lost(b, "home_dir", "it has %%role%%, and there are no roles; its accounts get no home")
	default:
		if !isGroup && hasPlaceholder(s.HomeDir) {
			im.changed(b, "home_dir", "placeholders in what a user has itself are literal text in SFTPGo; here they are replaced")
		}
		im.path(b, "home_dir", "home_dir", s.HomeDir)
	}
}

// path writes an absolute path, if there is one.
func (im *importer) path(b *block, key, ours, value string) {
	if value == "" {
		return
	}
	p, ok := clean(value)
	switch {
	case !ok:
		im.lost(b, key, "%q is not absolute", value)
	case hasRole(p):
		im.lost(b, key, "it has %%role%%, and there are no roles")
	default:
		b.add(key, ours+" = "+quoteString(p))
	}
}

// noHome reports whether members of a primary group can't have the home that
// SFTPGo gives them.
func (g *group) noHome() bool {
	s := &g.UserSettings
	return !s.Filesystem.local() || hasRole(s.HomeDir)
}

// transfers writes the limits of transferred bytes.
func (im *importer) transfers(b *block, s *settings) {
	any := false
	for _, t := range []struct {
		key string
		mb  int64
	}{
		{"upload_data_transfer", s.UploadDataTransfer},
		{"download_data_transfer", s.DownloadDataTransfer},
		{"total_data_transfer", s.TotalDataTransfer},
	} {
		if v := limit(t.mb, megabyte); v != "" {
			b.add(t.key, t.key+" = "+v)
			any = true
		}
	}
	if any {
		b.add("transfer_period", `transfer_period = "never" # as in SFTPGo; "month" is the default`)
		im.find(theDump, "data_transfer", EffectChanged, "what was transferred so far is not carried: counting begins anew")
	}
}

// transfersOf writes the limits of transferred bytes of an account. SFTPGo takes
// those of the primary group only if the account has none at all; here each is
// inherited by itself, so those that the account does not have are said to be
// unlimited.
func (im *importer) transfersOf(b *block, s *settings, primary *group) {
	if primary == nil || s.UploadDataTransfer == 0 && s.DownloadDataTransfer == 0 && s.TotalDataTransfer == 0 {
		return
	}
	g := &primary.UserSettings
	for _, t := range []struct {
		key        string
		own, group int64
	}{
		{"upload_data_transfer", s.UploadDataTransfer, g.UploadDataTransfer},
		{"download_data_transfer", s.DownloadDataTransfer, g.DownloadDataTransfer},
		{"total_data_transfer", s.TotalDataTransfer, g.TotalDataTransfer},
	} {
		if t.own == 0 && t.group != 0 {
			b.add(t.key, t.key+" = "+quoteString(unlimited))
		}
	}
}
