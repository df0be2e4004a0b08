// Networks beside the first: totals, and layer by layer what changed, as `diff` has it.

import { shapeText, type Change, type Changes, type Data, type Network } from "./data";
import { h } from "./dom";
import { grouped, megabytes, scaled, type Count } from "./numbers";
import { LongTable } from "./rows";
import type { Store } from "./state";
import { label } from "./table";

interface Pair {
  old: number | null;
  new: number | null;
  change: Change | null;
}

const ROW = 30;
const IN_BYTES = new Set(["activation_bytes", "memory", "training_memory"]);
const HEADS = ["", "Layer of the first", "Layer", "What is other", "Output", "Parameters", "MACs"];

/** The section that compares one network after the other with the first. */
export function changesSection(data: Data, store: Store): HTMLElement {
  const first = data.networks[0];
  const body = h("div");
  const others = data.networks.slice(1);
  const select = h(
    "select",
    { "aria-label": "Compared with the first" },
    ...others.map((network) => h("option", { value: network.index }, `${network.name} (${network.spec})`)),
  );
  const draw = (): void => {
    const other = data.networks[Number(select.value)];
    if (first && other) body.replaceChildren(...comparison(data, store, first, other));
  };
  if (store.state.network > 0) select.value = String(store.state.network);
  select.addEventListener("change", draw);
  draw();
  return h(
    "section",
    { id: "changes", "aria-labelledby": "changes-title" },
    h("h2", { id: "changes-title" }, "Changes"),
    h("p", { class: "bar" }, `${first?.name ?? ""} (${first?.spec ?? ""}) → `, others.length > 1 ? select : `${others[0]?.name ?? ""} (${others[0]?.spec ?? ""})`),
    body,
  );
}

function comparison(data: Data, store: Store, first: Network, other: Network): HTMLElement[] {
  const changes = data.changes[other.index - 1];
  const parts: HTMLElement[] = [];
  if (changes?.refused) parts.push(h("p", { class: "incomplete" }, changes.refused));
  if (changes?.totals) parts.push(totals(changes.totals));
  return [...parts, ...layers(data, store, first, other, changes)];
}

function totals(listed: NonNullable<Changes["totals"]>): HTMLElement {
  const cell = (name: string, value: Count): string => (IN_BYTES.has(name) ? megabytes(value) : grouped(value));
  const rows = Object.entries(listed).map(([name, delta]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, name.replaceAll("_", " ")),
      h("td", { class: "number" }, cell(name, delta.old)),
      h("td", { class: "number" }, cell(name, delta.new)),
      h("td", { class: "number" }, signed(name, delta.difference)),
      h("td", { class: "number" }, delta.ratio === null ? "" : `${delta.ratio >= 0 ? "+" : "−"}${Math.abs(100 * delta.ratio).toFixed(2)} %`),
    ),
  );
  const heads = ["Total", "First", "This", "Difference", ""];
  const table = h(
    "table",
    { class: "totals" },
    h("thead", {}, h("tr", {}, ...heads.map((head, index) => (head ? h("th", { scope: "col", class: index ? "number" : null }, head) : h("td"))))),
    h("tbody", {}, ...rows),
  );
  return h("div", { class: "wide-table", tabindex: 0, role: "region", "aria-label": "Totals side by side" }, table);
}

function signed(name: string, value: Count): string {
  const size = value < 0 ? -value : value;
  const text = IN_BYTES.has(name) ? megabytes(size) : grouped(size);
  return value < 0 ? `−${text}` : `+${text}`;
}

