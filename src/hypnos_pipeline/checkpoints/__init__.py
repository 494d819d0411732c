"""What a killed run goes on from: states outside the pipeline's outputs, removed when it ends well."""
