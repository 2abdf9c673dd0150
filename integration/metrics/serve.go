package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	maxScrapes  = 4 // at a time
	farewell    = 2 * time.Second
	readTimeout = 5 * time.Second
	sendTimeout = 30 * time.Second
	idleTimeout = 2 * time.Minute
)

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxScrapes,
		// One broken metric must not hide the others.
		ErrorHandling: promhttp.ContinueOnError,
		Registry:      m.registry,
	})
}

// ServeOptions says what a listener has besides metrics, and for whom.
type ServeOptions struct {
	Page http.Handler // at "/"; nil for none
	// Admit says who may ask, by HTTP's basic authentication (RFC 7617); nil:
	// everybody.
	Admit func(username, password string) bool
}

// Serve answers GET /metrics on l until ctx ends, and returns when the last
// request is answered or cut off. The error is nil after ctx ended.
func (m *Metrics) Serve(ctx context.Context, l net.Listener, o ServeOptions) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	if o.Page != nil {
		mux.Handle("GET /{$}", o.Page)
	}
	server := &http.Server{
		Handler:           guard(mux, o.Admit),
		ReadTimeout:       readTimeout,
		ReadHeaderTimeout: readTimeout,
		WriteTimeout:      sendTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    16 << 10,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if err := server.Shutdown(limit); err != nil {
			stopped <- errors.Join(err, server.Close())
			return
		}
		stopped <- nil
	})
	err := server.Serve(newCrowd(l, maxConnections))
	if stop() { // ctx has not ended: the listener failed
		return fmt.Errorf("serve metrics: %w", errors.Join(err, server.Close()))
	}
	// A scraper that does not finish in time is cut off; that is no failure.
	<-stopped
	return nil
}
