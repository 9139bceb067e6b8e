"""
A stand-in for Stripe in a process of its own: stateful, spoken to over HTTP by the real SDK, and nasty on demand.

Start it with ``python -m tests.kit.stripe_simulator --help``; drive its failures with ``tests.kit.stripe_control``.
What it promises is what `tests/integration/kit/test_stripe_agreement.py` also asks of Stripe's own test mode.
"""
