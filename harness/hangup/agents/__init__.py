"""Agents: the programs, one a language, that host the clients under test and obey the harness."""