function layers(data: Data, store: Store, first: Network, other: Network, changes: Changes | undefined): HTMLElement[] {
  const told = new Map<string, Change>();
  for (const change of changes?.layers ?? []) told.set(`${change.old ?? ""},${change.new ?? ""}`, change);
  const pairs: Pair[] = data.rows
    .map((row) => ({ old: row[0] ?? null, new: row[other.index] ?? null }))
    .filter((row) => row.old !== null || row.new !== null)
    .map((row) => ({ ...row, change: told.get(`${row.old ?? ""},${row.new ?? ""}`) ?? null }));
  let shown = pairs.filter((pair) => pair.change);
  const table = h(
    "table",
    { class: "changes", "aria-label": "Layers side by side" },
    h("colgroup", {}, ...HEADS.map((_, index) => h("col", { class: `change-${index}` }))),
    h("thead", {}, h("tr", { "aria-rowindex": 1 }, ...HEADS.map((head, index) => (head ? h("th", { scope: "col", class: index > 3 ? "number" : null }, head) : h("td"))))),
  );
  const long = new LongTable(table, {
    height: ROW,
    row: (index) => {
      const pair = shown[index];
      return pair ? pairRow(store, first, other, pair) : h("tr");
    },
  });
  const every = h("input", { type: "checkbox" });
  const fill = (): void => {
    shown = every.checked ? pairs : pairs.filter((pair) => pair.change);
    long.fill(shown.length);
  };
  every.addEventListener("change", fill);
  fill();
  long.element.setAttribute("tabindex", "0");
  long.element.setAttribute("role", "region");
  long.element.setAttribute("aria-label", "Layers side by side");
  return [
    h("p", { class: "bar" }, h("label", {}, every, " also layers that are as they were"), h("span", { class: "counted" }, counts(pairs))),
    long.element,
  ];
}

function counts(pairs: Pair[]): string {
  const numbers = new Map<string, number>();
  for (const { change } of pairs) {
    const status = change?.status ?? "as they were";
    numbers.set(status, (numbers.get(status) ?? 0) + 1);
  }
  return [...numbers].map(([status, count]) => `${grouped(count)} ${status}`).join(", ");
}

function pairRow(store: Store, first: Network, other: Network, pair: Pair): HTMLTableRowElement {
  const status = pair.change?.status ?? "same";
  return h(
    "tr",
    { class: status },
    h("td", {}, h("span", { class: `status ${status}` }, status === "same" ? "" : status)),
    h("td", { class: "name" }, link(store, first, pair.old)),
    h("td", { class: "name" }, link(store, other, pair.new)),
    h("td", { class: "says" }, pair.change ? words(pair.change) : ""),
    h("td", { class: "number" }, beside(output(first, pair.old), output(other, pair.new))),
    h("td", { class: "number" }, beside(count(first.parameters, pair.old), count(other.parameters, pair.new))),
    h("td", { class: "number" }, beside(count(first.macs, pair.old), count(other.macs, pair.new))),
  );
}

function link(store: Store, network: Network, number: number | null): Node {
  if (number === null) return h("span", {}, "–");
  const name = network.names[number] ?? "";
  return h("button", { type: "button", class: "link", onclick: () => { store.set({ network: network.index, layer: name }); } }, label(name));
}

function output(network: Network, number: number | null): string {
  return number === null ? "" : shapeText(network.layers.at(number).output);
}

function count(values: (Count | null)[], number: number | null): string {
  if (number === null) return "";
  const value = values[number] ?? null;
  return value === null ? "?" : scaled(value);
}

/** What was and what is, once where that is the same. */
function beside(old: string, now: string): string {
  return old === now || !old || !now ? old || now : `${old} → ${now}`;
}

function words(change: Change): string {
  const said = Object.entries(change.hyperparameters).map(([name, [old, now]]) => `${name} ${plain(old)} → ${plain(now)}`);
  if (change.inputs) said.push(`reads ${change.inputs[0].join(", ")} → ${change.inputs[1].join(", ")}`);
  if (change.shared_with) said.push(`weights of ${change.shared_with[0] ?? "its own"} → ${change.shared_with[1] ?? "its own"}`);
  return said.join("; ");
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.map((each) => plain(each)).join("×");
  return typeof value === "string" ? value : JSON.stringify(value);
}
