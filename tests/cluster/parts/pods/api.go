// Lists, watches and patches objects of the API server with plain HTTP and JSON.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

type api struct {
	base, token string
	client      *http.Client
}

func newAPI(base, caFile, tokenFile string) (*api, error) {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", caFile)
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 8}
	return &api{base, strings.TrimSpace(string(token)), &http.Client{Transport: transport}}, nil
}

func (a *api) do(ctx context.Context, method, path, contentType string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Accept", "application/json")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		response.Body.Close()
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	return response, nil
}

// patch applies a strategic merge patch.
func (a *api) patch(path string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	response, err := a.do(ctx, http.MethodPatch, path, "application/strategic-merge-patch+json", data)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return err
}

// object is what follow needs to know of any object.
type object interface{ key() string }

type meta struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace"`
	UID               string            `json:"uid"`
	ResourceVersion   string            `json:"resourceVersion"`
	DeletionTimestamp *time.Time        `json:"deletionTimestamp"`
	Labels            map[string]string `json:"labels"`
}

// follow keeps a handler informed of all objects below a path, for ever: it lists, watches, and does so again when
// the watch breaks. An object that went away in between is handed over as gone.
func follow[T object](a *api, path string, on func(item T, gone bool)) {
	known := map[string]T{}
	for {
		if err := followOnce(a, path, known, on); err != nil && err != io.EOF {
			log.Printf("watch %s: %v", path, err)
			time.Sleep(200 * time.Millisecond)
		}
	}
}

func followOnce[T object](a *api, path string, known map[string]T, on func(item T, gone bool)) error {
	response, err := a.do(context.Background(), http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	var list struct {
		Metadata meta `json:"metadata"`
		Items    []T  `json:"items"`
	}
	err = json.NewDecoder(response.Body).Decode(&list)
	response.Body.Close()
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, item := range list.Items {
		listed[item.key()] = true
		known[item.key()] = item
		on(item, false)
	}
	for key, item := range known {
		if !listed[key] {
			delete(known, key)
			on(item, true)
		}
	}
	return watch(a, path, list.Metadata.ResourceVersion, known, on)
}

func watch[T object](a *api, path, version string, known map[string]T, on func(item T, gone bool)) error {
	response, err := a.do(context.Background(), http.MethodGet, path+"?watch=true&resourceVersion="+version, "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	for {
		var event struct {
			Type   string          `json:"type"`
			Object json.RawMessage `json:"object"`
		}
		if err := decoder.Decode(&event); err != nil {
			return err
		}
		if event.Type == "ERROR" {
			return fmt.Errorf("%s", event.Object)
		}
		var item T
		if err := json.Unmarshal(event.Object, &item); err != nil {
			return err
		}
		gone := event.Type == "DELETED"
		if gone {
			delete(known, item.key())
		} else {
			known[item.key()] = item
		}
		on(item, gone)
	}
}
