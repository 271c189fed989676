// Bundles browser/NAME.js for a page, as wallets do. The request: {"name", "out"}.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const { name, out } = JSON.parse(process.argv[2]);
const at = (path) => fileURLToPath(new URL(`../browser/${path}`, import.meta.url));
const { errors } = await build({
  entryPoints: [at(`${name}.js`)],
  outfile: out,
  bundle: true,
  format: "iife",
  platform: "browser",
  inject: [at("shim.js")],
  define: { global: "globalThis", "process.env.NODE_ENV": '"production"' },
  logLevel: "silent",
});
process.stdout.write(JSON.stringify({ errors: errors.length }) + "\n");
