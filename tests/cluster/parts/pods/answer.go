// Answers requests on one address of a pod, and shuts that address hard or gently.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// behaviour is how all pods of the cluster behave, whatever their image.
type behaviour struct {
	delay        time.Duration // how long every request takes
	shutOnDelete bool          // sockets are shut hard as soon as the pod is being deleted
}

// hostileBehaviour is what a cluster does on a bad day; without it, tests forgive lost requests.
var hostileBehaviour = behaviour{delay: 100 * time.Millisecond, shutOnDelete: true}

// slowTag is how long a container with a tag `slow-*` takes for a request.
const slowTag = time.Second

// answerer makes the handler of one container; while it drains, it asks every client to go.
func answerer(pod meta, c container, b behaviour, draining *atomic.Bool) http.Handler {
	version, tag := c.version(), c.tag()
	body, _ := json.Marshal(map[string]string{"version": version, "pod": pod.Name, "namespace": pod.Namespace})
	body = append(body, '\n')
	status, delay := http.StatusOK, b.delay
	if strings.HasPrefix(tag, "bad-") {
		status = http.StatusInternalServerError
	}
	if strings.HasPrefix(tag, "slow-") {
		delay += slowTag
	}
	count := &counter{labels: fmt.Sprintf(`code="%d",version=%q,pod=%q,namespace=%q`, status, version, pod.Name, pod.Namespace)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			count.write(w)
			return
		}
		start := time.Now()
		if delay > 0 {
			time.Sleep(delay)
		}
		count.add(time.Since(start))
		header := w.Header()
		if draining.Load() {
			header["Connection"] = []string{"close"}
		}
		header["Content-Type"] = []string{"application/json"}
		header["X-Version"] = []string{version}
		header["X-Pod"] = []string{pod.Name}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})
}

// counter holds the numbers that /metrics shows.
type counter struct {
	labels                string
	requests, nanoseconds atomic.Int64
}

func (c *counter) add(d time.Duration) {
	c.requests.Add(1)
	c.nanoseconds.Add(d.Nanoseconds())
}

func (c *counter) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	fmt.Fprintf(w, "# TYPE http_requests_total counter\nhttp_requests_total{%s} %d\n", c.labels, c.requests.Load())
	fmt.Fprintf(w, "# TYPE http_request_duration_seconds summary\n")
	fmt.Fprintf(w, "http_request_duration_seconds_sum{%s} %g\n", c.labels, time.Duration(c.nanoseconds.Load()).Seconds())
	fmt.Fprintf(w, "http_request_duration_seconds_count{%s} %d\n", c.labels, c.requests.Load())
}

// socket is one listening address and its connections.
type socket struct {
	server      *http.Server
	draining    *atomic.Bool
	listener    net.Listener
	mutex       sync.Mutex
	connections map[net.Conn]bool
}

func openSocket(address string, pod meta, c container, b behaviour) (*socket, error) {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, err
	}
	s := &socket{listener: listener, draining: new(atomic.Bool), connections: map[net.Conn]bool{}}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s.server = &http.Server{Handler: answerer(pod, c, b, s.draining), ConnState: s.track, Protocols: protocols}
	go s.server.Serve(listener) //nolint:errcheck // ends when shut
	return s, nil
}

func (s *socket) track(connection net.Conn, state http.ConnState) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch state {
	case http.StateNew:
		s.connections[connection] = true
	case http.StateClosed, http.StateHijacked:
		delete(s.connections, connection)
	}
}

// drain answers on, and asks every client to go. Closing idle connections instead would meet requests on their way.
func (s *socket) drain() { s.draining.Store(true) }

// shut resets all connections, those with requests under way too.
func (s *socket) shut() {
	s.listener.Close()
	s.mutex.Lock()
	for connection := range s.connections {
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	s.mutex.Unlock()
	s.server.Close()
}
