"""What a person types; only here is click imported."""
