"""How a script and files reach a machine. Knows no unit and no systemd."""
