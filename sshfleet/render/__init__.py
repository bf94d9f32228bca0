"""Model → text. No effects; `safe.safe` is the one door for text that comes from a machine."""
