"""Prompts: templates, rare words, prompt sets and the prompt-varying grammar."""
