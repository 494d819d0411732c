"""Networks by reference: loaded, verified, fetched, random ones made; sampling; finetuned models saved."""
