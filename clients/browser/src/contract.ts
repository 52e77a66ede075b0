/** Types of the API's contract: shapes by name, and what each route reads and answers. */
import type { components, paths } from "./schema.js";

export type { components, operations, paths } from "./schema.js";

/** A shape of the contract by its name, such as `Schema<"Lease">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
export type ErrorCode = Schema<"Error">["code"];
export type ErrorDetails = NonNullable<Schema<"Error">["details"]>;
export type ErrorReason = NonNullable<ErrorDetails["reason"]>;

export type Method = "GET" | "POST" | "PATCH" | "DELETE";
type Operation<M extends Method, P extends keyof paths> = NonNullable<paths[P][Lowercase<M> & keyof paths[P]]>;

/** The paths that have a method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: [Operation<M, P>] extends [never] ? never : P;
}[keyof paths];

type Parameter<O, Kind extends string> = O extends { parameters: infer All }
  ? Kind extends keyof All
    ? NonNullable<All[Kind]>
    : never
  : never;
type Body<O> = O extends { requestBody?: { content: infer Content } } ? Content[keyof Content] : never;
type Field<Name extends string, Value> = [Value] extends [never]
  ? { [name in Name]?: never }
  : Record<never, never> extends Value
    ? { [name in Name]?: Value }
    : { [name in Name]: Value };
type JsonOf<Response> = Response extends { content: { "application/json": infer Json } } ? Json : never;

/** What a route answers with 200, 201 or 202. */
export type Answer<M extends Method, P extends keyof paths> =
  Operation<M, P> extends { responses: infer All } ? JsonOf<All[keyof All & (200 | 201 | 202)]> : never;

/** What a route reads: `path`, `query` and `body`, each only where the route has it. */
export type RouteInput<M extends Method, P extends keyof paths> = Field<"path", Parameter<Operation<M, P>, "path">> &
  Field<"query", Parameter<Operation<M, P>, "query">> &
  Field<"body", Body<Operation<M, P>>>;

type PathsWithKey = {
  [P in PathOf<"POST">]: Parameter<Operation<"POST", P>, "header"> extends never
    ? never
    : "Idempotency-Key" extends keyof Parameter<Operation<"POST", P>, "header">
      ? P
      : never;
}[PathOf<"POST">];

/** The routes that spend or buy, and so read an Idempotency-Key. A route that is missing here does not compile. */
export const KEYED_PATHS: Record<PathsWithKey, true> = {
  "/transcription/stream": true,
  "/transcription/catchup": true,
  "/transcription/ask": true,
  "/credits/purchase": true,
  "/admin/credits": true,
  "/admin/purchases/{purchase_id}/refund": true,
};

/** The routes that must not be sent again after a lost answer: the second answer would mislead, or mail again. */
export const UNREPEATABLE_PATHS: readonly string[] = [
  "/auth/register",
  "/auth/resend-code",
  "/auth/forgot-password",
  "/auth/reset-password",
] satisfies (keyof paths)[];
