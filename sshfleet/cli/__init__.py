"""The verbs, thin. `context` puts the parts together; heavy imports happen inside the verbs."""
