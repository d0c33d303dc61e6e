// The types that openapi-typescript makes, with openapi-fetch, against the live server. tsc checks the types first.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

declare const process: { env: Record<string, string> };

function must(what: unknown, told: unknown): asserts what {
  if (!what) throw new Error(JSON.stringify(told));
}

async function main() {
  const { API, ANN, PASSWORD } = process.env;
  const client = createClient<paths>({ baseUrl: API });
  const signedIn = await client.POST("/api/auth/login", { body: { username: ANN, password: PASSWORD } });
  must(signedIn.data, signedIn.error);
  const headers = { Authorization: `Bearer ${signedIn.data.access_token}` };

  const contact: components["schemas"]["NewContact"] = { first_name: "Łukasz", labels: ["typescript"], birthday: "1990-04-12" };
  const created = await client.POST("/api/contacts", { body: contact, headers });
  must(created.data, created.error);
  const id: number = created.data.id;

  const listed = await client.GET("/api/contacts", { params: { query: { label: "TypeScript", sort: "name", limit: 5 } }, headers });
  must(listed.data && listed.data.length === 1 && listed.data[0].id === id, listed);

  const birthdays = await client.GET("/api/contacts/birthdays", { params: { query: { days: 366, tz: "Europe/Kyiv" } }, headers });
  must(birthdays.data?.some((it) => it.id === id && (it.turns ?? 0) > 30), birthdays);

  const wrong = await client.POST("/api/contacts", { body: { first_name: "" }, headers });
  must(wrong.error && "errors" in wrong.error && wrong.error.errors[0].field === "first_name", wrong);

  const deleted = await client.DELETE("/api/contacts/{id}", { params: { path: { id } }, headers });
  must(deleted.response.status === 204, deleted);
  console.log("TypeScript client: ok");
}

main().catch((failure) => { console.error(failure); throw failure; });
