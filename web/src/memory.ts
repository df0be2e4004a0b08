// What is alive at the peak of memory, and what would lower it.

import type { Alive, Data, Run } from "./data";
import { h } from "./dom";
import { hinted } from "./hint";
import { grouped, megabytes, plural, type Count } from "./numbers";

/** Tensors that are listed at first. */
const SHOWN = 12;

export function memoryTables(data: Data, spec: string, run: Run, choose: (layer: string) => void): HTMLElement[] {
  const { memory, peak, refused } = run;
  if (!memory || !peak) return [h("p", { class: "incomplete" }, refused.join(" "))];
  const { at_peak: parts, peak: most } = memory.memory;
  const where = `${megabytes(most)} while ${peak.peak.layer} runs (${peak.peak.phase})`;
  return [
    h("h4", {}, "Alive at the peak: ", h("span", { class: "soft" }, where)),
    bar(data, parts, most),
    tensors(peak.tensors, choose),
    ...(peak.left_out === undefined ? [] : [large(spec, peak.left_out)]),
    ...(peak.changes.length ? [changes(peak.changes)] : []),
    ...notes(memory.memory.not_included),
  ];
}

/** What a page of so many layers has not. */
function large(spec: string, tensors: number): HTMLElement {
  const said = `${tensors ? `${plural(tensors, "smaller tensor")}, and what` : "What"} would lower the peak, has `;
  return h("p", { class: "soft" }, said, h("code", {}, `convcalc explain ${spec} --memory`), ".");
}

/** The parts of the peak as one bar, and what each is. */
function bar(data: Data, parts: Record<string, Count>, most: Count): HTMLElement {
  const listed = Object.entries(parts).filter(([, bytes]) => bytes);
  const stripes = listed.map(([name, bytes]) => {
    const stripe = h("span", { class: `stripe ${name}` });
    stripe.style.flexGrow = String(Number(bytes) / Number(most));
    return stripe;
  });
  const items = listed.map(([name, bytes]) => {
    const said = name.replaceAll("_", " ");
    const share = ((100 * Number(bytes)) / Number(most)).toFixed(1);
    const term = h("button", { type: "button", class: `term part ${name}` }, said);
    return h("div", {}, h("dt", {}, hinted(term, data.definition(`memory.${said}`))), h("dd", {}, `${megabytes(bytes)}, ${share} %`, h("span", {}, `${grouped(bytes)} B`)));
  });
  return h("div", {}, h("div", { class: "stripes", "aria-hidden": "true" }, ...stripes), h("dl", { class: "parts" }, ...items));
}

function tensors(listed: Alive[], choose: (layer: string) => void): HTMLElement {
  const body = h("tbody");
  const more = h("button", { type: "button", class: "quiet" }, `Show all ${plural(listed.length, "tensor")}`);
  const cut = h("p", { class: "printed soft" }, `The largest ${SHOWN} of ${plural(listed.length, "tensor")}.`);
  const fill = (count: number): void => {
    body.replaceChildren(...listed.slice(0, count).map((tensor) => row(tensor, choose)));
    more.hidden = cut.hidden = count >= listed.length;
  };
  more.addEventListener("click", () => {
    fill(listed.length);
  });
  fill(SHOWN);
  const heads = ["Tensor", "Part", "Shape", "Bytes", "Made", "Needed until"];
  return h(
    "div",
    { class: "wide-table", tabindex: 0, role: "region", "aria-label": "Tensors alive at the peak" },
    h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col", class: head === "Bytes" ? "number" : null }, head)))), body),
    more,
    cut,
  );
}

function row(tensor: Alive, choose: (layer: string) => void): HTMLTableRowElement {
  const until = tensor.until ? `${tensor.until.phase} of ${tensor.until.layer}` : "stays";
  const { layer, name } = tensor;
  return h(
    "tr",
    {},
    h("td", { class: "name" }, layer ? h("button", { type: "button", class: "link", onclick: () => { choose(layer); } }, name) : name),
    h("td", {}, tensor.part),
    h("td", {}, tensor.shape.join("×") || "1", " ", h("span", { class: "soft" }, tensor.dtype)),
    h("td", { class: "number" }, grouped(tensor.bytes)),
    h("td", {}, tensor.made ?? "before"),
    h("td", {}, until),
  );
}

function changes(listed: { change: string; write: string; peak: Count; saved: Count }[]): HTMLElement {
  const heads = ["What would lower it", "Write", "Peak", "Saves"];
  const rows = listed.slice(0, SHOWN).map((each) =>
    h("tr", {}, h("td", {}, each.change), h("td", {}, h("code", {}, each.write)), h("td", { class: "number" }, megabytes(each.peak)), h("td", { class: "number" }, megabytes(each.saved))),
  );
  return h(
    "div",
    { class: "wide-table", tabindex: 0, role: "region", "aria-label": "What would lower the peak" },
    h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((head, index) => h("th", { scope: "col", class: index > 1 ? "number" : null }, head)))), h("tbody", {}, ...rows)),
  );
}

function notes(listed: string[]): HTMLElement[] {
  if (!listed.length) return [];
  return [h("details", {}, h("summary", {}, "Not included"), h("ul", {}, ...listed.map((each) => h("li", {}, each))))];
}
