"""What sshfleet costs, measured beside its peers and by its own growth; see docs/bench.md."""
