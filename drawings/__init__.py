"""Pictures of documentation that are drawn rather than measured."""
