"""What schemathesis has to be told: how to sign in, and the few rules that a schema cannot say."""

import os
import urllib.request
import json
from datetime import date

import schemathesis
from hypothesis import strategies as st

API, WHO, PASSWORD = os.environ["API"], os.environ["WHO"], os.environ["PASSWORD"]
# These end the session that they are called with.
ENDING = {"logout", "logout_all", "delete_session", "set_active", "set_role", "delete_user"}


@schemathesis.auth(refresh_interval=None)
class SignIn:
    """One session for all calls, but a new one after a call that may have ended it."""

    token = None

    def get(self, case, context):
        if SignIn.token is None:
            body = json.dumps({"username": WHO, "password": PASSWORD}).encode()
            request = urllib.request.Request(
                f"{API}/api/auth/login", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request) as answer:
                SignIn.token = json.load(answer)["access_token"]
        token = SignIn.token
        if case.operation.definition.raw.get("operationId") in ENDING:
            SignIn.token = None
        return token

    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


# ---- what a schema cannot say

# A birthday must not be in the future.
schemathesis.openapi.format("date", st.dates(date(1, 1, 1), date(2025, 12, 31)).map(str))
schemathesis.openapi.format("time-zone", st.sampled_from(["UTC", "Europe/Kyiv", "Asia/Kathmandu"]))


@schemathesis.hook
def filter_query(context, query):
    """An empty parameter counts as absent; a cursor comes from an answer, and for one `sort` only."""
    return not query or ("cursor" not in query and "" not in query.values())
