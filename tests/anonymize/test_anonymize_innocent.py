"""What must stay: the words, numbers and shapes that every incident has and that identify nobody."""

from __future__ import annotations

import pytest

from compass.anonymize import Boundary, Catalog, anonymize_text

INNOCENT = (
    "rolled back to v1.27.3 from 2.45.0-rc.1, image docker.io/library/postgres:16.2",
    "container_memory_working_set_bytes, kube_pod_container_status_restarts_total, node_filesystem_avail_bytes",
    'sum by (pod) (rate(http_request_duration_seconds_bucket{le="0.5",code=~"5.."}[5m])) / 1024 > 0.95',
    "histogram_quantile(0.99, sum(rate(x_bucket[5m])) by (le))",
    "for 15m, after 1h30m, within 500ms, 99.95 %, 16Gi, 250m, 512Mi, 3.5k rps, 10:1",
    "color #ff8800 and #1a2b3c in the theme",
    "HTTP 503, 404 and 429; exit code 137; signal 9 (SIGKILL); ECONNREFUSED",
    "CrashLoopBackOff, ImagePullBackOff, OOMKilled, NotReady, kube-system, kube-dns, DaemonSet, StatefulSet",
    "kubectl get pods -n kube-system -o wide; kubectl rollout undo deployment/api",
    "at java.util.concurrent.TimeoutException(Unknown Source); org.apache.kafka.common.errors.TimeoutException",
    "see /var/log/syslog, /etc/resolv.conf, nginx.conf, values.yaml, handler.rb and app.py",
    "CVE-2021-44228, RFC 7231, ISO 8601, UTF-8, SHA-256, TLS 1.2, x86_64, arm64",
    "git checkout 9e909332; Fixed in 0e3e237; reverted a41f5f7fe811",
    "127.0.0.1, ::1, 0.0.0.0/0, 192.0.2.1, 198.51.100.0/24, 203.0.113.25, 169.254.169.254, 8.8.8.8, localhost:8080",
    "alice@example.org, user@example.com, www.example.com, https://kubernetes.io/docs/tasks/debug/",
    "00000000-0000-0000-0000-000000000000 and 123e4567-e89b-12d3-a456-426614174000",
    'password: ${DB_PASSWORD}, token = "{{ .Values.token }}", secret: <redacted>, key: ****',
    "PostgreSQL, Redis, Cassandra, Jenkins, Hudson, Raft, Cilium, Loki, Tempo, Grafana were healthy.",
    "KubePodCrashLooping and CPUThrottlingHigh fired; the password was rotated; the token has expired",
    "[[pat-7k3x9q2m4t]] and run-7k3x9q2m4t are other entries",
    "SELECT pid, usename, wait_event_type FROM pg_stat_activity WHERE state = 'active' LIMIT 10;",
    "timeout acquiring connection after 3000 ms (pool 20/20, 48 waiting)",
    "us-east-1, eu-west-2b, europe-west4, m5.large, c5d.4xlarge, gp3",
    "[http-nio-8080-exec-4] io.netty.channel; pool-3-thread-12; worker threads",
    "17179869184 bytes, 4294967296, 0x7fff5fbff8c0, 1.5e-3",
    "don't, isn't, we've, the service's, Kubernetes' own",
)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_identifies_nobody_stays(text: str) -> None:
    done = anonymize_text(text, Catalog())
    assert [text[span.start : span.end] for span in done.spans] == []


def test_digests_stay_behind_their_algorithm() -> None:
    text = "image registry.k8s.io/app@sha256:" + "0a1b2c3d" * 8
    assert anonymize_text(text, Catalog()).text == text


def test_an_unknown_word_is_replaced_and_a_reviewed_one_is_not() -> None:
    text = "The frobnicator2000x stalled because zorbulax did."
    done = anonymize_text(text, Catalog())
    assert "zorbulax" not in done.text
    assert {span.label for span in done.spans} == {"UNKNOWN"}
    kept = anonymize_text(text, Catalog(), allowed=frozenset({"Zorbulax", "frobnicator2000x"}))
    assert kept.text == text


def test_times_stay_in_the_tribe_and_are_relative_at_the_hub() -> None:
    text = "2025-03-07T15:43Z paged, 15:58 mitigated, 2025-03-08 01:43 resolved"
    assert anonymize_text(text, Catalog(), boundary=Boundary.TRIBE).text == text
    assert anonymize_text(text, Catalog()).text == "T+00:00 paged, T+00:15 mitigated, T+10:00 resolved"
