"""The product's services and commands as processes."""
