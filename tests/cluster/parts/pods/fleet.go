// Opens and shuts the sockets of pods as the pods come and go, and says on the pod that they are open.
package main

import (
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// servingCondition is what the kwok stage that makes pods ready waits for.
const servingCondition = "cluster.test/serving"

type pod struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		NodeName   string      `json:"nodeName"`
		Containers []container `json:"containers"`
	} `json:"spec"`
	Status struct {
		Phase string `json:"phase"`
		PodIP string `json:"podIP"`
	} `json:"status"`
}

type container struct {
	Image string `json:"image"`
	Env   []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"env"`
	Ports []struct {
		Name          string `json:"name"`
		ContainerPort int    `json:"containerPort"`
		Protocol      string `json:"protocol"`
	} `json:"ports"`
	Lifecycle struct {
		PreStop struct {
			Sleep struct {
				Seconds int `json:"seconds"`
			} `json:"sleep"`
		} `json:"preStop"`
	} `json:"lifecycle"`
}

func (p pod) key() string { return p.Metadata.UID }

// sleep is for how long the pod goes on as before when it is deleted: the longest preStop sleep of its containers.
func (p pod) sleep() time.Duration {
	longest := 0
	for _, c := range p.Spec.Containers {
		longest = max(longest, c.Lifecycle.PreStop.Sleep.Seconds)
	}
	return time.Duration(longest) * time.Second
}

// tag is the image's tag, which decides how a container behaves.
func (c container) tag() string {
	image, _, _ := strings.Cut(c.Image, "@")
	_, tag, found := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if !found {
		return "latest"
	}
	return tag
}

// version is what a container's answers show.
func (c container) version() string {
	for _, variable := range c.Env {
		if variable.Name == "version" && variable.Value != "" {
			return variable.Value
		}
	}
	return c.tag()
}

// starts says whether the program in the container would come up at all.
func (c container) starts() bool {
	if strings.HasPrefix(c.tag(), "crash-twice-") {
		return true
	}
	for _, prefix := range []string{"crash-", "oom-", "missing-", "invalid-", "evicted-"} {
		if strings.HasPrefix(c.tag(), prefix) {
			return false
		}
	}
	return true
}

type fleet struct {
	api         *api
	behaviour   behaviour
	certificate *tls.Certificate     // of all ports named tls or https
	sockets     map[string][]*socket // by the pod's uid; an entry without sockets is a pod without ports
}

func newFleet(a *api, b behaviour, certificate *tls.Certificate) *fleet {
	return &fleet{api: a, behaviour: b, certificate: certificate, sockets: map[string][]*socket{}}
}

func (f *fleet) onPod(p pod, gone bool) {
	ended := p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed"
	sockets, open := f.sockets[p.key()]
	switch {
	case gone || ended:
		for _, s := range sockets {
			s.shut()
		}
		delete(f.sockets, p.key())
	case p.Metadata.DeletionTimestamp != nil:
		for _, s := range sockets {
			if !f.behaviour.shutOnDelete {
				s.drain()
			} else if sleep := p.sleep(); sleep > 0 {
				time.AfterFunc(sleep, s.shut)
			} else {
				s.shut()
			}
		}
	case !open && p.Status.PodIP != "":
		f.open(p)
	}
}

func (f *fleet) open(p pod) {
	sockets := []*socket{}
	for _, c := range p.Spec.Containers {
		if !c.starts() {
			f.sockets[p.key()] = nil
			return
		}
	}
	for _, c := range p.Spec.Containers {
		count := newCounter(p.Metadata, c)
		handler := func(draining *atomic.Bool) http.Handler {
			return answerer(p.Metadata, c, f.behaviour, count, draining)
		}
		for _, port := range c.Ports {
			if port.Protocol != "" && port.Protocol != "TCP" {
				continue
			}
			address := net.JoinHostPort(p.Status.PodIP, strconv.Itoa(port.ContainerPort))
			var certificate *tls.Certificate
			if port.Name == "tls" || port.Name == "https" {
				certificate = f.certificate
			}
			s, err := openSocket(address, certificate, handler)
			if err != nil {
				log.Printf("pod %s/%s: %v", p.Metadata.Namespace, p.Metadata.Name, err)
				for _, opened := range sockets {
					opened.shut()
				}
				return // the next event of the pod tries again
			}
			sockets = append(sockets, s)
		}
	}
	f.sockets[p.key()] = sockets
	go f.sayServing(p)
}

func (f *fleet) sayServing(p pod) {
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/status", p.Metadata.Namespace, p.Metadata.Name)
	condition := map[string]any{"type": servingCondition, "status": "True", "lastTransitionTime": time.Now().UTC().Format(time.RFC3339)}
	body := map[string]any{
		"metadata": map[string]any{"uid": p.Metadata.UID}, // not another pod of the same name
		"status":   map[string]any{"conditions": []any{condition}},
	}
	for attempt := 0; ; attempt++ {
		err := f.api.patch(path, body)
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), ": 404 ") || strings.Contains(err.Error(), ": 409 ") || attempt == 10 {
			log.Printf("pod %s/%s: %v", p.Metadata.Namespace, p.Metadata.Name, err)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
