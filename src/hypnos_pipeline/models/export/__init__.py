"""Finetuned models in formats that other programs open: diffusers folder, one file, LoRA, embedding."""
