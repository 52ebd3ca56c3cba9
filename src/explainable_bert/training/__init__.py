"""Training: settings, the loss, the run folder, and the run itself."""
