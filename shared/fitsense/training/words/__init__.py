"""Plans and answers in plain words, in several languages."""
