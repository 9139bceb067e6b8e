"""
A stand-in for a university's finance system in a process of its own: stateful, and nasty on demand.

Start it with ``python -m tests.kit.finance_system --help``; drive it with ``tests.kit.finance_control``. What it speaks
is written down in ``docs/algorithms/funding.md``.
"""
