"""Machines and places on the network: hosts, internal URLs, pods, nodes; public ones stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from compass.anonymize.catalog import fold
from compass.anonymize.spans import Find
from compass.anonymize.vocabulary import vocabulary

_URL: Final = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://(?:\[[0-9a-fA-F:.]+\])?[^\s\"'`<>|⟨⟩{}\[\]]+")
_AUTHORITY: Final = re.compile(r"(?P<scheme>[a-zA-Z][\w+.-]*)://(?:(?P<user>[^/\s]*)@)?(?P<host>\[[0-9a-fA-F:.]+\]|[^/:?#\s,]*)(?P<port>:\d+)?(?P<rest>.*)", re.DOTALL)
_DOTTED: Final = re.compile(r"(?<![\w@/.%$-])(?:[A-Za-z0-9_](?:[\w-]{0,62}[A-Za-z0-9])?\.){1,10}[A-Za-z][A-Za-z0-9-]{1,24}(?![\w-]|\.\w|\()")
_DIGIT: Final = re.compile(r"\d")
_POD: Final = re.compile(r"(?<![\w.-])[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?-(?P<hash>[a-z0-9]{8,10})-(?P<tail>[a-z0-9]{5})(?![\w-])")
_DAEMON: Final = re.compile(r"(?<![\w./-])(?P<name>[a-z](?:[a-z0-9-]{1,60}[a-z0-9]))-(?P<tail>[bcdfghjklmnpqrstvwxz2456789]{5})(?![\w-])")
_NODE: Final = re.compile(r"(?<![\w.-])(?:ip-\d{1,3}(?:-\d{1,3}){3}(?:\.[\w.-]*[a-z])?|gke-[\w-]{4,80}|aks-[\w-]+-vmss\w+|(?:i|ec2)-\d+-\d+-\d+-\d+[\w.-]*)(?![\w-])")
_NUMBERED: Final = re.compile(r"(?<![\w./@-])[A-Za-z](?:[A-Za-z0-9]|[-_](?=[A-Za-z0-9])){2,60}?[-_]?\d{1,5}[a-z]?(?![\w-])")
_THREAD: Final = re.compile(r"(?i)(?:^|-)(?:exec|thread|threads|pool|nio|executor|dispatcher|epoll|eventloop|forkjoin|scheduler|scheduling|async|main|timer|step|phase|version|level|part|option|release|chapter|section|figure|table|appendix|example|item|day|week|page|v|rc|beta|alpha|build|top|sha|utf|iso|log4j|http|tls|ssl|ipv|cve|rfc|layer|tier|type|sev|covid|gpt|claude|llama|sonnet|opus)-?\d{1,4}(?:-|$)")
_MACHINES: Final = frozenset((
    "web db app node host server srv vm cache worker master broker kafka redis pg postgres postgresql mysql mongo mongodb es elastic elasticsearch lb proxy bastion api queue mq rabbit rabbitmq storage nas gw "
    "gateway dns mail build ci runner edge router rtr switch sw fw firewall esx esxi hyp k8s kube etcd prod stg staging dev consul vault nomad zk zookeeper cassandra hadoop jenkins nagios backup jump vpn ns mx smtp "
    "ldap ad dc sql nginx haproxy memcached memcache compute ctrl controller control cp gpu hpc render box machine instance ceph osd mon pve"
).split())  # fmt: skip
_REGION: Final = re.compile(r"(?i)(?:us|eu|ap|sa|ca|me|af|il|cn|mx)-(?:gov-)?(?:north|south|east|west|central|northeast|southeast|northwest|southwest)-?\d[a-f]?|(?:us|europe|asia|australia|northamerica|southamerica|me|africa)-[a-z]+\d(?:-[a-f])?|(?:east|west|north|south|central)(?:us|europe|india|asia)\d?")
_FILES: Final = frozenset((
    "md txt log conf cfg ini yaml yml json toml xml html htm css js ts jsx tsx py go rs java kt rb php c h cc cpp hpp sh bash zsh "
    "sql csv tsv gz tar zip tgz bz2 xz zst pem crt key cer csr p12 pfx jks lock sock pid service socket timer mount target slice "
    "tf tfvars hcl properties env tmp bak old swp out err so jar war class exe dll bin iso img qcow2 png jpg jpeg gif svg ico pdf "
    "proto rst adoc tpl tmpl j2 jsonnet libsonnet rules prom parquet avro orc db sqlite dat data cnf rc bashrc profile lua pl scala "
    "gradle sbt mod sum map vue wasm whl deb rpm apk dmg msi ps1 bat cmd vbs ipynb r erb haml ejs graphql gql d ko diff patch tsx "
    "hprof dump core trace pcap stats status total count sum bucket max min avg rate value name type spec metadata state items length "
    "internal-error php5 asc sig sha256 md5 sql gz1 rb1 plist strings po mo go1 ex exs erl hrl beam clj cljs edn elm hs ml mli nim zig"
).split())  # fmt: skip
_PUBLIC_TLD: Final = frozenset((
    "com org net io dev app edu gov mil int info biz co ai cloud me tv us uk de fr nl eu ch at it es pt pl se no fi dk be ie cz sk hu "
    "ro bg gr tr ru ua in jp cn kr tw hk sg my th vn id ph au nz ca br mx ar cl za ng ke eg il ae sa ir pk lk bd np kz ee lv lt is lu "
    "li mt cy hr si rs ba mk al md am az ge xyz online site tech store shop live systems network solutions services digital health "
    "bank finance money pay insurance group company global world email host website space agency studio media news blog page link "
    "click software technology computer engineering energy care clinic hospital dental legal law tax travel hotel restaurant pizza "
    "coffee bike cars auto run sh gg to ly fm so cc gl im rocks ninja guru life works today zone center team support help cafe "
    "games fun art design build construction industries academy education school university foundation capital ventures fund credit "
    "loans exchange markets trade delivery express supply tools equipment parts fashion jewelry clothing shoes toys gifts flowers"
).split())  # fmt: skip
_PRIVATE_TLD: Final = frozenset("local internal corp lan home intranet private localdomain intra priv prod stage staging infra cluster svc int net arpa consul service mesh".split())  # fmt: skip
_PUBLIC_HOSTS: Final = frozenset((
    "github.com gitlab.com bitbucket.org githubusercontent.com github.io google.com googleapis.com golang.org go.dev gcr.io pkg.dev kubernetes.io k8s.io "
    "docker.com docker.io quay.io ghcr.io prometheus.io grafana.com grafana.org grafana.net elastic.co elasticsearch.org postgresql.org mysql.com "
    "mariadb.org mariadb.com redis.io redis.com mongodb.com mongodb.org apache.org kafka.apache.org nginx.org nginx.com envoyproxy.io istio.io cilium.io "
    "helm.sh python.org pypi.org readthedocs.io readthedocs.org nodejs.org npmjs.com npmjs.org ruby-lang.org rubygems.org rust-lang.org crates.io docs.rs "
    "openjdk.org oracle.com java.com spring.io microsoft.com azure.com windows.net visualstudio.com live.com office.com amazon.com amazonaws.com aws.amazon.com "
    "cloudflare.com cloudflarestatus.com fastly.com akamai.com digitalocean.com heroku.com hashicorp.com terraform.io consul.io vaultproject.io nomadproject.io "
    "redhat.com openshift.com openshift.io fedoraproject.org centos.org debian.org ubuntu.com canonical.com kernel.org linux.org linuxfoundation.org cncf.io "
    "wikipedia.org wikimedia.org stackoverflow.com serverfault.com superuser.com stackexchange.com reddit.com news.ycombinator.com ycombinator.com medium.com "
    "youtube.com youtu.be twitter.com x.com facebook.com linkedin.com sre.google ietf.org rfc-editor.org w3.org w3c.org iso.org iana.org mozilla.org "
    "letsencrypt.org owasp.org nist.gov cve.org mitre.org first.org opentelemetry.io jaegertracing.io fluentd.org fluentbit.io etcd.io coredns.io containerd.io "
    "rook.io ceph.io ceph.com minio.io min.io velero.io argoproj.io argo-cd.readthedocs.io fluxcd.io tekton.dev knative.dev keda.sh jenkins.io jetbrains.com "
    "atlassian.com slack.com pagerduty.com opsgenie.com datadoghq.com newrelic.com sentry.io splunk.com dynatrace.com victoriametrics.com thanos.io cortexmetrics.io "
    "cert-manager.io certmanager.k8s.io linkerd.io traefik.io haproxy.org haproxy.com rabbitmq.com nats.io confluent.io cassandra.apache.org cockroachlabs.com "
    "yugabyte.com timescale.com influxdata.com clickhouse.com snowflake.com databricks.com openai.com anthropic.com huggingface.co example.com example.org example.net "
    "man7.org linux.die.net brendangregg.com web.archive.org archive.org gnu.org sourceforge.net sigstore.dev openpolicyagent.org incident.io travis-ci.com travis-ci.org circleci.com dev.to hackernoon.com substack.com firehydrant.com rootly.com "
    "prometheus-operator.dev monitoring.coreos.com coreos.com strimzi.io zalando.org metallb.universe.tf projectcalico.org calico.org tigera.io openebs.io "
    "longhorn.io rancher.com suse.com vmware.com vmware-tanzu.io nvidia.com intel.com amd.com arm.com ibm.com statuspage.io status.io in-addr.arpa ip6.arpa "
    "opensearch.org ntp.org pool.ntp.org root-servers.net localhost.localdomain svc.cluster.local cluster.local kubernetes.default.svc kubernetes.default host.docker.internal "
    "metadata.google.internal json-schema.org yaml.org semver.org keepachangelog.com spdx.org opensource.org creativecommons.org apple.com netflix.com "
    "toolkit.fluxcd.io crossplane.io kyverno.io falco.org aquasec.com snyk.io sonarqube.org maven.org gradle.org kotlinlang.org scala-lang.org php.net perl.org"
).split())  # fmt: skip
_LIBRARIES: Final = frozenset("org com net io dev java javax jakarta sun jdk kotlin scala akka play reactor redis django flask celery sqlalchemy psycopg psycopg2 requests urllib urllib3 aiohttp botocore boto boto3 pymongo kafka google grpc system microsoft node npm std tokio ruby rails rack active go main pkg internal github".split())  # fmt: skip
_LABEL_KEYS: Final = frozenset("app kubernetes k8s node-role topology beta service networking rbac storage policy apps batch autoscaling".split())
_WORKLOAD_SHORT: Final = 24


def find_in_token(token: str, domains: tuple[str, ...]) -> Iterator[Find]:
    """Hosts, pods and nodes within one token; `domains` are the organization's own, in lower case."""
    if "." in token:
        for found in _DOTTED.finditer(token):
            if is_private_host(found[0], domains):
                yield Find(*found.span(), "HOST", "host", host_key(found[0], domains), "host")
        lower = token.lower()
        for domain in domains:
            if domain in lower:
                yield from _own_domain(token, domain)
    if _DIGIT.search(token):
        if "-" in token:
            for found in _NODE.finditer(token):
                yield Find(*found.span(), "NODE", "node", found[0].partition(".")[0].lower(), "host")
            yield from _pods(token)
        yield from _numbered(token)


