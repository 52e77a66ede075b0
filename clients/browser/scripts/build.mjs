// Writes dist/: one ESM file, one classic script and one file of types. `--out FOLDER` writes them elsewhere.
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";

const root = new URL("..", import.meta.url);
const path = (name) => fileURLToPath(new URL(name, root));
const { values } = parseArgs({ options: { out: { type: "string", default: path("dist") } } });
const BANNER = "/* live-transcription-browser: MIT. Built from clients/browser/src by `npm run build`. */";

const common = {
  entryPoints: [path("src/index.ts")],
  bundle: true,
  minify: true,
  target: ["chrome116", "firefox121", "safari17", "node20"],
  banner: { js: BANNER },
  charset: "ascii",
  legalComments: "none",
  logLevel: "warning",
  write: false,
};
const FORMATS = [
  ["live-transcription.mjs", { format: "esm" }],
  // A classic script has no import.meta; it finds its own address in `document.currentScript`.
  ["live-transcription.js", { format: "iife", globalName: "LiveTranscription", define: { "import.meta.url": "undefined" } }],
];

await mkdir(values.out, { recursive: true });
for (const [name, options] of FORMATS) {
  const { outputFiles } = await build({ ...common, ...options });
  await writeFile(`${values.out}/${name}`, outputFiles[0].contents);
}
// Without Node's types, so that none of them gets into the types of the SDK.
const compilerOptions = { types: [], module: 99, moduleResolution: 100 };
const types = await rollup({ input: path("src/index.ts"), plugins: [dts({ compilerOptions })] });
const { output } = await types.generate({ format: "es", banner: BANNER });
await writeFile(`${values.out}/live-transcription.d.ts`, `${output[0].code}export as namespace LiveTranscription;\n`);
