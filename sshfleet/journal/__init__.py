"""The controller's memory on disk. docs/journal.md describes the format."""
