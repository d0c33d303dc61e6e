"""What schemathesis has to be told: how to sign in, and the few rules that a schema cannot say."""

import itertools
import json
import os
import re
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
# A contact has at least one of them.
NAMES = ("first_name", "last_name", "nickname", "organization")

# What an empty query parameter means is not in its schema: it counts as absent.
TYPED = {"updated_since", "from", "days", "limit", "skip", "sort", "role", "user_id", "format", "dry_run"}


@schemathesis.hook
def filter_query(context, query):
    """A cursor comes from an answer, and for one `sort` only."""
    return not query or "cursor" not in query


@schemathesis.hook
def filter_case(context, case):
    """A list that is sent as `text/directory` is a text like any other: of text, no type is wrong."""
    called = case.operation.definition.raw.get("operationId")
    of_type = case.media_type in {"application/json", "multipart/form-data"}
    negative = case.meta is not None and not case.meta.generation.mode.is_positive
    is_text = isinstance(case.body, (str, bytes))
    return not (called == "import_contacts" and negative and not of_type and not is_text)


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
    if positive and isinstance(case.body, dict):
        if case.media_type != "multipart/form-data":  # a file in a new body would be no string to schemathesis
            case.body = whole(case.body)
        if called in {"create_contact", "replace_contact", "patch_contact"}:
            agree(case.body, is_whole=called != "patch_contact")
        # The description has no alternatives, of which generators of clients make little: "needed with these".
        if called == "change_many_contacts":
            label, needs_one = case.body.get("label"), case.body["action"] in {"add_label", "remove_label"}
            if needs_one and not (label or "").strip():
                case.body["label"] = "friends"
            if label and not needs_one:
                case.body["label"] = None
        if called == "merge_contacts":
            take_over_others(case.body)
        # Items can be all different or anything, but not "at least two different ones".
        if called == "dismiss_duplicates" and len(set(case.body["ids"])) < 2:
            case.body["ids"] = [1, 2]


def whole(value):
    """To a schema 1.0 is an integer; contactd takes 1."""
    if isinstance(value, dict):
        return {name: whole(it) for name, it in value.items()}
    if isinstance(value, list):
        return [whole(it) for it in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def agree(contact, is_whole=False):
    """Members of a contact that depend on each other, or on a calendar."""
    names = [contact[it] for it in NAMES if it in contact]
    if (names or is_whole) and not any(isinstance(it, str) and any(map(str.isalnum, it)) for it in names):
        contact["first_name"] = "Ann"  # a contact has a name
    for flat, entries in {"email": "emails", "phone": "phones", "": "addresses"}.items():
        if entries in contact:
            contact.pop(flat, None)  # it would have to be the value of the primary entry
        primary = [it for it in contact.get(entries) or [] if it.get("primary")]
        for it in primary[1:]:
            it["primary"] = False  # one entry is
    # What can be dialled has at least three digits, and words for pauses and extensions in some languages.
    for owner, name in [(contact, "phone"), *((it, "value") for it in contact.get("phones") or [])]:
        if owner.get(name) and not re.fullmatch(r"(?=(.*[0-9]){3})[0-9 +()./#*-]{3,32}", owner[name]):
            owner[name] = "+380 44 123 45 67"
    for owner, name in [(contact, "birthday"), *((it, "value") for it in contact.get("dates") or [])]:
        if owner.get(name) and not is_past(owner[name]):
            owner[name] = "1990-04-12"


def is_past(day):
    """A real date that is not in the future. A year that is unknown may be a leap year; 1604 means that in cards."""
    try:
        found = date.fromisoformat(day.replace("--", "2000-", 1))
    except ValueError:
        return False
    return date(1605, 1, 1) <= found <= date(2025, 12, 31)


def take_over_others(body):
    """A contact does not take over itself."""
    body["merge"] = [it for it in body["merge"] if it != body["keep"]] or [body["keep"] % 1000 + 1]
    if isinstance(body.get("set"), dict):
        agree(body["set"])


@schemathesis.hook
def filter_headers(context, headers):
    """HTTP has no characters but those of ASCII in headers, and clients differ in what they make of others."""
    return not headers or all(isinstance(it, str) and it.isascii() and it.isprintable() for it in headers.values())
