"""Our mathematics beside that of others, in turns and in one process.

They run in an environment that holds the peers too, made by benchmarks/mathematics.py:
no peer is ever installed where the project is tested.
"""
