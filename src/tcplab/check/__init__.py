"""Checkers over a journal: did the run keep the promises of TCP?"""
