"""Telling other systems of events: signed as Standard Webhooks, retried, never to our inside."""
