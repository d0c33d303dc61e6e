"""The generated Python client against the live server: sign in, create, list, change, delete."""

import os

from contactd_client import AuthenticatedClient, Client
from contactd_client.api.contacts import create_contact, delete_contact, get_contact, list_contacts, patch_contact
from contactd_client.api.my_account import get_me
from contactd_client.api.signing_in import login
from contactd_client.models import Contact, ContactPatch, InvalidProblem, ListContactsSort, Login, NewContact, Problem, Tokens, User

api = os.environ["API"]
tokens = login.sync(client=Client(api), body=Login(username=os.environ["ANN"], password=os.environ["PASSWORD"]))
assert isinstance(tokens, Tokens), tokens
client = AuthenticatedClient(api, token=tokens.access_token)

me = get_me.sync(client=client)
assert isinstance(me, User) and me.username == "ann" and me.role == "user", me

new = NewContact(first_name="Їжак", birthday="1990-04-12", labels=["python"])
created = create_contact.sync(client=client, body=new)
assert isinstance(created, Contact) and created.birthday == new.birthday and created.email is None, created

listed = list_contacts.sync_detailed(client=client, label="python", sort=ListContactsSort("-created_at"))
assert listed.parsed == [created] and listed.headers["X-Total-Count"] == "1", listed

# What was read can be sent back, and a merge patch clears a member.
changed = patch_contact.sync(id=created.id, client=client, body=ContactPatch(birthday=None))
assert isinstance(changed, Contact) and changed.birthday is None and changed.first_name == "Їжак", changed

wrong = create_contact.sync(client=client, body=NewContact(first_name="", phone="12"))
assert isinstance(wrong, InvalidProblem), wrong
assert sorted(fault.field for fault in wrong.errors) == ["first_name", "phone"], wrong

assert delete_contact.sync_detailed(id=created.id, client=client).status_code == 204
gone = get_contact.sync(id=created.id, client=client)
assert isinstance(gone, Problem) and gone.status == 404, gone
print("Python client: ok")
