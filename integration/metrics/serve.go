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

// Serve answers GET /metrics on l until ctx ends, and returns when the last
// request is answered or cut off. The error is nil after ctx ended.
func (m *Metrics) Serve(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	server := &http.Server{
		Handler:           mux,
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
	err := server.Serve(l)
	if stop() { // ctx has not ended: the listener failed
		return fmt.Errorf("serve metrics: %w", errors.Join(err, server.Close()))
	}
	// A scraper that does not finish in time is cut off; that is no failure.
	<-stopped
	return nil
}
