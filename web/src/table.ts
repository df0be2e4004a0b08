// The table of layers: sorted, searched, folded, and in step with what is chosen elsewhere.

import type { Data, Network } from "./data";
import { h } from "./dom";
import { around, entries, foldedAtFirst, isFolded, printedEntries, type Entry } from "./listing";
import { grouped, megabytes, plural, type Count } from "./numbers";
import { onPrint } from "./print";
import { LongTable, stepped } from "./rows";
import { markSorted, nextSort, sortingHead } from "./sorting";
import { COLUMNS, type State, type Store } from "./state";
import { leftOut, ruler, widthOf } from "./widths";

const RIGHT = new Set(["output", "parameters", "macs", "receptive_field", "memory"]);
const ROW = 30;
/** By column, how wide it is at least, in pixels: as its head is, with the arrow of a sorted one. */
const LEAST: Record<string, number> = {
  name: 145,
  kind: 138,
  hyperparameters: 145,
  output: 124,
  parameters: 116,
  macs: 130,
  receptive_field: 128,
  memory: 102,
};
/** What is left out where there is no room, the first first: a layer's details have it, too. */
const DISPENSABLE = ["hyperparameters", "receptive_field", "kind", "output", "parameters"];

export class LayersTable {
  readonly element: HTMLElement;
  private readonly long: LongTable;
  private readonly table: HTMLTableElement;
  private readonly counted: HTMLElement;
  private readonly search: HTMLInputElement;
  private readonly foldAll: HTMLButtonElement;
  private readonly heads = new Map<string, HTMLTableCellElement>();
  private network: Network | undefined;
  private first: ReadonlySet<string> = new Set();
  private listed: Entry[] = [];
  private active = 0;
  private printing = false;
  private most: Record<string, number> = {};
  private widths = LEAST;

  constructor(
    private readonly data: Data,
    private readonly store: Store,
  ) {
    const heads = COLUMNS.map((name) => this.head(name));
    this.table = h(
      "table",
      { class: "layers", role: "treegrid", "aria-label": "Layers", tabindex: 0 },
      h("colgroup", {}, ...COLUMNS.map((name) => h("col", { class: `of-${name}` }))),
      h("thead", {}, h("tr", { "aria-rowindex": 1 }, ...heads)),
    );
    this.long = new LongTable(this.table, { height: ROW, row: (index) => this.row(index) });
    this.table.addEventListener("keydown", (event) => {
      this.key(event);
    });
    this.search = h("input", {
      type: "search",
      id: "find",
      placeholder: "Search name, kind, field or shape",
      "aria-label": "Search layers",
      oninput: () => {
        this.store.set({ find: this.search.value });
      },
    });
    this.counted = h("span", { class: "counted", role: "status" });
    this.foldAll = h("button", { type: "button", class: "quiet", onclick: () => { this.toggleAll(); } });
    this.element = h(
      "div",
      { class: "table-pane" },
      h("div", { class: "bar" }, this.search, this.counted, this.foldAll),
      this.long.element,
    );
    this.long.element.setAttribute("tabindex", "-1");
    new ResizeObserver(() => { this.fit(); }).observe(this.long.element);
    store.listen((state, before) => {
      this.update(state, before);
    });
    onPrint((on) => {
      this.printing = on;
      this.refill(this.store.state);
    });
  }

  /** Show the layers of a network. */
  show(network: Network): void {
    this.network = network;
    this.first = foldedAtFirst(network);
    this.most = {
      parameters: Number(largest(network.parameters)),
      macs: Number(largest(network.macs)),
      memory: Number(largest(network.memory)),
    };
    this.widths = widths(network, ruler(this.table)("0"));
    this.fit();
    this.refill(this.store.state);
    this.follow(this.store.state.layer);
  }

  /** Give each column the width of what stands in it, and leave out those without room. */
  private fit(): void {
    const room = this.long.element.clientWidth;
    if (!room || this.printing) return; // paper has all of them
    const out = leftOut(this.widths, DISPENSABLE, room);
    this.table.dataset.without = out.join(" ");
    let sum = 0;
    for (const column of COLUMNS) {
      const width = this.widths[column] ?? 0;
      if (!out.includes(column)) sum += width;
      this.table.style.setProperty(`--${column}`, `${width}px`);
    }
    this.table.style.setProperty("--least", `${sum}px`);
  }

  private head(name: string): HTMLTableCellElement {
    const [title, doc] = this.data.column(name);
    const defined = this.data.definition(name === "memory" ? "activations" : name);
    const cell = sortingHead(title, [doc, defined].filter(Boolean).join(" "), RIGHT.has(name), () => {
      this.store.set({ sort: nextSort(this.store.state.sort, name, RIGHT.has(name)) });
    });
    this.heads.set(name, cell);
    return cell;
  }

