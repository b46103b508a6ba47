"""Test clusters: see README.md beside this file."""
