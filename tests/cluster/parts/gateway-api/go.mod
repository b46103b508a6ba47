// The Gateway API's resource definitions: read out of its module, nothing is built.
module progressive.delivery/cluster/gateway-api

go 1.25.0

require sigs.k8s.io/gateway-api v1.6.0
