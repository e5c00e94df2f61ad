"""The rehearsal of k8s/overlays/keda: a burst, with as many senders as KEDA's rule asks for."""
