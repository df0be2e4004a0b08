// Rows of a long table: those that are in sight are there, and all of them when it is printed.

import { h } from "./dom";
import { onPrint } from "./print";

const OVER = 12;

/** What a table of rows is told. */
export interface Rows {
  /** How high a row is, in pixels; style.css says the same. */
  height: number;
  /** The row of an index. */
  row(index: number): HTMLTableRowElement;
}

/** A table of which only what is in sight is made. */
export class LongTable {
  readonly element: HTMLElement;
  readonly body: HTMLTableSectionElement;
  private readonly sizer: HTMLElement;
  /** The rows that are there, by their index. */
  private readonly made = new Map<number, HTMLTableRowElement>();
  private count = 0;
  private first = -1;
  private last = -1;
  private printing = false;

  constructor(
    private readonly table: HTMLTableElement,
    private readonly rows: Rows,
  ) {
    this.body = h("tbody");
    table.append(this.body);
    this.sizer = h("div", { class: "sizer" }, table);
    this.element = h("div", { class: "scroller" }, this.sizer);
    this.element.addEventListener("scroll", () => {
      this.draw();
    });
    new ResizeObserver(() => {
      this.draw();
    }).observe(this.element);
    onPrint((on) => {
      this.printing = on;
      this.redraw();
    });
  }

  /** Show other rows, so many. */
  fill(count: number): void {
    this.count = count;
    this.table.setAttribute("aria-rowcount", String(count + 1));
    this.redraw();
  }

  /** Make the rows anew that are in sight. */
  redraw(): void {
    this.first = this.last = -1;
    this.made.clear();
    this.body.replaceChildren();
    this.draw();
  }

  /** A row, if it is there. */
  there(index: number): HTMLTableRowElement | undefined {
    return this.made.get(index);
  }

  /** Scroll until a row is in sight. */
  reveal(index: number): void {
    const head = this.table.tHead?.offsetHeight ?? 0;
    const top = index * this.rows.height;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) {
      this.element.scrollTop = top;
    } else if (top + this.rows.height + head > scrollTop + clientHeight) {
      this.element.scrollTop = top + this.rows.height + head - clientHeight;
    }
    this.draw();
  }

  /** How many rows are in sight. */
  get page(): number {
    return Math.max(Math.floor(this.element.clientHeight / this.rows.height) - 2, 1);
  }

  private draw(): void {
    const { height } = this.rows;
    const { scrollTop, clientHeight } = this.element;
    const all = this.printing || this.count <= 2 * OVER;
    const first = all ? 0 : Math.max(Math.floor(scrollTop / height) - OVER, 0);
    const last = all ? this.count : Math.min(Math.ceil((scrollTop + clientHeight) / height) + OVER, this.count);
    const head = this.table.tHead?.offsetHeight ?? 0;
    this.sizer.style.height = this.printing ? "auto" : `${this.count * height + head}px`;
    this.table.style.top = `${first * height}px`;
    if (first === this.first && last === this.last) return;
    for (const [index, row] of this.made) {
      if (index >= first && index < last) continue;
      row.remove();
      this.made.delete(index);
    }
    let next: Element | null = null; // from the last one up, each before the one below it
    for (let index = last - 1; index >= first; index--) {
      let row = this.made.get(index);
      if (!row) {
        row = this.rows.row(index);
        row.setAttribute("aria-rowindex", String(index + 2));
        this.made.set(index, row);
        this.body.insertBefore(row, next);
      }
      next = row;
    }
    this.first = first;
    this.last = last;
  }
}

/** The row that a key goes to from another one, with so many on a page; none for other keys. */
export function stepped(key: string, from: number, last: number, page: number): number | undefined {
  const to: Partial<Record<string, number>> = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + page,
    PageUp: from - page,
    Home: 0,
    End: last,
  };
  const next = to[key];
  return next === undefined ? undefined : Math.min(Math.max(next, 0), last);
}
