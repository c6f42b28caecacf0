"""Figures for print. The only room that knows matplotlib."""
