"""Which family a model is of, told from its metadata, tensors and graph; never from its name.

`facts.py` gathers what is known, `match.py` says what an answer is, the modules beside them know a
kind of families each, `verdict.py` asks them all. A family is one function: facts in, matches out.
"""
