"""The model family: config, final blocks, classifier, checkpoints."""