def find_hosts(text: str, domains: tuple[str, ...]) -> Iterator[Find]:
    """URLs of machines that are not public."""
    if "://" in text:
        for found in _URL.finditer(text):
            yield from _url(found, domains)


def host_key(host: str, domains: tuple[str, ...]) -> str:
    """One machine, however written: the first label where the rest is the organization's domain."""
    lowered = fold(host).rstrip(".")
    for domain in domains:
        if lowered.endswith("." + domain) and lowered.count(".") > domain.count("."):
            return lowered[: -len(domain) - 1]
    return lowered


def is_public_host(host: str) -> bool:
    """Whether a host belongs to a public project or vendor, or to the reserved examples."""
    lowered = host.lower().strip(".")
    if lowered in {"localhost", "kubernetes", "registry-1.docker.io"} or lowered.endswith((".example", ".test", ".invalid", ".localhost")):
        return True
    parts = lowered.split(".")
    return any(".".join(parts[index:]) in _PUBLIC_HOSTS for index in range(len(parts)))


def is_private_host(name: str, domains: tuple[str, ...]) -> bool:
    """Whether a dotted name is a host that is not public; file names, versions, classes and fields are none."""
    lowered = name.lower()
    if any(lowered == domain or lowered.endswith("." + domain) for domain in domains):
        return True
    if name != lowered and name != name.upper():
        return False
    parts = lowered.split(".")
    last = parts[-1]
    if is_public_host(lowered):
        return last in {"local", "internal"} and not _all_known(parts[:-2])
    if last in _PRIVATE_TLD and last not in {"net", "service", "prod", "int", "cluster", "svc", "consul", "stage", "staging", "infra", "mesh", "home", "private"}:
        return len(parts) >= 2
    if last in {"svc", "cluster", "consul"} or (last in {"prod", "service", "int", "infra", "staging", "stage", "mesh"} and not _all_known(parts)):
        return len(parts) >= 3 and not _all_known(parts)
    if last in _FILES and not (len(parts) > 2 and last in _PUBLIC_TLD) or last not in _PUBLIC_TLD:
        return False
    if parts[0] in _LIBRARIES and parts[-1] not in {"com", "org", "net", "io"}:
        return False
    return True


