// What was found in a spec, with the line that it is about.

import type { Check, Data, Finding } from "./data";
import { h } from "./dom";
import { plural } from "./numbers";
import type { Store } from "./state";

const SEVERITIES = ["error", "warning", "note"] as const;
/** Findings that are listed at first, the gravest: more would take a page long to open. */
const LISTED = 50;

/** The findings of a check, those of each severity to be shown or not. */
export function findings(check: Check, choose: ((layer: string) => void) | null): HTMLElement {
  const listed = h("ol", { class: "findings" });
  const shown = new Set<string>(SEVERITIES);
  const several = check.files.length > 1;
  let all = false;
  const more = h("button", { type: "button", class: "quiet", onclick: () => { all = true; draw(); } });
  const cut = h("p", { class: "printed soft" });
  const draw = (): void => {
    const told = check.diagnostics.map((finding, index) => ({ finding, index })).filter(({ finding }) => shown.has(finding.severity));
    const first = all ? told : gravest(told, LISTED);
    listed.replaceChildren(
      ...first.map(({ finding, index }) => item(finding, check.lines[index] ?? "", check.layers[index] ?? "", choose, several)),
    );
    more.hidden = cut.hidden = first.length === told.length;
    more.textContent = `Show all ${plural(told.length, "finding")}`;
    cut.textContent = `The gravest ${first.length} of ${plural(told.length, "finding")}.`;
  };
  const counts = SEVERITIES.map((severity) => [severity, check.diagnostics.filter((each) => each.severity === severity).length] as const);
  const buttons = counts
    .filter(([, count]) => count)
    .map(([severity, count]) => {
      const button = h("button", { type: "button", class: `severity ${severity}`, "aria-pressed": "true" }, plural(count, severity));
      button.addEventListener("click", () => {
        if (!shown.delete(severity)) shown.add(severity);
        button.setAttribute("aria-pressed", String(shown.has(severity)));
        draw();
      });
      return button;
    });
  draw();
  const left = check.promises_not_looked_at;
  return h(
    "div",
    {},
    check.diagnostics.length ? h("div", { class: "bar", role: "group", "aria-label": "Shown severities" }, ...buttons) : h("p", { class: "fine" }, `No findings in ${plural(check.files.length, "spec")}.`),
    listed,
    more,
    cut,
    left ? h("p", {}, `${plural(left, "promise")} not looked at.`) : null,
  );
}

/** As many findings at most, in their order; if there are more, notes are left out before warnings. */
export function gravest<F extends { finding: Pick<Finding, "severity"> }>(told: readonly F[], most: number): F[] {
  if (told.length <= most) return [...told];
  const kept = new Set(SEVERITIES.flatMap((severity) => told.filter(({ finding }) => finding.severity === severity)).slice(0, most));
  return told.filter((each) => kept.has(each));
}

function item(finding: Finding, line: string, layers: string, choose: ((layer: string) => void) | null, several: boolean): HTMLElement {
  const place = finding.line === null ? (finding.named ?? "") : `${finding.line}:${finding.column ?? 1}`;
  const where = several ? `${finding.path}:${place}` : place;
  const { layer } = finding;
  return h(
    "li",
    { class: `finding ${finding.severity}` },
    h(
      "p",
      {},
      h("span", { class: `severity ${finding.severity}` }, `${finding.severity} ${finding.code}`),
      " ",
      h("strong", {}, finding.message),
    ),
    line.trim() ? source(finding, line) : null,
    h(
      "p",
      { class: "where" },
      h("code", {}, where),
      layer && choose
        ? h("button", { type: "button", class: "link", onclick: () => { choose(layer); } }, layer)
        : layer
          ? h("code", {}, layer)
          : null,
      layers ? h("span", {}, layers) : null,
      ...finding.related.map((each) => h("span", {}, `${each.message}: ${each.line === null ? (each.named ?? "") : `line ${each.line}`}`)),
    ),
    finding.help ? h("p", { class: "help" }, finding.help) : null,
  );
}

/** The line with what is at fault marked in it. */
function source(finding: Finding, line: string): HTMLElement {
  const letters = Array.from(line); // columns count code points
  const start = (finding.column ?? 1) - 1;
  const same = finding.end_line === finding.line;
  const end = same ? Math.max((finding.end_column ?? 1) - 1, start + 1) : letters.length;
  const text = (from: number, to: number): string => letters.slice(from, to).join("");
  return h(
    "pre",
    { tabindex: 0, role: "region", "aria-label": `Line ${finding.line ?? ""}` },
    h("span", { class: "line-number" }, `${finding.line ?? ""} │ `),
    text(0, start),
    h("mark", {}, text(start, end) || " "),
    text(end, letters.length),
  );
}

/** The section of one network's findings. */
export function findingsSection(data: Data, check: Check, store: Store): HTMLElement {
  const known = new Set(data.networks.flatMap((network) => network.names));
  const choose = (layer: string): void => {
    if (known.has(layer)) store.set({ layer });
  };
  return h("section", { id: "findings", "aria-labelledby": "findings-title" }, h("h2", { id: "findings-title" }, "Findings"), findings(check, choose));
}
