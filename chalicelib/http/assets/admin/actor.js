// What administrators do on the pages of users and purchases.

import { call } from "./api.js";
import { run } from "./answers.js";

// What asks for confirmation, does it, and reads everything again. One key per confirmed dialog: a retry after a lost
// response changes nothing twice. The answer stands at `place`.
export function actor(confirm, place, refresh, afterAction) {
  return async (dialog, method, path, body) => {
    const input = await confirm(dialog);
    if (!input) return;
    const key = crypto.randomUUID();
    await run(async () => {
      await call(method, path, body(input), { "Idempotency-Key": key });
      await refresh();
      afterAction();
      return `Done: ${dialog.title}.${dialog.then ? ` ${dialog.then}` : ""}`;
    }, place);
  };
}
