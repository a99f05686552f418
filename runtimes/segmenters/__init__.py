"""Steps from an annotator's prompts to masks, one module a family of models."""
