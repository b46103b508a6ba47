// Answers requests on one address of a pod, and shuts that address hard or gently.
package main

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
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

// answer is what a container says of itself and of the request that it got.
type answer struct {
	Version   string            `json:"version"`
	Pod       string            `json:"pod"`
	Namespace string            `json:"namespace"`
	Protocol  string            `json:"protocol"`
	TLS       bool              `json:"tls"`
	Method    string            `json:"method"`
	Host      string            `json:"host"`
	Path      string            `json:"path"` // with the query
	Headers   map[string]string `json:"headers"`
}

// answerer makes the handler of one container; while it drains, it asks every client to go.
func answerer(pod meta, c container, b behaviour, count *counter, draining *atomic.Bool) http.Handler {
	version := c.version()
	delay := b.delay
	if strings.HasPrefix(c.tag(), "slow-") {
		delay += slowTag
	}
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
		header["X-Version"] = []string{version}
		header["X-Pod"] = []string{pod.Name}
		body := describe(r, version, pod)
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			writeGRPC(w, count.status, body)
			return
		}
		header["Content-Type"] = []string{"application/json"}
		w.WriteHeader(count.status)
		_, _ = w.Write(append(body, '\n'))
	})
}

func describe(r *http.Request, version string, pod meta) []byte {
	headers := map[string]string{}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	body, _ := json.Marshal(answer{
		Version: version, Pod: pod.Name, Namespace: pod.Namespace,
		Protocol: r.Proto, TLS: r.TLS != nil, Method: r.Method, Host: r.Host, Path: r.RequestURI, Headers: headers,
	})
	return body
}

// writeGRPC answers a call of any method with one message that is no protobuf, but JSON: there is no schema here.
func writeGRPC(w http.ResponseWriter, status int, message []byte) {
	header := w.Header()
	header["Content-Type"] = []string{"application/grpc"}
	header["Trailer"] = []string{"Grpc-Status"}
	prefix := make([]byte, 5) // one byte for compression, of which there is none, and the length
	binary.BigEndian.PutUint32(prefix[1:], uint32(len(message)))
	_, _ = w.Write(append(prefix, message...))
	code := "0"
	if status != http.StatusOK {
		code = "13" // internal
	}
	header["Grpc-Status"] = []string{code}
}

// counter holds the numbers that /metrics shows, of all ports of a container.
type counter struct {
	labels                string
	status                int // of every answer
	requests, nanoseconds atomic.Int64
}

func newCounter(pod meta, c container) *counter {
	status := http.StatusOK
	if strings.HasPrefix(c.tag(), "bad-") {
		status = http.StatusInternalServerError
	}
	labels := fmt.Sprintf(`code="%d",version=%q,pod=%q,namespace=%q`, status, c.version(), pod.Name, pod.Namespace)
	return &counter{labels: labels, status: status}
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

// openSocket answers HTTP/1.1 and HTTP/2 on an address, over TLS when there is a certificate.
func openSocket(address string, certificate *tls.Certificate, handler func(draining *atomic.Bool) http.Handler) (*socket, error) {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, err
	}
	s := &socket{listener: listener, draining: new(atomic.Bool), connections: map[net.Conn]bool{}}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	s.server = &http.Server{Handler: handler(s.draining), ConnState: s.track, Protocols: protocols}
	if certificate == nil {
		go s.server.Serve(listener) //nolint:errcheck // ends when shut
		return s, nil
	}
	s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}}
	s.server.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that probes break off
	go s.server.ServeTLS(listener, "", "")         //nolint:errcheck // ends when shut
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
		if encrypted, ok := connection.(*tls.Conn); ok {
			connection = encrypted.NetConn()
		}
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	s.mutex.Unlock()
	s.server.Close()
}
