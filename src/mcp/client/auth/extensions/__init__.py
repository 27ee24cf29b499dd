"""Further grant types of the OAuth client."""
