"""Sandbox processors: test doubles that speak the true wire protocols of outsiders.

Written from the outsiders' own documents and recorded replies. They share no code, constants or tables with
payments.gateways, so that one mistake cannot cancel out another, and never import anything of the product.
"""
