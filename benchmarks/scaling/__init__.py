"""A burst met by as many senders as KEDA's rule asks for: the rehearsal of k8s/overlays/keda."""
