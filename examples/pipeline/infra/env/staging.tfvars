environment = "staging"
public      = false

# Deliberate: "for the test team, until Friday". The gate in front of staging stops here.
operators = ["0.0.0.0/0"]
