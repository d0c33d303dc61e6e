"""What schemathesis has to be told: how to sign in, and the few rules that a schema cannot say."""

import itertools
import json
import os
import urllib.request
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


# Calls that set a password, and its member.
NEW_PASSWORDS = {"register": "password", "change_password": "new_password", "reset_password": "new_password"}
COUNT = itertools.count(1)

# What an empty query parameter means is not in its schema: it counts as absent.
TYPED = {"updated_since", "from", "days", "limit", "skip", "sort", "role", "user_id", "format", "dry_run"}


@schemathesis.hook
def filter_query(context, query):
    """A cursor comes from an answer, and for one `sort` only."""
    return not query or "cursor" not in query


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.query, dict):
        for name in TYPED & case.query.keys():
            if case.query[name] in ("", [""]):
                case.query[name] = "-"
    # No guess is the current ETag; half of them shall get past it.
    tags = (case.headers or {}).get("If-Match")
    if tags is not None and len(tags) % 2 == 0:
        case.headers["If-Match"] = "*"
    positive = case.meta is None or case.meta.generation.mode.is_positive
    called = case.operation.definition.raw.get("operationId")
    # An account can be made once only, but schemathesis repeats itself, and stops when the answers differ.
    if called == "register" and positive and isinstance(case.body, dict):
        number = next(COUNT)
        case.body |= {"username": f"user{number}", "email": f"user{number}@example.com"}
    # Nor can the schema list the common passwords, which have letters and digits only.
    if positive and isinstance(case.body, dict) and called in NEW_PASSWORDS:
        name = NEW_PASSWORDS[called]
        if isinstance(case.body.get(name), str) and case.body[name].isascii() and case.body[name].isalnum():
            case.body[name] = case.body[name][:-1] + "~"
    # It cannot know the password of anybody; half of the logins shall succeed.
    if called == "login" and positive and isinstance(case.body, dict) and len(case.body["password"]) % 2 == 0:
        case.body |= {"username": WHO, "password": PASSWORD}
    # The admin who asks has the id 1, and could do away with itself once there is another one.
    about_accounts = case.operation.path.startswith("/api/users/{id}") and case.method != "GET"
    if about_accounts and str(case.path_parameters.get("id")) == "1":
        case.path_parameters["id"] = 2
    # Answers tell of birthdays to come, and schemathesis sends back what it reads.
    if isinstance(case.body, dict) and is_future(case.body.get("birthday")):
        case.body["birthday"] = "1990-04-12"


def is_future(birthday):
    try:
        return date.fromisoformat(birthday) > date(2025, 12, 31)
    except (TypeError, ValueError):
        return False


@schemathesis.hook
def filter_headers(context, headers):
    """HTTP has no characters but those of ASCII in headers, and clients differ in what they make of others."""
    return not headers or all(isinstance(it, str) and it.isascii() and it.isprintable() for it in headers.values())
