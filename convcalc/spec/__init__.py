"""Specs: YAML text, located and written out as layers; docs/spec.md describes them."""
