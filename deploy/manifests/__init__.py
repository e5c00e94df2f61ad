"""Rendering of the Kubernetes overlays; `python -m manifests` writes k8s/rendered."""
