package sftpgo

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// dump is the part of SFTPGo's backup that is looked at. Objects stay raw until
// each is read by itself, so that keys nobody knows can be reported.
type dump struct {
	Version int64             `json:"version"`
	Users   []json.RawMessage `json:"users"`
	Groups  []json.RawMessage `json:"groups"`
	Folders []json.RawMessage `json:"folders"`

	Shares       []json.RawMessage          `json:"shares"`
	APIKeys      []json.RawMessage          `json:"api_keys"`
	Admins       []json.RawMessage          `json:"admins"`
	Roles        []json.RawMessage          `json:"roles"`
	EventActions []json.RawMessage          `json:"event_actions"`
	EventRules   []json.RawMessage          `json:"event_rules"`
	IPLists      []json.RawMessage          `json:"ip_lists"`
	Configs      map[string]json.RawMessage `json:"configs"`
}

// knownVersion is the newest version of dumps that the import was written for.
const knownVersion = 17

// settings are what users and groups share.
type settings struct {
	HomeDir              string              `json:"home_dir"`
	MaxSessions          int64               `json:"max_sessions"`
	QuotaSize            int64               `json:"quota_size"`
	QuotaFiles           int64               `json:"quota_files"`
	Permissions          map[string][]string `json:"permissions"`
	UploadBandwidth      int64               `json:"upload_bandwidth"`     // KB/s of 1024 bytes
	DownloadBandwidth    int64               `json:"download_bandwidth"`   // KB/s
	UploadDataTransfer   int64               `json:"upload_data_transfer"` // MB of 1048576 bytes
	DownloadDataTransfer int64               `json:"download_data_transfer"`
	TotalDataTransfer    int64               `json:"total_data_transfer"`
	Filters              filters             `json:"filters"`
	Filesystem           filesystem          `json:"filesystem"`
}

type filters struct {
	AllowedIP               []string          `json:"allowed_ip"`
	DeniedIP                []string          `json:"denied_ip"`
	DeniedLoginMethods      []string          `json:"denied_login_methods"`
	DeniedProtocols         []string          `json:"denied_protocols"`
	TwoFactorProtocols      []string          `json:"two_factor_protocols"`
	FilePatterns            []filePatterns    `json:"file_patterns"`
	MaxUploadFileSize       int64             `json:"max_upload_file_size"`
	TLSUsername             string            `json:"tls_username"`
	TLSCerts                []string          `json:"tls_certs"`
	Hooks                   hooks             `json:"hooks"`
	DisableFsChecks         bool              `json:"disable_fs_checks"`
	WebClient               []string          `json:"web_client"`
	AllowAPIKeyAuth         bool              `json:"allow_api_key_auth"`
	UserType                string            `json:"user_type"`
	BandwidthLimits         []bandwidth       `json:"bandwidth_limits"`
	DataTransferLimits      []dataTransfer    `json:"data_transfer_limits"` // until June 2023
	ExternalAuthCacheTime   int64             `json:"external_auth_cache_time"`
	StartDirectory          string            `json:"start_directory"`
	FTPSecurity             int64             `json:"ftp_security"`
	IsAnonymous             bool              `json:"is_anonymous"`
	DefaultSharesExpiration int64             `json:"default_shares_expiration"` // days
	MaxSharesExpiration     int64             `json:"max_shares_expiration"`     // days
	PasswordExpiration      int64             `json:"password_expiration"`       // days
	PasswordStrength        int64             `json:"password_strength"`
	AccessTime              []accessTime      `json:"access_time"`
	RequirePasswordChange   bool              `json:"require_password_change"`
	TOTP                    totp              `json:"totp_config"`
	RecoveryCodes           []json.RawMessage `json:"recovery_codes"`
}

type filePatterns struct {
	Path       string   `json:"path"`
	Allowed    []string `json:"allowed_patterns"`
	Denied     []string `json:"denied_patterns"`
	DenyPolicy int64    `json:"deny_policy"` // 0: refused but seen, 1: hidden
}

type hooks struct {
	ExternalAuthDisabled  bool `json:"external_auth_disabled"`
	PreLoginDisabled      bool `json:"pre_login_disabled"`
	CheckPasswordDisabled bool `json:"check_password_disabled"`
}

type bandwidth struct {
	Sources  []string `json:"sources"`
	Upload   int64    `json:"upload_bandwidth"`
	Download int64    `json:"download_bandwidth"`
}

type dataTransfer struct {
	Sources  []string `json:"sources"`
	Upload   int64    `json:"upload_data_transfer"`
	Download int64    `json:"download_data_transfer"`
	Total    int64    `json:"total_data_transfer"`
}

