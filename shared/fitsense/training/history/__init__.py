"""What was done: sessions, estimated maxima, fatigue, sleep, breaks, trends."""