def _all_known(parts: list[str]) -> bool:
    words = vocabulary()
    return all(all(words.knows(word) or word.isdigit() for word in re.split(r"[-_]", part) if word) for part in parts)


def _url(found: re.Match[str], domains: tuple[str, ...]) -> Iterator[Find]:
    whole = found[0].rstrip(".,;:!?)]*_~\\")
    if whole.count("(") > whole.count(")"):
        whole = whole + ")" if found[0].startswith(whole + ")") else whole
    parsed = _AUTHORITY.fullmatch(whole)
    if parsed is None or not parsed["host"]:
        return
    host = parsed["host"]
    start = found.start()
    end = start + len(whole)
    if parsed["scheme"].lower() in {"s3", "gs", "file"}:
        return
    private = is_private_host(host, domains) or _private_name(host)
    if not private:
        return
    web = parsed["scheme"].lower() in {"http", "https"} and not parsed["user"]
    if web and len(parsed["rest"]) > 1:
        yield Find(start, end, "INTERNAL_URL", "internal-url", whole.lower())
    else:
        at = start + parsed.start("host")
        yield Find(at, at + len(host), "HOST", "url-host", host_key(host, domains), "host")


def _private_name(host: str) -> bool:
    """Single-label hosts and addresses are judged by the other rules; other names only by their dots."""
    if "." not in host or host[0].isdigit() or host[0] == "[":
        return False
    last = host.rsplit(".", 1)[1].lower()
    return not is_public_host(host) and (last in _PUBLIC_TLD or last in _PRIVATE_TLD or last.isalpha())


