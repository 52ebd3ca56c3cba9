"""The docs site: pages made from the code, and what the build needs."""
