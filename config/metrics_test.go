package config

import "testing"

func TestStatusPage(t *testing.T) {
	for text, want := range map[string]bool{
		``:                                    true,
		`listen = "[::1]:1"`:                  true,
		`listen = "localhost:1"`:              true,
		`listen = "127.9.9.9:1"`:              true,
		`listen = ""`:                         false,
		`listen = ":9477"`:                    false,
		`listen = "0.0.0.0:9477"`:             false,
		`listen = "192.0.2.1:9477"`:           false,
		`listen = "example.org:9"`:            false,
		`status_page = false`:                 false,
		"listen = \":9\"\nstatus_page = true": true,
	} {
		d := newDecoder(machine(t))
		c := d.decode("f.toml", []file{{name: "f.toml", data: []byte("[metrics]\n" + text + "\n")}})
		if got := c.Metrics.Page(); got != want {
			t.Errorf("%s: a page: %v, want %v", text, got, want)
		}
	}
}
