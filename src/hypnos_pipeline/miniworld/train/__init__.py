"""The embedded default's networks: trained on renders, measured, exported and promoted."""
