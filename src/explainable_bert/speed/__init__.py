"""How fast an explained prediction is beside what people would run instead, on this machine."""
