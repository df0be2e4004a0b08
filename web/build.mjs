// Builds the pages into the package, or with --check says whether what is there is what would be
// built, or with --tests the unit tests into build/tests/, or into the folder that is named behind it.
import { build } from "esbuild";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const BUILT = "../convcalc/formats/web/built/";
const PAGES = ["report", "findings", "demo", "sweep"];
const COMMON = {
  bundle: true,
  charset: "utf8",
  lineLimit: 200, // for whoever looks for something in all files
  legalComments: "none", // licences.txt has all of them, and every page shows it
  logLevel: "warning",
  target: ["es2022"],
};
// What is bundled, and the files that say under which terms.
const LICENCES = [
  ["Apache ECharts", ["echarts/NOTICE", "echarts/LICENSE"]],
  ["d3.js, parts of which are in Apache ECharts", ["echarts/licenses/LICENSE-d3"]],
  ["zrender", ["zrender/LICENSE"]],
  ["tslib", ["tslib/LICENSE.txt"]],
];

async function pages() {
  const files = new Map();
  for (const page of PAGES) {
    const { outputFiles } = await build({
      ...COMMON,
      absWorkingDir: here("."),
      define: { "process.env.NODE_ENV": '"production"' },
      entryPoints: [`src/${page}.ts`],
      format: "iife",
      minify: true,
      outdir: "build",
      write: false,
    });
    for (const file of outputFiles) {
      const name = file.path.replaceAll("\\", "/").split("/").pop();
      // No text of a script may end the element that it stands in.
      files.set(name, file.text.replaceAll("</script", "<\\/script"));
    }
  }
  files.set("licences.txt", await licences());
  return files;
}

async function licences() {
  const parts = [];
  for (const [name, paths] of LICENCES) {
    const texts = await Promise.all(
      paths.map((path) => readFile(here(`node_modules/${path}`), "utf8")),
    );
    parts.push([`${name}\n${"=".repeat(name.length)}`, ...texts.map((text) => text.trim())]);
  }
  return parts.flat().join("\n\n").replaceAll("\r\n", "\n") + "\n";
}

async function tests(outdir) {
  const names = (await readdir(here("test"))).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...COMMON,
    absWorkingDir: here("."),
    entryPoints: names.map((name) => `test/${name}`),
    format: "esm",
    outExtension: { ".js": ".mjs" },
    outdir,
    platform: "node",
  });
}

if (process.argv.includes("--tests")) {
  await tests(process.argv[process.argv.indexOf("--tests") + 1] ?? "build/tests");
} else if (process.argv.includes("--check")) {
  const other = [];
  for (const [name, text] of await pages()) {
    const there = await readFile(here(BUILT + name), "utf8").catch(() => "");
    if (there !== text) other.push(name);
  }
  if (other.length) {
    console.error(`not what the sources build: ${other.join(", ")}; run npm run build in web/`);
    process.exitCode = 1;
  }
} else {
  await mkdir(here(BUILT), { recursive: true });
  for (const [name, text] of await pages()) {
    await writeFile(here(BUILT + name), text);
    console.log(`${name}: ${text.length.toLocaleString("en")} characters`);
  }
}
