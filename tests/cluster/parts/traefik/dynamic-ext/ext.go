// Package ext stands for Traefik's unpublished module of the same name: two extension points, both empty.
package ext

// HTTP extends the configuration of HTTP; the open-source Traefik adds nothing.
type HTTP struct{}

// Router extends the configuration of a router; the open-source Traefik adds nothing.
type Router struct{}
