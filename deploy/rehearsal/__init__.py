"""`make k8s-rehearsal`: every overlay applied to a real control plane by a user's commands."""
