"""Sealing what is personal: accounts and texts, each under a data key of its person."""
