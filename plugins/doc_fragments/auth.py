"""Documents the auth options that every module has (fragment progressive.delivery.auth)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Where the cluster and the credentials are described, as a path, as several paths joined by C(:), or as a dictionary.
      - Of several files, the first that has a context, cluster, user or current-context of a given name counts, as in C(kubectl).
      - The environment variable E(K8S_AUTH_KUBECONFIG) stands in for it.
      - Without it, E(KUBECONFIG) is used; else, unless O(context) is set, the service account of the pod in which the module runs;
        else C(~/.kube/config).
      - Not read when O(host) is set together with O(api_key), with O(username) and O(password), or with O(client_cert) and O(client_key).
    type: raw
  context:
    description:
      - Which context of the kubeconfig to use, instead of its current-context.
      - The environment variable E(K8S_AUTH_CONTEXT) stands in for it.
    type: str
  host:
    description:
      - URL of the API server, such as V(https://kubernetes.example:6443). Takes the place of the server that the kubeconfig names.
      - A URL with C(http), except one of this machine, is used with a warning - credentials and answers are not protected on the way.
      - The environment variable E(K8S_AUTH_HOST) stands in for it.
    type: str
  api_key:
    description:
      - A bearer token, without the word C(Bearer).
      - The environment variable E(K8S_AUTH_API_KEY) stands in for it.
    type: str
  username:
    description:
      - User name for HTTP basic authentication, which few clusters have; needs O(password).
      - The environment variable E(K8S_AUTH_USERNAME) stands in for it.
    type: str
  password:
    description:
      - Password for HTTP basic authentication, see O(username).
      - The environment variable E(K8S_AUTH_PASSWORD) stands in for it.
    type: str
  client_cert:
    description:
      - Path of a client certificate (PEM), which may hold its key, too.
      - The environment variables E(K8S_AUTH_CLIENT_CERT) and E(K8S_AUTH_CERT_FILE) stand in for it.
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - Path of the key (PEM, without a password) that belongs to O(client_cert).
      - The environment variables E(K8S_AUTH_CLIENT_KEY) and E(K8S_AUTH_KEY_FILE) stand in for it.
    type: path
    aliases: [key_file]
  ca_cert:
    description:
      - Path of the CA certificates (PEM) by which the API server's certificate is checked.
      - The environment variables E(K8S_AUTH_CA_CERT) and E(K8S_AUTH_SSL_CA_CERT) stand in for it.
    type: path
    aliases: [ssl_ca_cert]
  validate_certs:
    description:
      - V(false) accepts any certificate, and so anybody in between, as the API server. It is used with a warning.
      - Left out, the kubeconfig decides, and without a word of its, certificates are checked.
      - The environment variables E(K8S_AUTH_VALIDATE_CERTS) and E(K8S_AUTH_VERIFY_SSL) stand in for it.
    type: bool
    aliases: [verify_ssl]
  proxy:
    description:
      - URL of a proxy through which to reach the API server. User name and password may be part of it.
      - The environment variable E(K8S_AUTH_PROXY) stands in for it.
      - Without it, the cluster's C(proxy-url) in the kubeconfig is used, and without that, as C(kubectl) does, the environment variables
        E(HTTPS_PROXY) or E(HTTP_PROXY), by the scheme of the server's URL, except where E(NO_PROXY) says otherwise or the server is on
        this machine.
    type: str
  no_proxy:
    description:
      - Hosts, domains, addresses and networks, joined by commas, that are reached without the proxy, such as
        V(localhost,.example.com,10.0.0.0/8).
      - The environment variable E(K8S_AUTH_NO_PROXY) stands in for it.
    type: str
  proxy_headers:
    description:
      - What to tell the proxy.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - User name and password for the proxy, joined by a colon, sent as C(Proxy-Authorization).
          - The environment variable E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH) stands in for it.
        type: str
      basic_auth:
        description:
          - User name and password, joined by a colon, sent to the proxy as C(Authorization).
          - The environment variable E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH) stands in for it.
        type: str
      user_agent:
        description:
          - The user agent to name to the proxy.
          - The environment variable E(K8S_AUTH_PROXY_HEADERS_USER_AGENT) stands in for it.
        type: str
  persist_config:
    description:
      - V(true) writes a token that was renewed (identity provider C(oidc) or C(gcp)) back into the kubeconfig file.
      - The environment variable E(K8S_AUTH_PERSIST_CONFIG) stands in for it.
    type: bool
  impersonate_user:
    description:
      - Name of a user as whom to act; takes the place of C(as) in the kubeconfig.
      - The environment variable E(K8S_AUTH_IMPERSONATE_USER) stands in for it.
    type: str
  impersonate_groups:
    description:
      - Groups of which to be a member; needs O(impersonate_user).
      - The environment variable E(K8S_AUTH_IMPERSONATE_GROUPS), with commas between the groups, stands in for it.
    type: list
    elements: str
requirements:
  - python >= 3.9
  - kubernetes >= 28.1.0 (the official Python client)
  - PyYAML >= 6.0
"""
