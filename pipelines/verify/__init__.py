"""Reconciliation: does every store hold exactly what happened?"""
