"""Safety: triage of what people write, reading of their notes, and checks of what they are told. Pure."""
