"""What a user does to the cluster, by subject; each step is a function of the stage."""
