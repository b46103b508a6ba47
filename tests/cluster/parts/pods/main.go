// Command pods answers HTTP for every pod and Service of a test cluster, and forwards ports from outside its namespace.
package main

import (
	"flag"
	"log"
	"strings"
)

func main() {
	api := flag.String("api", "", "URL of the API server")
	ca := flag.String("ca", "", "file with the API server's CA certificate")
	token := flag.String("token-file", "", "file with the bearer token")
	hostile := flag.Bool("hostile", false, "slow answers, and sockets shut hard the moment a pod is deleted")
	var forwards listFlag
	flag.Var(&forwards, "forward", "FD=HOST:PORT: pass connections to an inherited listening socket on (repeatable)")
	flag.Parse()
	log.SetFlags(log.Ltime | log.Lmicroseconds)

	for _, forward := range forwards {
		fd, target, ok := strings.Cut(forward, "=")
		if !ok {
			log.Fatalf("--forward %s: expected FD=HOST:PORT", forward)
		}
		if err := forwardInherited(fd, target); err != nil {
			log.Fatalf("--forward %s: %v", forward, err)
		}
	}
	client, err := newAPI(*api, *ca, *token)
	if err != nil {
		log.Fatal(err)
	}
	behaviour := behaviour{}
	if *hostile {
		behaviour = hostileBehaviour
	}
	certificate, err := selfSigned()
	if err != nil {
		log.Fatal(err)
	}
	proxy := newServiceProxy()
	go follow(client, "/api/v1/services", proxy.onService)
	go follow(client, "/apis/discovery.k8s.io/v1/endpointslices", proxy.onSlice)
	follow(client, "/api/v1/pods", newFleet(client, behaviour, certificate).onPod)
}

type listFlag []string

func (l *listFlag) String() string     { return strings.Join(*l, ",") }
func (l *listFlag) Set(v string) error { *l = append(*l, v); return nil }
