package vsftpd

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// good is options that can be rendered.
func good() Options {
	return Options{
		Point: "/srv/views", Listen: netip.MustParseAddrPort("127.0.0.1:2521"),
		Certificate: "/etc/cert.pem", Key: "/etc/key.pem",
	}
}

func TestRender(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Options)
		want   []string
		never  []string // beginnings of lines
	}{
		{
			"defaults", func(*Options) {},
			[]string{
				"listen=YES", "listen_ipv6=NO", "listen_address=127.0.0.1", "listen_port=2521", "local_root=/srv/views/$USER",
				"pam_service_name=grantfs-vsftpd", "force_local_logins_ssl=YES", "force_local_data_ssl=YES", "anonymous_enable=NO",
				"seccomp_sandbox=NO", "pasv_min_port=49152", "pasv_max_port=65534", "require_ssl_reuse=YES",
			},
			[]string{"pasv_address", "listen_address6"},
		},
		{
			"only a point", func(o *Options) { *o = Options{Point: "/srv/views"} },
			[]string{"listen=NO", "listen_ipv6=YES", "listen_port=21", "rsa_cert_file=/etc/grantfs/ftps.pem", "rsa_private_key_file=/etc/grantfs/ftps.key"},
			[]string{"listen_address"},
		},
		{
			"one IPv6 address", func(o *Options) { o.Listen = netip.MustParseAddrPort("[::1]:21") },
			[]string{"listen=NO", "listen_ipv6=YES", "listen_address6=::1"},
			[]string{"listen_address="},
		},
		{
			"everywhere", func(o *Options) { o.Listen = netip.MustParseAddrPort("[::]:21") },
			[]string{"listen=NO", "listen_ipv6=YES", "listen_port=21"},
			[]string{"listen_address"},
		},
		{
			"a mapped address", func(o *Options) { o.Listen = netip.MustParseAddrPort("[::ffff:10.0.0.1]:21") },
			[]string{"listen=YES", "listen_address=10.0.0.1"},
			nil,
		},
		{
			"behind NAT", func(o *Options) {
				o.PassiveMin, o.PassiveMax, o.PassiveAddress = 25000, 25100, netip.MustParseAddr("192.0.2.1")
			},
			[]string{"pasv_min_port=25000", "pasv_max_port=25100", "pasv_address=192.0.2.1"},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good()
			tt.change(&o)
			text, err := Render(o)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(text), "\n")
			for _, want := range tt.want {
				if !slices.Contains(lines, want) {
					t.Errorf("no line %q in\n%s", want, text)
				}
			}
			for _, start := range tt.never {
				if i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, start) }); i >= 0 {
					t.Errorf("line %q, want none that begins with %q", lines[i], start)
				}
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no point":              func(o *Options) { o.Point = "" },
		"point is the root":     func(o *Options) { o.Point = "/" },
		"unclean point":         func(o *Options) { o.Point = "/srv/" },
		"line break in point":   func(o *Options) { o.Point = "/srv\nssl_enable=NO" },
		"blank at the end":      func(o *Options) { o.Point = "/srv " },
		"user token in point":   func(o *Options) { o.Point = "/srv/$USER" },
		"zone":                  func(o *Options) { o.Listen = netip.MustParseAddrPort("[fe80::1%lo]:21") },
		"no port":               func(o *Options) { o.Listen = netip.AddrPortFrom(o.Listen.Addr(), 0) },
		"relative certificate":  func(o *Options) { o.Certificate = "cert.pem" },
		"relative key":          func(o *Options) { o.Key = "key.pem" },
		"passive range upwards": func(o *Options) { o.PassiveMin, o.PassiveMax = 30000, 29999 },
		"privileged ports":      func(o *Options) { o.PassiveMin, o.PassiveMax = 20, 30000 },
		"passive IPv6":          func(o *Options) { o.PassiveAddress = netip.MustParseAddr("::1") },
		"PAM path":              func(o *Options) { o.PAMService = "../x" },
		"negative limit":        func(o *Options) { o.MaxPerIP = -1 },
	} {
		o := good()
		change(&o)
		if text, err := Render(o); err == nil {
			t.Errorf("%s: Render = %s, want an error", name, text)
		}
	}
}