def _own_domain(text: str, domain: str) -> Iterator[Find]:
    pattern = re.compile(rf"(?<![\w.-])(?:[\w-]+\.)*{re.escape(domain)}(?![\w-]|\.\w)", re.IGNORECASE)
    for found in pattern.finditer(text):
        yield Find(*found.span(), "HOST", "catalog-domain", host_key(found[0], (domain,)), "host")


def _pods(text: str) -> Iterator[Find]:
    for found in _POD.finditer(text):
        digits = sum(c.isdigit() for c in found["hash"] + found["tail"])
        if digits and not (vocabulary().knows(found["hash"]) and vocabulary().knows(found["tail"])):
            yield Find(*found.span(), "POD", "pod", found[0])
    for found in _DAEMON.finditer(text):
        if any(c.isdigit() for c in found["tail"]) and not found["tail"].isdigit():
            yield Find(*found.span(), "POD", "daemonset-pod", found[0])


def _numbered(text: str) -> Iterator[Find]:
    """Names of machines by numbering: `web03`, `db-prod-17`, `orb-use1-worker-34`."""
    for found in _NUMBERED.finditer(text):
        value = found[0]
        parts = re.split(r"[-_]", value)
        if _THREAD.search(value) or _REGION.fullmatch(value) or "_" in value:
            continue
        last = parts[-1]
        digits = re.search(r"\d+", last)
        if len(parts) >= 3 and digits and (last.isdigit() or len(last) <= 5) and not last.isalpha():
            if len(value) <= 60 and not re.fullmatch(r"\d{4}", last):
                yield Find(*found.span(), "NODE", "numbered-name", value.lower(), "host")
        elif len(parts) == 2 and last.isdigit() and value.islower() and (last[0] == "0" or len(last) >= 2):
            if parts[0] in _MACHINES or not vocabulary().knows(parts[0]):
                yield Find(*found.span(), "NODE", "numbered-name", value.lower(), "host")
        elif len(parts) == 1 and re.fullmatch(r"[a-z]{2,14}0\d{1,3}[a-z]?", value) and value.rstrip("0123456789abcdef") not in {"log"}:
            yield Find(*found.span(), "NODE", "zero-padded-name", value.lower(), "host")
