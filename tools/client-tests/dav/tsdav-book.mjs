// The address book that the environment names, found by tsdav from the server's root.
import { DAVClient } from "tsdav";

export const { URL: book } = process.env;
const { USER: username, PASSWORD: password } = process.env;
export const client = new DAVClient({
  serverUrl: new URL("/", book).href,
  credentials: { username, password },
  authMethod: "Basic",
  defaultAccountType: "carddav",
});
await client.login();
export const found = (await client.fetchAddressBooks()).find((it) => new URL(it.url).pathname === new URL(book).pathname);
