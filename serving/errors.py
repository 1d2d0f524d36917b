"""What callers of this service can get wrong, beyond the product's own errors."""

from contracts.errors import Rejected


class NotFound(Rejected):
    """There is no such thing."""


class WrongInstitution(Rejected):
    """This process serves another institution."""
