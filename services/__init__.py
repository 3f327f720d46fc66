"""The processes of the lab, one package each; the library in ``src`` does the work."""
