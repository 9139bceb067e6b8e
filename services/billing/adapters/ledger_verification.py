"""`python -m services.billing verify-ledger`: recompute the ledger's hash chain from the tables."""

import sys

from services.billing.adapters.ledger_chain import SqlLedgerChain
from services.billing.domain.ledger_block import ChainBroken, verify
from services.shared.chassis import database
from services.shared.chassis.settings import SourceSettings


def run(settings: SourceSettings) -> int:
    """0 when every block holds, 1 with the first that does not. Prints the chain's head, to be compared elsewhere."""
    source = database.engine(settings.database_url, name="verify ledger", pool_size=1)
    try:
        with source.connect().execution_options(isolation_level="REPEATABLE READ") as held:
            chain = SqlLedgerChain(held)
            blocks = sealed = 0
            head = ""
            for block in verify(chain.blocks(), chain.transactions(), chain.announced()):
                blocks, sealed, head = block.number, sealed + len(block.seqs), block.hash.hex()
            posted = held.exec_driver_sql("SELECT count(*) FROM ledger_tx").scalar_one()
    except ChainBroken as error:
        sys.stdout.write(f"ledger: BROKEN at {error}\n")
        return 1
    finally:
        source.dispose()
    sys.stdout.write(
        f"ledger: {blocks} blocks over {sealed} transactions hold, {posted - sealed} not sealed yet; head {head}\n"
    )
    return 0
