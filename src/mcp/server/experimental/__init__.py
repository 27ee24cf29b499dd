"""Experimental features, which may change or go without notice."""