  private update(state: State, before: State): void {
    if (state.network !== before.network) return; // show is called
    if (state.sort !== before.sort || state.find !== before.find || state.fold !== before.fold || state.toggled !== before.toggled) {
      this.refill(state);
    }
    if (state.layer !== before.layer) this.follow(state.layer);
  }

  private refill(state: State): void {
    if (!this.network) return;
    this.listed = (this.printing ? printedEntries : entries)(this.network, this.first, state);
    this.active = Math.max(this.placeOf(state.layer), 0);
    if (this.search.value !== state.find) this.search.value = state.find;
    markSorted(this.heads, state.sort);
    const layers = this.listed.filter((entry) => entry.layer >= 0).length;
    const all = this.network.layers.length;
    const searched = state.find.trim() !== "";
    this.counted.textContent = searched ? `${grouped(layers)} of ${plural(all, "layer")}` : plural(all, "layer");
    const groups = this.network.groups.length > 0 && !searched && !state.sort;
    this.foldAll.hidden = !groups;
    this.foldAll.textContent = this.anyFolded(state) ? "Unfold all" : "Fold all";
    this.table.setAttribute("aria-activedescendant", "");
    this.long.fill(this.listed.length);
    this.mark();
  }

  private anyFolded(state: State): boolean {
    return this.network?.groups.some((group) => isFolded(group.name, this.first, state)) ?? false;
  }

  private toggleAll(): void {
    this.store.set({ fold: this.anyFolded(this.store.state) ? "none" : "all", toggled: new Set() });
  }

  private toggle(name: string): void {
    const toggled = new Set(this.store.state.toggled);
    if (!toggled.delete(name)) toggled.add(name);
    this.store.set({ toggled });
  }

  private placeOf(name: string): number {
    const layer = this.network?.numbers.get(name) ?? -2;
    return this.listed.findIndex((entry) => entry.layer === layer);
  }

  /** Bring the chosen layer into sight, out of folded groups. */
  private follow(name: string): void {
    const layer = this.network?.numbers.get(name);
    if (layer !== undefined && this.network && this.placeOf(name) < 0) {
      const { state } = this.store;
      const closed = around(this.network, layer).filter((group) => isFolded(group.name, this.first, state));
      if (closed.length && !state.sort && !state.find.trim()) {
        const toggled = new Set(state.toggled);
        for (const group of closed) if (!toggled.delete(group.name)) toggled.add(group.name);
        this.store.set({ toggled }, true);
      }
    }
    const place = this.placeOf(name);
    if (place >= 0) {
      this.active = place;
      this.long.reveal(place);
    }
    this.mark();
  }

  /** Mark the rows that are chosen and active, where they are in sight. */
  private mark(): void {
    const chosen = this.network?.numbers.get(this.store.state.layer) ?? -2;
    let there = false;
    for (const row of this.long.body.rows) {
      const place = Number(row.dataset.place);
      row.setAttribute("aria-selected", String(this.listed[place]?.layer === chosen));
      row.classList.toggle("active", place === this.active);
      there ||= place === this.active;
    }
    if (there) this.table.setAttribute("aria-activedescendant", `row-${this.active}`);
    else this.table.removeAttribute("aria-activedescendant");
  }

  private key(event: KeyboardEvent): void {
    const last = this.listed.length - 1;
    const entry = this.listed[this.active];
    const group = entry && entry.group >= 0 ? this.network?.groups[entry.group] : undefined;
    const next = stepped(event.key, this.active, last, this.long.page);
    if (next !== undefined) {
      this.go(next);
    } else if ((event.key === "Enter" || event.key === " ") && entry) {
      if (group) this.toggle(group.name);
      else this.store.set({ layer: this.network?.names[entry.layer] ?? "" });
    } else if (event.key === "ArrowRight" && group && entry?.folded) {
      this.toggle(group.name);
    } else if (event.key === "ArrowLeft" && entry && !(group && entry.folded)) {
      if (group) this.toggle(group.name);
      else this.go(this.outside(this.active));
    } else {
      return;
    }
    event.preventDefault();
  }

  /** The row of the group that a row stands in; the row itself outside of all. */
  private outside(place: number): number {
    const level = this.listed[place]?.level ?? 0;
    for (let before = place - 1; before >= 0; before--) {
      if ((this.listed[before]?.level ?? 0) < level) return before;
    }
    return place;
  }

  private go(place: number): void {
    this.active = place;
    this.long.reveal(place);
    this.mark();
    const entry = this.listed[place];
    if (entry && entry.layer >= 0) this.store.set({ layer: this.network?.names[entry.layer] ?? "" }, true);
  }