type accessTime struct {
	DayOfWeek int64  `json:"day_of_week"` // 0 is Sunday
	From      string `json:"from"`
	To        string `json:"to"`
}

type totp struct {
	Enabled bool `json:"enabled"`
}

// filesystem is where data lies. Only provider 0, the local file system, has
// something that we could show.
type filesystem struct {
	Provider int64 `json:"provider"`
}

var providers = []string{"local", "S3", "Google Cloud Storage", "Azure Blob", "encrypted local", "SFTP", "HTTP"}

func (f filesystem) local() bool { return f.Provider == 0 }

func (f filesystem) String() string {
	if f.Provider < 0 || f.Provider >= int64(len(providers)) {
		return fmt.Sprintf("unknown (%d)", f.Provider)
	}
	return providers[f.Provider]
}

type user struct {
	settings
	Username       string            `json:"username"`
	Status         int64             `json:"status"`
	Password       string            `json:"password"`
	PublicKeys     []string          `json:"public_keys"`
	UID            int64             `json:"uid"`
	GID            int64             `json:"gid"`
	ExpirationDate int64             `json:"expiration_date"` // milliseconds since 1970
	CreatedAt      int64             `json:"created_at"`      // milliseconds since 1970
	Email          string            `json:"email"`
	Description    string            `json:"description"`
	AdditionalInfo string            `json:"additional_info"`
	Role           string            `json:"role"`
	UsedQuotaSize  int64             `json:"used_quota_size"`
	UsedUpload     int64             `json:"used_upload_data_transfer"`
	UsedDownload   int64             `json:"used_download_data_transfer"`
	VirtualFolders []virtualFolder   `json:"virtual_folders"`
	Groups         []groupMembership `json:"groups"`
}

type groupMembership struct {
	Name string `json:"name"`
	Type int64  `json:"type"` // 1 primary, 2 secondary, 3 membership
}

type group struct {
	Name           string          `json:"name"`
	Description    string          `json:"description"`
	UserSettings   userSettings    `json:"user_settings"`
	VirtualFolders []virtualFolder `json:"virtual_folders"`
}

type userSettings struct {
	settings
	ExpiresIn int64 `json:"expires_in"` // days
}

type folder struct {
	Name        string     `json:"name"`
	MappedPath  string     `json:"mapped_path"`
	Description string     `json:"description"`
	Filesystem  filesystem `json:"filesystem"`
}

type virtualFolder struct {
	folder
	VirtualPath string `json:"virtual_path"`
	Subpath     string `json:"subpath"`
	QuotaSize   int64  `json:"quota_size"`
	QuotaFiles  int64  `json:"quota_files"`
}

// ignored are keys without any meaning for a configuration: numbers of the
// database, counters, times of the last change, and lists that repeat others.
var ignored = []string{
	"id", "has_password", "updated_at", "created_at", "last_login", "last_password_change", "first_download",
	"first_upload", "used_quota_files", "used_quota_size", "last_quota_update", "users", "groups", "admins",
	"filesystem",
}

// readDump reads the outermost object.
func readDump(data []byte) (*dump, error) {
	d := &dump{}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("read dump: %w", err)
	}
	if len(d.Users)+len(d.Groups)+len(d.Folders) == 0 {
		return nil, errors.New("read dump: it has neither users nor groups nor folders; is it a backup of SFTPGo?")
	}
	return d, nil
}

// readAll reads the objects of one list.
func readAll[T any](what string, list []json.RawMessage) ([]T, error) {
	out := make([]T, len(list))
	for i, raw := range list {
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			return nil, fmt.Errorf("read dump: %s %d: %w", what, i, err)
		}
	}
	return out, nil
}

// unknownKeys returns the keys of an object of type t that hold something and
// that the import has never heard of, sorted, with those of the objects in it
// that inner names.
func unknownKeys(raw json.RawMessage, t reflect.Type, inner ...string) []string {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	known := fields(t)
	var list []string
	for key, value := range object {
		f, ok := known[key]
		switch {
		case ok && slices.Contains(inner, key):
			for _, k := range unknownKeys(value, f, inner...) {
				list = append(list, key+"."+k)
			}
		case !ok && !slices.Contains(ignored, key) && !empty(value):
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return list
}

// fields returns the JSON keys of a struct and what they hold.
func fields(t reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			all[name] = f.Type
		}
	}
	return all
}

// empty reports whether a value says nothing: SFTPGo writes many of them.
func empty(raw json.RawMessage) bool {
	switch string(raw) {
	case "null", "false", "0", `""`, "[]", "{}":
		return true
	}
	return false
}
