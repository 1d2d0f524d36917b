"""What people may expect of us: sealed personal data, consent, export, erasure, guardians."""
