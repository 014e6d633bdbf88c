"""The clients under test: one module each, found by being here. A module's ``CLIENT`` says what it is."""
