"""Slips of people who come from elsewhere, a file for what they are about: see `slip.Slip`."""
