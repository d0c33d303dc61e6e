"""The server of vdirsyncer's own tests of its CardDAV storage: the address book URL, empty for each test. The tests that
make collections are left out, see tools/clients-dav."""

import os

import aiostream
import pytest_asyncio


class ServerMixin:
    @pytest_asyncio.fixture
    async def get_storage_args(self, aio_connector):
        arguments = {"url": os.environ["URL"], "username": os.environ["USER"], "password": os.environ["PASSWORD"],
                     "connector": aio_connector}

        async def empty():
            storage = self.storage_class(**arguments)
            for href, etag in await aiostream.stream.list(storage.list()):
                await storage.delete(href, etag)

        await empty()

        async def inner(collection="test"):
            # The book is always the same; its name is only said.
            return {**arguments, "collection": collection}

        yield inner
        await empty()
