// Answers on the cluster addresses of Services, connection by connection, as kube-proxy would.
package main

import (
	"log"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

type service struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		ClusterIP string `json:"clusterIP"`
		Ports     []struct {
			Name     string `json:"name"`
			Port     int    `json:"port"`
			Protocol string `json:"protocol"`
		} `json:"ports"`
	} `json:"spec"`
}

func (s service) key() string { return s.Metadata.UID }

type slice struct {
	Metadata  meta `json:"metadata"`
	Endpoints []struct {
		Addresses  []string `json:"addresses"`
		Conditions struct {
			Ready *bool `json:"ready"`
		} `json:"conditions"`
	} `json:"endpoints"`
	Ports []struct {
		Name string `json:"name"`
		Port int    `json:"port"`
	} `json:"ports"`
}

func (s slice) key() string { return s.Metadata.UID }

type serviceProxy struct {
	mutex     sync.Mutex
	listeners map[string]map[string]net.Listener // by the Service's uid and the address
	slices    map[string]slice
}

func newServiceProxy() *serviceProxy {
	return &serviceProxy{listeners: map[string]map[string]net.Listener{}, slices: map[string]slice{}}
}

func (p *serviceProxy) onSlice(s slice, gone bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if gone {
		delete(p.slices, s.key())
	} else {
		p.slices[s.key()] = s
	}
}

func (p *serviceProxy) onService(s service, gone bool) {
	// default/kubernetes has the API server's own address behind it; who wants that, has it.
	wanted := map[string]string{}
	if ip := s.Spec.ClusterIP; !gone && ip != "" && ip != "None" {
		for _, port := range s.Spec.Ports {
			if port.Protocol == "" || port.Protocol == "TCP" {
				wanted[net.JoinHostPort(ip, strconv.Itoa(port.Port))] = port.Name
			}
		}
	}
	open := p.listeners[s.key()]
	for address, listener := range open {
		if _, ok := wanted[address]; !ok {
			listener.Close()
			delete(open, address)
		}
	}
	for address, port := range wanted {
		if open[address] != nil {
			continue
		}
		listener, err := net.Listen("tcp4", address)
		if err != nil {
			log.Printf("service %s/%s: %v", s.Metadata.Namespace, s.Metadata.Name, err)
			continue
		}
		if open == nil {
			open = map[string]net.Listener{}
			p.listeners[s.key()] = open
		}
		open[address] = listener
		go p.serve(listener, s.Metadata, port)
	}
	if gone {
		delete(p.listeners, s.key())
	}
}

func (p *serviceProxy) serve(listener net.Listener, of meta, port string) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go pipe(connection.(*net.TCPConn), func() string { return p.pick(of, port) })
	}
}

// pick is one ready endpoint at random; without one, the discard port refuses the connection.
func (p *serviceProxy) pick(of meta, portName string) string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	addresses := []string{}
	for _, s := range p.slices {
		if s.Metadata.Namespace != of.Namespace || s.Metadata.Labels["kubernetes.io/service-name"] != of.Name {
			continue
		}
		for _, port := range s.Ports {
			if port.Name != portName {
				continue
			}
			for _, endpoint := range s.Endpoints {
				if ready := endpoint.Conditions.Ready; ready == nil || *ready {
					addresses = append(addresses, net.JoinHostPort(endpoint.Addresses[0], strconv.Itoa(port.Port)))
				}
			}
		}
	}
	if len(addresses) == 0 {
		return "127.0.0.1:9"
	}
	return addresses[rand.IntN(len(addresses))]
}
