// A table of networks: sorted by its heads, in step with the picture and with other tables.

import { h } from "./dom";
import type { Front, Listed, Shown } from "./front";
import type { Kept } from "./kept";
import { LongTable, stepped } from "./rows";
import { markSorted, nextSort, ordered, sortingHead } from "./sorting";
import type { FrontState, Pointed } from "./sweepstate";
import { ruler } from "./widths";

const ROW = 30;
/** Space at both sides of a cell, and of a head that is sorted by, in pixels; style.css says the same. */
const BESIDE = 26;
const ARROW = 16;
/** The width from which on a text is cut off. */
const WIDEST = 320;

export class DesignsTable {
  readonly element: HTMLElement;
  private readonly table: HTMLTableElement;
  private readonly long: LongTable;
  private readonly heads = new Map<string, HTMLTableCellElement>();
  private readonly columns: readonly Shown[];
  private readonly id: string;
  private networks: readonly number[];
  /** By network, its row. */
  private rowOf = new Map<number, number>();
  private active = 0;
  private marked: HTMLTableRowElement[] = [];

  constructor(
    private readonly front: Front,
    private readonly listed: Listed,
    private readonly store: Kept<FrontState>,
    private readonly pointed: Pointed,
  ) {
    this.id = listed.front ? "front" : "best";
    this.networks = listed.networks;
    this.columns = listed.merged ? [...front.columns, front.count] : front.columns;
    const sorted = this.sortedBy();
    for (const { name, title, says } of this.columns) {
      const sort = (): void => { this.store.set({ [sorted]: nextSort(this.store.state[sorted], name, true) }); };
      this.heads.set(name, sortingHead(title, says, true, sort, 0));
    }
    this.table = h(
      "table",
      { class: "designs", role: "grid", "aria-labelledby": `${this.id}-title`, tabindex: 0 },
      h("colgroup", {}, ...this.columns.map(() => h("col"))),
      h("thead", {}, h("tr", { "aria-rowindex": 1 }, ...this.heads.values())),
    );
    this.long = new LongTable(this.table, { height: ROW, row: (place) => this.row(place) });
    this.long.element.setAttribute("tabindex", "-1");
    this.element = h("section", { "aria-labelledby": `${this.id}-title`, class: "listed" }, h("h2", { id: `${this.id}-title` }, listed.title), this.long.element);
    this.table.addEventListener("keydown", (event) => { this.key(event); });
    this.long.body.addEventListener("pointerover", (event) => { this.pointed.set(this.under(event)); });
    this.long.body.addEventListener("pointerleave", () => { this.pointed.set(-1); });
    this.long.body.addEventListener("click", (event) => { this.choose(this.under(event)); });
    store.listen((state, before) => {
      if (state[sorted] !== before[sorted]) this.fill();
      if (state.design !== before.design) this.follow();
    });
    pointed.listen((network, by) => {
      const place = this.rowOf.get(network);
      if (by === "plot" && place !== undefined) this.long.reveal(place);
      this.mark();
    });
  }

  /** Fill it, once it is on the page. */
  show(): void {
    this.fit();
    this.fill();
    this.follow();
  }

  /** Go to it by keyboard. */
  focus(): void {
    this.table.focus();
  }

  /** Whether a network is in it. */
  has(network: number): boolean {
    return this.rowOf.has(network);
  }

  private sortedBy(): "sort" | "best" {
    return this.listed.front ? "sort" : "best";
  }

  /** Give each column the width of what stands in it. */
  private fit(): void {
    const long = ruler(this.table);
    let sum = 0;
    [...this.table.querySelectorAll("col")].forEach((element, at) => {
      const column = this.columns[at];
      if (!column) return;
      const width = Math.ceil(Math.min(Math.max(long(column.title) + ARROW, ...column.widest().map(long)), WIDEST)) + BESIDE;
      element.style.width = `${width}px`;
      sum += width;
    });
    this.table.style.setProperty("--wide", `${sum}px`);
  }

  private fill(): void {
    const sort = this.store.state[this.sortedBy()];
    const column = this.columns.find(({ name }) => name === sort.replace(/^-/, ""));
    this.networks = column ? ordered(this.listed.networks, sort, (network) => column.key(network)) : this.listed.networks;
    this.rowOf = new Map(this.networks.map((network, place) => [network, place]));
    this.active = Math.max(this.rowOf.get(this.chosen()) ?? 0, 0);
    markSorted(this.heads, sort);
    this.long.fill(this.networks.length);
    this.mark();
  }

  private chosen(): number {
    return this.front.network(this.store.state.design);
  }

  /** Bring the network that is chosen into sight. */
  private follow(): void {
    const place = this.rowOf.get(this.chosen());
    if (place !== undefined) {
      this.active = place;
      this.long.reveal(place);
    }
    this.mark();
  }

  /** Mark the rows that are chosen, pointed at and active, where they are there. */
  private mark(): void {
    for (const row of this.marked) this.state(row, Number(row.dataset.place));
    const places = [this.rowOf.get(this.chosen()), this.rowOf.get(this.pointed.at), this.active];
    this.marked = places.flatMap((place) => (place === undefined ? [] : (this.long.there(place) ?? [])));
    for (const row of this.marked) this.state(row, Number(row.dataset.place));
    if (this.long.there(this.active)) this.table.setAttribute("aria-activedescendant", `${this.id}-${this.active}`);
    else this.table.removeAttribute("aria-activedescendant");
  }

  private state(row: HTMLTableRowElement, place: number): void {
    const network = this.networks[place];
    row.setAttribute("aria-selected", String(network === this.chosen()));
    row.classList.toggle("pointed", network === this.pointed.at);
    row.classList.toggle("active", place === this.active);
  }

  private under(event: Event): number {
    const row = event.target instanceof Element ? event.target.closest("tr") : null;
    return this.networks[Number(row?.dataset.place ?? -1)] ?? -1;
  }

  private choose(network: number, step = false): void {
    const design = this.front.designs[network];
    if (design !== undefined) this.store.set({ design: String(design) }, step);
  }

  private key(event: KeyboardEvent): void {
    if (event.target !== this.table) return; // the heads have keys of their own
    const next = stepped(event.key, this.active, this.networks.length - 1, this.long.page);
    if (next !== undefined) {
      this.active = next;
      this.long.reveal(next);
      this.choose(this.networks[next] ?? -1, true);
      this.mark();
    } else if (event.key === "Enter" || event.key === " ") {
      this.choose(this.networks[this.active] ?? -1);
    } else {
      return;
    }
    event.preventDefault();
  }

  private row(place: number): HTMLTableRowElement {
    const network = this.networks[place] ?? 0;
    const cells = this.columns.map((column) => {
      const text = column.text(network);
      return h("td", { class: "number", title: text.length > 30 ? text : null }, text);
    });
    const row = h("tr", { id: `${this.id}-${place}`, "data-place": place }, ...cells);
    this.state(row, place);
    return row;
  }
}
