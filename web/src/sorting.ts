// How tables are sorted: by which column and which way, and the heads that choose it.

import { h } from "./dom";
import { hinted } from "./hint";
import type { Count } from "./numbers";

/** What a row is sorted by. */
export type Key = Count | string | null;

/** Some items by their keys; `sort` is a column, "-" before it for the largest first. Those with equal keys stay in order. */
export function ordered<T>(items: readonly T[], sort: string, key: (item: T) => Key): T[] {
  const sign = sort.startsWith("-") ? -1 : 1;
  const keyed = items.map((item) => ({ item, key: key(item) }));
  keyed.sort((one, other) => compared(one.key, other.key, sign));
  return keyed.map(({ item }) => item);
}

/** The order of two values; what is unknown is last, whichever way. */
function compared(one: Key, other: Key, sign: number): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  if (one === other) return 0;
  return one < other ? -sign : sign;
}

/** What follows when a head is pressed: numbers the largest first, then the other way, then as at first. */
export function nextSort(now: string, column: string, isNumber: boolean): string {
  const order = isNumber ? [`-${column}`, column] : [column, `-${column}`];
  return order[order.indexOf(now) + 1] ?? "";
}

/** The head of a column, which is pressed to sort by it. */
export function sortingHead(title: string, says: string, isNumber: boolean, sort: () => void, tabindex = -1): HTMLTableCellElement {
  const button = h("button", { type: "button", tabindex, onclick: sort }, title);
  return h("th", { scope: "col", class: isNumber ? "number" : null }, hinted(button, says));
}

/** Say at the heads which of them the table is sorted by, and which way. */
export function markSorted(heads: ReadonlyMap<string, HTMLElement>, sort: string): void {
  for (const [column, cell] of heads) {
    const is = sort.replace(/^-/, "") === column;
    cell.setAttribute("aria-sort", is ? (sort.startsWith("-") ? "descending" : "ascending") : "none");
  }
}
