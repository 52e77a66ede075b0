// Writes src/schema.ts from the contract; with --print, prints it instead.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const CONTRACT = new URL("../../../docs/openapi.json", import.meta.url);
const TARGET = new URL("../src/schema.ts", import.meta.url);
const HEAD = "// Generated from docs/openapi.json by `npm run generate`. Do not edit.\n\n";

const audio = ts.factory.createUnionTypeNode(
  ["Blob", "ArrayBuffer", "Uint8Array<ArrayBuffer>"].map((name) => ts.factory.createTypeReferenceNode(name)),
);
const nodes = await openapiTS(JSON.parse(await readFile(CONTRACT, "utf8")), {
  alphabetize: false,
  defaultNonNullable: false, // A field with a default may still be left out.
  transform: (schema) => (schema.format === "binary" ? audio : undefined),
});
const text = HEAD + astToString(nodes);
if (process.argv.includes("--print")) process.stdout.write(text);
else await writeFile(TARGET, text);
