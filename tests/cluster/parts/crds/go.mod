// Resource definitions of routers that are shipped as definitions of ours: read out of their modules by tests, nothing is built.
module progressive.delivery/cluster/crds

go 1.25.0

require (
	github.com/apache/apisix-ingress-controller v1.8.4
	github.com/projectcontour/contour v1.33.8
	github.com/servicemeshinterface/smi-sdk-go v0.5.0
)
