"""`make k8s-rehearsal`: every overlay on a real control plane, by a user's commands."""
