// The graph on paper: columns side by side, cut where no box is, when it is longer than a sheet.

import { h } from "./dom";
import { onPrint } from "./print";

/** Most width and height of what stands on one sheet, in pixels: A4 and Letter have it. */
const WIDE = 700;
const HIGH = 820;
/** Room between columns. */
const GAP = 18;
/** How large it is at most: texts of 12 pixels are as large as the tables'. */
const LARGEST = 0.85;

/** A part of a picture: from which height to which. */
export type Slice = readonly [top: number, bottom: number];

/** How high a gap is at least that is cut in before others are: one between boxes, not in a frame. */
const ROOM = 10;

/** Cut a picture into slices no higher than `most`, as equal as it may be, where `full` has no box. */
export function slices(height: number, most: number, full: readonly Slice[]): Slice[] {
  const free = gaps(height, full);
  const middle = ([top, bottom]: Slice): number => (top + bottom) / 2;
  const cut: Slice[] = [];
  let top = 0;
  while (height - top > most) {
    const ideal = top + (height - top) / Math.ceil((height - top) / most);
    const from = top;
    const within = free.filter((gap) => middle(gap) > from && middle(gap) <= from + most);
    const roomy = within.filter(([start, end]) => end - start >= ROOM);
    const near = (roomy.length ? roomy : within).map(middle);
    const at = near.reduce((best, each) => (Math.abs(each - ideal) < Math.abs(best - ideal) ? each : best), near[0] ?? top + most);
    cut.push([top, at]);
    top = at;
  }
  return [...cut, [top, height]];
}

/** From where to where there is nothing. */
function gaps(height: number, full: readonly Slice[]): Slice[] {
  const free: Slice[] = [];
  let bottom = 0;
  for (const [top, end] of [...full].sort((one, other) => one[0] - other[0])) {
    if (top > bottom) free.push([bottom, top]);
    bottom = Math.max(bottom, end);
  }
  return bottom < height ? [...free, [bottom, height]] : free;
}

/** Print a graph in columns, unless it is large, and have it as it was again afterwards. */
export function printedInColumns(graph: { readonly element: HTMLElement; readonly large: boolean }, instead: () => HTMLElement): void {
  let columns: HTMLElement | null = null;
  onPrint((on) => {
    columns?.remove();
    columns = null;
    const svg = graph.element.querySelector("svg");
    if (on && svg) {
      columns = graph.large ? instead() : columnsOf(svg);
      svg.after(columns); // where the rules of pictures hold
    }
    svg?.classList.toggle("unprinted", on);
  });
}

function columnsOf(svg: SVGSVGElement): HTMLElement {
  const { width, height } = svg.viewBox.baseVal;
  const scale = Math.min(LARGEST, WIDE / width);
  const parts = slices(height, HIGH / scale, solid(svg));
  const across = Math.max(Math.floor((WIDE + GAP) / (width * scale + GAP)), 1);
  const sheets: HTMLElement[] = [];
  for (let first = 0; first < parts.length; first += across) {
    const shown = parts.slice(first, first + across).map((part) => column(svg, part, width, scale));
    sheets.push(h("div", { class: "sheet" }, ...shown));
  }
  return h("div", { class: "sheets" }, ...sheets);
}

function column(svg: SVGSVGElement, [top, bottom]: Slice, width: number, scale: number): SVGSVGElement {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  for (const named of copy.querySelectorAll(":scope > title, :scope > desc")) named.remove();
  copy.removeAttribute("aria-labelledby");
  copy.removeAttribute("style");
  copy.setAttribute("aria-hidden", "true"); // the picture itself is there
  copy.classList.remove("unprinted");
  copy.setAttribute("viewBox", `0 ${top} ${width} ${bottom - top}`);
  copy.setAttribute("width", String(width * scale));
  copy.setAttribute("height", String((bottom - top) * scale));
  return copy;
}

/** From where to where there are boxes or texts, which are not cut; frames and lines may be. */
function solid(svg: SVGSVGElement): Slice[] {
  const boxes = svg.querySelectorAll("rect:not(.paper, .frame, .inner-frame), text");
  const whole = svg.getBoundingClientRect();
  const scale = svg.viewBox.baseVal.height / whole.height;
  return [...boxes].map((box) => {
    const { top, bottom } = box.getBoundingClientRect(); // wherever what it stands in has been moved to
    return [(top - whole.top) * scale - 1, (bottom - whole.top) * scale + 1];
  });
}
