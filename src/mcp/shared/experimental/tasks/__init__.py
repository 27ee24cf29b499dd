"""Experimental tasks of revision 2025-11-25, what both sides share."""
