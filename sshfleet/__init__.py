"""sshfleet: many machines as one systemd, over SSH."""

__version__ = "0.1.0"
