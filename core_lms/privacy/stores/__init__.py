"""The stores a person may be found in: one file each, which searches its bytes."""
