"""Reading form bodies, and the headers of answers that no cache may keep."""

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

NO_STORE = {"Cache-Control": "no-store"}
NO_CACHE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def read_form(request: Request) -> FormData:
    """Return the form in a request body; one that cannot be parsed counts as empty. May be called repeatedly."""
    try:
        return await request.form()
    except (HTTPException, MultiPartException, ValueError):
        # ValueError: what older releases of python-multipart raise, and undecodable text.
        return FormData()
