"""The embedded provider: a real API server and real routers in namespaces of this machine, without Docker and without root."""
