"""The week: splits, doses, volume, exercises on days, sets with warm-ups."""
