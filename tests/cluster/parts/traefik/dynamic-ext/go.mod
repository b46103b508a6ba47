// Stands for Traefik's unpublished module of this name, which holds just these two empty extension points.
module github.com/traefik/traefik/dynamic/ext

go 1.25.0