  private row(place: number): HTMLTableRowElement {
    const entry = this.listed[place];
    const network = this.network;
    if (!entry || !network) return h("tr");
    const row = entry.group >= 0 ? this.groupRow(network, entry) : this.layerRow(network, entry);
    row.id = `row-${place}`;
    row.dataset.place = String(place);
    row.setAttribute("aria-level", String(entry.level + 1));
    row.classList.toggle("active", place === this.active);
    row.addEventListener("click", () => {
      this.active = place;
      if (entry.layer >= 0) this.store.set({ layer: network.names[entry.layer] ?? "" });
      else this.toggle(network.groups[entry.group]?.name ?? "");
      this.mark();
    });
    return row;
  }

  private layerRow(network: Network, entry: Entry): HTMLTableRowElement {
    const at = entry.layer;
    const layer = network.layers.at(at);
    const chosen = layer.name === this.store.state.layer;
    return h(
      "tr",
      { "aria-selected": String(chosen) },
      indent(h("td", { class: "name", title: layer.name }, label(entry.label)), entry.level),
      h("td", {}, kind(this.data, layer.kind)),
      h("td", { class: "says", title: entry.says }, entry.says),
      h("td", { class: "number" }, network.outputsOfLayers[at]),
      this.count("parameters", network.parameters[at]),
      this.count("macs", network.macs[at]),
      h("td", { class: "number" }, network.fieldsOfLayers[at]),
      this.count("memory", network.memory[at]),
    );
  }

  private groupRow(network: Network, entry: Entry): HTMLTableRowElement {
    const group = network.groups[entry.group];
    if (!group) return h("tr");
    const shut = entry.folded;
    const text = (value: Count | null, of: string): HTMLTableCellElement =>
      h("td", { class: "number" }, shut ? cellText(of, value) : "");
    return h(
      "tr",
      { class: "group", "aria-expanded": String(!shut) },
      indent(h("td", { class: "name", title: group.name }, h("span", { class: "twisty", "aria-hidden": "true" }), label(entry.label)), entry.level),
      h("td", {}, shut ? h("span", { class: "kind block" }, group.block || "group") : ""),
      h("td", { class: "says" }, shut ? plural(group.stop - group.start, "layer") : ""),
      h("td", { class: "number" }, shut ? (group.output ?? "?") : ""),
      text(group.parameters, "parameters"),
      text(group.macs, "macs"),
      h("td"),
      text(group.activation_bytes, "memory"),
    );
  }

  private count(name: string, value: Count | null | undefined): HTMLTableCellElement {
    const cell = h("td", { class: "number share" }, cellText(name, value ?? null));
    const most = this.most[name] ?? 0;
    cell.style.setProperty("--share", String(most ? Number(value ?? 0) / most : 0));
    return cell;
  }
}

/** The kind of a layer, in the colour of its family. */
export function kind(data: Data, name: string): HTMLElement {
  return h("span", { class: `kind ${data.family(name)}` }, name);
}

function cellText(name: string, value: Count | null): string {
  if (value === null) return "?";
  if (name === "memory") return value ? megabytes(value) : "–";
  return grouped(value);
}

/** Letters at the end of a name that are always there: where names of rounds and layers differ. */
const TAIL = 10;

/** A name that is cut in its middle where there is no room for it, of a full one the front first. */
export function label(name: string): HTMLElement | string {
  const at = name.lastIndexOf(".") + 1;
  const end = name.length - at > TAIL + 4 ? name.length - TAIL : at;
  const parts = [["front", name.slice(0, at)], ["middle", name.slice(at, end)], ["end", name.slice(end)]] as const;
  return end ? h("span", { class: "full" }, ...parts.map(([part, text]) => (text ? h("span", { class: part }, text) : null))) : name;
}

function indent(cell: HTMLTableCellElement, level: number): HTMLTableCellElement {
  cell.style.setProperty("--level", String(level));
  return cell;
}

/** By column, how wide it is where nothing in it that is a number is cut off. */
function widths(network: Network, digit: number): Record<string, number> {
  const { groups } = network;
  const longest = (name: string, values: (Count | null)[]): string[] => [cellText(name, largest(values))];
  const texts: Record<string, string[]> = {
    output: [...network.outputsOfLayers, ...groups.map((group) => group.output ?? "?")],
    parameters: longest("parameters", [...network.parameters, ...groups.map((group) => group.parameters)]),
    macs: longest("macs", [...network.macs, ...groups.map((group) => group.macs)]),
    receptive_field: network.fieldsOfLayers,
    memory: [...new Set([...network.memory, ...groups.map((group) => group.activation_bytes)])].map((value) => cellText("memory", value)),
  };
  return Object.fromEntries(COLUMNS.map((column) => [column, Math.max(LEAST[column] ?? 0, widthOf(texts[column] ?? [], digit))]));
}

function largest(values: (Count | null)[]): Count {
  return values.reduce<Count>((most, value) => (value !== null && value > most ? value : most), 0);
}
