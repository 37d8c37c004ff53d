"""``fitsense-tiny``: a base small enough to be made from scratch on two cores, with its own tokenizer."""
