"""Recipes: how the learned parts are made."""
