"""systemd without I/O: actions → one script's input, its output → a report.

Rule 1: scripts are constant text; whatever varies travels on standard input.
Rule 2: nothing a machine says is trusted: sizes are capped, names checked, bytes decoded with
backslashreplace.
"""
