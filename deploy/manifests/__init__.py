"""Renders the Kubernetes overlays; `python -m manifests` writes what k8s/rendered holds."""
