"""The next load of a lift: progression, ceilings, and loads that exist."""
