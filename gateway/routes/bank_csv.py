"""How the bank of an own account writes CSV."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from gateway import problems
from gateway.answers import created, ok
from gateway.calls import JsonBody, Signed
from gateway.schemas import bank_csv as schemas
from services.shared.messages.billing import bank_csv

router = APIRouter(prefix="/v1", tags=["billing"])


@router.post("/bank-csv-maps", status_code=problems.CREATED, response_model=schemas.BankCsvMap)
def declare_bank_csv_map(
    caller: Signed, body: Annotated[schemas.BankCsvMapToDeclare, Depends(JsonBody(schemas.BankCsvMapToDeclare))]
) -> Response:
    """From its instant on files of the account are read by it; it must read the sample without a problem."""
    view = caller.ask(bank_csv.DeclareBankCsvMap(**dict(body)), bank_csv.BankCsvMapView)
    return created(schemas.BankCsvMap.of(view), "/v1/bank-csv-maps")


@router.post("/bank-csv-maps/preview", response_model=schemas.BankCsvPreview)
def preview_bank_csv(
    caller: Signed, body: Annotated[schemas.BankCsvToPreview, Depends(JsonBody(schemas.BankCsvToPreview))]
) -> Response:
    """The first lines of a file as a map would read them, and every problem. Nothing is stored."""
    view = caller.ask(bank_csv.PreviewBankCsv(**dict(body)), bank_csv.BankCsvPreview)
    return ok(schemas.BankCsvPreview.of(view))


@router.get("/bank-csv-maps", response_model=schemas.BankCsvMapPage)
def list_bank_csv_maps(caller: Signed) -> Response:
    return ok(schemas.BankCsvMapPage.of(caller.ask(bank_csv.ListBankCsvMaps(), bank_csv.BankCsvMapPage)))
