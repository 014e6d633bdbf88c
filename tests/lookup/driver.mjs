// Runs lookup.js as a browser would: `node driver.mjs LOOKUP.JS INDEX.JSON`, a JSON list of texts on standard input, a list of
// the answers on standard output.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [script, file] = process.argv.slice(2);
const { lookup } = await import(pathToFileURL(script));
const index = JSON.parse(readFileSync(file, "utf8"));
const texts = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => lookup(index, text))));
