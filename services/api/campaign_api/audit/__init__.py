"""Events over all campaigns, providers and people, as clients read them."""
