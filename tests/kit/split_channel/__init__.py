"""
A stand-in for a payment institution that splits at source, in a process of its own: stateful, over HTTP, and nasty on
demand. No real institution was reached; what it does follows the published rules of WeChat Pay's platform product, and
its wire format is ours (docs/decisions).

Start it with ``python -m tests.kit.split_channel --help``; drive it with ``tests.kit.channel_control``.
"""
