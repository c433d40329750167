// Trunk's last step for the web app: writes a Brotli and a gzip copy beside each file of the dist, prints what a first
// visit transfers, and fails a release build that is over its limits. Runs from Trunk.toml as a post_build hook;
// `node web/build/finish.mjs <folder>` does the same for a folder that is already built.

import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { extname, join, relative } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

// In bytes; 1 KB is 1000 bytes here. The WebAssembly limit is what was measured on 2026-11-22 (627.0 KB) and 4.5 %.
const LIMITS = {
  ".wasm": { label: "WebAssembly", raw: 2_580_000, brotli: 655_000 },
  ".js": { label: "JavaScript", brotli: 10_000 },
  ".css": { label: "CSS", brotli: 15_000 },
  total: { label: "First load", brotli: 675_000 },
};

// These are compressed by their own format; a second time only costs the browser work.
const COMPRESSED_FORMATS = new Set([".png", ".jpg", ".webp", ".avif", ".woff2", ".br", ".gz"]);

// Fetching anything from another host, or a font, would delay or break the first paint.
const FOREIGN_RESOURCE = /<(?:link|script|img)\b[^>]*\b(?:src|href)=["']?(?:https?:)?\/\/[^>]*>/gi;

const folder = process.argv[2] ?? process.env.TRUNK_STAGING_DIR;
if (!folder) {
  console.error("usage: node web/build/finish.mjs <folder> (Trunk names it in TRUNK_STAGING_DIR)");
  process.exit(2);
}
if (process.env.TRUNK_PROFILE === "debug") {
  process.exit(0);
}

const files = await compressAll(folder);
const firstLoad = await filesOfFirstLoad(files);
const problems = report(files, firstLoad);
problems.push(...(await foreignResources()));
if (problems.length > 0) {
  console.error(`\nThe web app is over its limits:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  process.exit(1);
}

/** Compresses each file of the folder; a copy that would not be smaller is left out. */
async function compressAll(root) {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const sources = paths.filter((path) => !COMPRESSED_FORMATS.has(extname(path)));
  return Promise.all(
    paths
      .filter((path) => ![".br", ".gz"].includes(extname(path)))
      .map(async (path) => {
        const content = await readFile(path);
        const file = { name: relative(root, path), raw: content.length, gzip: content.length, brotli: content.length, content };
        if (sources.includes(path)) {
          file.brotli = await writeSmaller(`${path}.br`, content, await brotli(content));
          file.gzip = await writeSmaller(`${path}.gz`, content, await promisify(gzip)(content, { level: 9 }));
        }
        return file;
      }),
  );
}

/** Brotli at its best, with the largest window that every browser takes. */
function brotli(content) {
  return promisify(brotliCompress)(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
}

/** Writes the copy if it saves anything; answers with the size that is transferred. */
async function writeSmaller(path, content, compressed) {
  if (compressed.length >= content.length) {
    await rm(path, { force: true });
    return content.length;
  }
  await writeFile(path, compressed);
  return compressed.length;
}

/** The page, what it names, and what that names in turn: scripts import snippets, style sheets name images. */
async function filesOfFirstLoad(all) {
  const reached = new Set(all.filter((file) => file.name === "index.html"));
  for (const file of reached) {
    if (![".html", ".js", ".css"].includes(extname(file.name))) continue;
    const text = file.content.toString();
    for (const other of all) {
      if (text.includes(other.name)) reached.add(other);
    }
  }
  return reached;
}

/** Prints the table and answers with the limits that are broken. */
function report(all, first) {
  const problems = [];
  const row = (name, raw, gz, br, limit) =>
    console.log(`${name.padEnd(44)} ${raw.padStart(11)} ${gz.padStart(11)} ${br.padStart(11)}   ${limit}`);
  const check = (limit, raw, br) => {
    if (limit?.raw && raw > limit.raw) problems.push(`${limit.label}: ${kb(raw)} raw, limit ${kb(limit.raw)}.`);
    if (limit?.brotli && br > limit.brotli) problems.push(`${limit.label}: ${kb(br)} with Brotli, limit ${kb(limit.brotli)}.`);
  };
  const words = (limit) =>
    limit ? [limit.brotli && `${kb(limit.brotli)} br`, limit.raw && `${kb(limit.raw)} raw`].filter(Boolean).join(", ") : "";
  const sum = (list, key) => list.reduce((total, file) => total + file[key], 0);

  console.log("");
  row("file", "raw", "gzip", "brotli", "limit");
  const kinds = new Map();
  for (const file of [...all].sort((a, b) => b.brotli - a.brotli)) {
    const kind = extname(file.name);
    kinds.set(kind, [...(kinds.get(kind) ?? []), file]);
    row(file.name, kb(file.raw), kb(file.gzip), kb(file.brotli), words(LIMITS[kind]));
  }
  for (const [kind, list] of kinds) check(LIMITS[kind], sum(list, "raw"), sum(list, "brotli"));
  const loaded = [...first];
  row("first load", kb(sum(loaded, "raw")), kb(sum(loaded, "gzip")), kb(sum(loaded, "brotli")), words(LIMITS.total));
  check(LIMITS.total, sum(loaded, "raw"), sum(loaded, "brotli"));
  if (!kinds.has(".wasm")) problems.push("There is no WebAssembly file in the dist.");
  return problems;
}

/** The page may name no resource of another host. */
async function foreignResources() {
  const page = files.find((file) => file.name === "index.html");
  if (!page) return ["There is no index.html in the dist."];
  return (page.content.toString().match(FOREIGN_RESOURCE) ?? []).map((tag) => `The page loads from another host: ${tag}`);
}

function kb(bytes) {
  return `${(bytes / 1000).toFixed(1)} KB`;
}
