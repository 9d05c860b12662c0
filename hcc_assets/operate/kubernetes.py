"""What a sample's pod asks of Kubernetes, by the size of its delivery.

Everything else about the cluster is in ``deploy/kubernetes/values.yaml``.
"""

from __future__ import annotations

import json
import math

import dagster as dg

from hcc_assets.operate.workers import estimate_mb

TAG = "dagster-k8s/config"
LIMIT_FACTOR = 1.5
"""Memory limit over memory request: a sample above the slope is not killed for a small excess."""


def sample_resources(delivered_bytes: int) -> dict[str, dict[str, str]]:
    """CPU and memory of the pod that works on one sample: one core, and the memory of the measured
    slope."""
    needed = math.ceil(estimate_mb(delivered_bytes))
    return {
        "requests": {"cpu": "1", "memory": f"{needed}M"},
        "limits": {"memory": f"{math.ceil(needed * LIMIT_FACTOR)}M"},
    }


def run_tags(instance: dg.DagsterInstance, delivered_bytes: int) -> dict[str, str]:
    """Tags of a sample's run; none unless runs are pods."""
    if type(instance.run_launcher).__name__ != "K8sRunLauncher":
        return {}
    return {TAG: json.dumps({"container_config": {"resources": sample_resources(delivered_bytes)}})}
