"""Decisions of people: small files with what, who, when and why, which the pure decisions read like any other fact.

May import: config, core. Must never decide about a run: it only gives the decisions that stand.
"""
