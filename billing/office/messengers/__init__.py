"""Those who carry our messages: one module an outsider, behind one port."""
