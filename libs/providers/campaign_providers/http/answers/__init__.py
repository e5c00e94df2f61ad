"""Answers: the parser of responses, and the rules that make results of them."""
