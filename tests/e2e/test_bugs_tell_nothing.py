"""What goes wrong inside is not told outside: neither type nor text nor place."""

from collections.abc import Iterator

import psycopg2
import pytest

from services.shared.kernel.ids import new_id
from tests.kit.journey import Stage


@pytest.fixture
def broken(stage: Stage) -> Iterator[None]:
    """Invoicing cannot read one of its tables: a bug that nobody foresaw, in a real process."""
    url = stage.platform.environment["YIQI_INVOICING_OWNER_DATABASE_URL"]
    connection = psycopg2.connect(url)
    connection.autocommit = True
    connection.cursor().execute("ALTER TABLE received_invoice RENAME TO hidden_away")
    yield
    connection.cursor().execute("ALTER TABLE hidden_away RENAME TO received_invoice")
    connection.close()


def test_a_bug_is_an_id_and_nothing_else(stage: Stage, broken: None) -> None:
    """500 with the id under which the log tells everything; no word of SQL, Python or a table."""
    client = stage.operator["finance_operator"]
    answer = client.ask("GET", "/received-invoices")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["facts"]) == (500, "internal", {})
    assert problem["correlation_id"] == answer.headers["X-Correlation-Id"]
    for word in ("received_invoice", "does not exist", "SELECT", "psycopg2", "Traceback", "Error", "sqlalche"):
        assert word not in answer.text
    told = (stage.platform.directory / "log" / "serve.log").read_text(errors="replace")
    line = next(line for line in told.splitlines() if problem["correlation_id"] in line and '"bug"' in line)
    assert "UndefinedTable" in line


def test_a_path_in_an_id_is_not_repeated(stage: Stage) -> None:
    """Nor is what somebody sent by mistake, which may be a secret."""
    answer = stage.operator["finance_operator"].ask("GET", f"/payments/{new_id()}-hunter2")
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
