"""A user's steps on the cluster, by subject; each is a function of the stage."""
