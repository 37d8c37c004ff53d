"""Energy, body weight and aerobic minutes."""
