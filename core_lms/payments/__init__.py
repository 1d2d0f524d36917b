"""Prices of courses, orders, payments and refunds: money as whole minor units, never card data."""
