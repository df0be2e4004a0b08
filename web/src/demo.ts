// The demo of a layer: its windows one by one, what each output is made of, and what a value goes into.

import "./demo.css";

import { h } from "./dom";
import { extents, filter, key, place, readers, written, type Demo, type Frame, type Nested } from "./frames";

const PAUSE = 1100; // milliseconds that a frame is shown while it plays

class Page {
  readonly element: HTMLElement;
  private readonly outputs: Map<string, number[]>;
  private readonly input = new Map<string, HTMLElement>();
  private readonly results: HTMLElement[] = [];
  private readonly filters: { channel: number; box: HTMLElement; cells: Map<string, HTMLElement> }[] = [];
  private readonly sum = h("p", { class: "sum", "aria-live": "polite" });
  private readonly products = h("div", { class: "products" });
  private readonly slider: HTMLInputElement;
  private readonly playing: HTMLButtonElement;
  private shown = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly demo: Demo,
    private readonly title: string,
    steps: HTMLElement | null,
  ) {
    this.outputs = readers(demo.frames);
    this.slider = h("input", {
      type: "range",
      min: 0,
      max: Math.max(demo.frames.length - 1, 0),
      value: 0,
      "aria-label": "Output",
      oninput: () => { this.stop(); this.show(Number(this.slider.value)); },
    });
    this.playing = h("button", { type: "button", onclick: () => { this.toggle(); } }, "Play");
    this.element = h(
      "main",
      {},
      h("h1", {}, this.title),
      steps,
      ...demo.says.map((text) => h("p", {}, text)),
      h(
        "div",
        { class: "controls", role: "group", "aria-label": "Windows" },
        h("button", { type: "button", onclick: () => { this.step(-1); } }, "Previous"),
        this.playing,
        h("button", { type: "button", onclick: () => { this.step(1); } }, "Next"),
        this.slider,
        h("span", { class: "hint" }, "Arrow keys step, the space bar plays."),
      ),
      h("div", { class: "volumes" }, this.volume(), this.weights(), this.result()),
      h("section", { "aria-labelledby": "made" }, h("h2", { id: "made" }, "What it is made of"), this.sum, this.products),
    );
    addEventListener("keydown", (event) => { this.pressed(event); });
    this.show(0);
  }

  /** The input, a grid for each channel, with its padding. */
  private volume(): HTMLElement {
    const padded = new Map<string, number>();
    for (const frame of this.demo.frames) for (const term of frame.terms) padded.set(key(term.at), term.value);
    const sides = this.demo.padding.length > 1 ? this.demo.padding : [[0, 0] as const, ...this.demo.padding];
    const [rowSides = [0, 0], columnSides = [0, 0]] = sides;
    const grids = this.demo.x.map((channel, number) => {
      const rows = grid(channel);
      const lines = [];
      for (let row = -rowSides[0]; row < rows.length + rowSides[1]; row++) {
        const cells = [];
        const wide = rows[0]?.length ?? 0;
        for (let column = -columnSides[0]; column < wide + columnSides[1]; column++) {
          const at = `${number},${row},${column}`;
          const own = rows[row]?.[column];
          const value = own ?? padded.get(at);
          const cell = h("td", { class: own === undefined ? "padding" : "" }, value === undefined ? "" : written(value));
          cell.addEventListener("pointerenter", () => { this.mark(at); });
          cell.addEventListener("pointerleave", () => { this.mark(null); });
          this.input.set(at, cell);
          cells.push(cell);
        }
        lines.push(h("tr", {}, ...cells));
      }
      return h("table", {}, h("caption", {}, `channel ${number}`), ...lines);
    });
    return h("section", { class: "input", "aria-labelledby": "input" }, h("h2", { id: "input" }, "Input"), ...grids);
  }

  /** The filters, a grid for each of their channels; those of the shown output's channel stand out. */
  private weights(): HTMLElement | null {
    const channels = new Set(this.demo.frames.map((frame) => frame.at[0] ?? 0));
    const sections = [...channels].flatMap((channel) => {
      const weights = filter(this.demo.frames, channel);
      if (!weights.size || this.demo.kind === "upsample") return [];
      const size = extents(weights.keys());
      const cells = new Map<string, HTMLElement>();
      const tables = Array.from({ length: size.channels }, (_, own) =>
        h(
          "table",
          {},
          h("caption", {}, `channel ${own}`),
          ...Array.from({ length: size.rows }, (_, row) =>
            h(
              "tr",
              {},
              ...Array.from({ length: size.columns }, (_, column) => {
                const at = `${own},${row},${column}`;
                const cell = h("td", {}, written(weights.get(at) ?? 0));
                cells.set(at, cell);
                return cell;
              }),
            ),
          ),
        ),
      );
      const added = this.demo.frames.find((frame) => frame.at[0] === channel)?.added ?? {};
      const bias = Object.entries(added).map(([name, value]) => h("p", { class: "bias" }, `${name} = ${written(value)}`));
      const box = h("div", { class: "filter" }, h("h3", {}, `Filter ${channel}`), ...tables, ...bias);
      this.filters.push({ channel, box, cells });
      return [box];
    });
    if (!sections.length) return null;
    return h("section", { class: "filters", "aria-labelledby": "filters" }, h("h2", { id: "filters" }, "Filters"), h("div", {}, ...sections));
  }

  /** The output, each value a button that shows what it is made of. */
  private result(): HTMLElement {
    const number = new Map(this.demo.frames.map((frame, at) => [key(frame.at), at]));
    const grids = this.demo.output.map((channel, own) =>
      h(
        "table",
        {},
        h("caption", {}, `channel ${own}`),
        ...grid(channel).map((values, row) =>
          h(
            "tr",
            {},
            ...values.map((value, column) => {
              const at = number.get(`${own},${row},${column}`) ?? 0;
              const button = h(
                "button",
                {
                  type: "button",
                  "aria-label": `channel ${own}, row ${row}, column ${column}: ${written(value)}`,
                  onclick: () => { this.stop(); this.show(at); },
                  onpointerenter: () => { if (!this.timer) this.show(at); },
                },
                written(value),
              );
              this.results[at] = button;
              return h("td", {}, button);
            }),
          ),
        ),
      ),
    );
    return h("section", { class: "output", "aria-labelledby": "output" }, h("h2", { id: "output" }, "Output"), ...grids);
  }

  /** Show an output by its number: its window, its weights, and its products. */
  private show(number: number): void {
    const frame = this.demo.frames[number];
    if (!frame) return;
    this.shown = number;
    this.slider.value = String(number);
    this.slider.setAttribute("aria-valuetext", named(frame));
    for (const cell of this.input.values()) cell.classList.remove("seen", "winner");
    for (const term of frame.terms) this.input.get(key(term.at))?.classList.add("seen");
    if (frame.winner) this.input.get(key(frame.winner))?.classList.add("winner");
    this.results.forEach((button, at) => {
      button.classList.toggle("shown", at === number);
      if (at === number) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    for (const { channel, box, cells } of this.filters) {
      box.classList.toggle("shown", channel === frame.at[0]);
      for (const cell of cells.values()) cell.classList.remove("used");
      if (channel !== frame.at[0]) continue;
      for (const term of frame.terms) {
        const cell = term.weight && cells.get(key(term.weight));
        if (!cell || term.factor === null) continue;
        cell.classList.add("used");
        cell.textContent = written(term.factor); // where each position has a filter of its own
      }
    }
    this.sum.textContent = `${named(frame)}: ${frame.said}`;
    this.products.replaceChildren(...multiplied(frame));
  }

  /** Mark the outputs that a value of the input goes into. */
  private mark(at: string | null): void {
    const outputs = new Set(at === null ? [] : this.outputs.get(at));
    this.results.forEach((button, number) => { button.classList.toggle("reached", outputs.has(number)); });
  }

  private step(by: number): void {
    this.stop();
    const count = this.demo.frames.length;
    this.show((this.shown + by + count) % count);
  }

  private toggle(): void {
    if (this.timer) {
      this.stop();
      return;
    }
    this.playing.textContent = "Pause";
    this.timer = setInterval(() => { this.show((this.shown + 1) % this.demo.frames.length); }, PAUSE);
  }

  /** Play no further. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.playing.textContent = "Play";
  }

  private pressed(event: KeyboardEvent): void {
    if (!this.element.isConnected) return; // the other step is shown
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") this.step(1);
    else if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === " " && !(event.target instanceof HTMLButtonElement)) this.toggle();
    else return;
    event.preventDefault();
  }
}

/** What a frame is called. */
function named(frame: Frame): string {
  const { channel, row, column } = place(frame.at);
  return frame.at.length > 2 ? `Output ${row},${column} of channel ${channel}` : `Output ${column} of channel ${channel}`;
}

/** The numbers under the kernel, a list for each channel. */
function multiplied(frame: Frame): HTMLElement[] {
  const channels = new Map<number, HTMLElement[]>();
  for (const term of frame.terms) {
    const { channel } = place(term.at);
    const text = term.factor === null
      ? written(term.value)
      : `${bracketed(term.value)}·${bracketed(term.factor)} = ${written(term.product)}`;
    channels.set(channel, [...(channels.get(channel) ?? []), h("li", {}, text)]);
  }
  return [...channels].map(([channel, items]) => h("div", {}, h("h3", {}, `channel ${channel}`), h("ul", {}, ...items)));
}

function bracketed(value: number): string {
  const text = written(value);
  return text.startsWith("−") ? `(${text})` : text;
}

/** Rows of columns; one row along one axis. */
function grid(channel: Nested): number[][] {
  const rows = channel as Nested[];
  return (Array.isArray(rows[0]) ? rows : [rows]) as number[][];
}

const element = document.getElementById("page");
const data = document.getElementById("data");
if (element && data) element.replaceWith(stepped(JSON.parse(data.textContent) as Demo));

/** The page of a layer, of one that is two steps one page for each. */
function stepped(demo: Demo): HTMLElement {
  if (!demo.then) return new Page(demo, demo.title, null).element;
  const pages: Page[] = [];
  const button = (name: string, from: number, to: number): HTMLElement =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(from === to),
        onclick: () => {
          pages[from]?.stop();
          if (pages[to] !== pages[from] && pages[to]) pages[from]?.element.replaceWith(pages[to].element);
          pages[to]?.element.querySelector<HTMLElement>("[aria-pressed=true]")?.focus();
        },
      },
      name,
    );
  for (const [number, step] of [demo, demo.then].entries()) {
    const buttons = h("div", { class: "steps", role: "group", "aria-label": "Steps" }, button("Step 1", number, 0), button("Step 2", number, 1));
    pages.push(new Page(step, demo.title, buttons));
  }
  return pages[0]?.element ?? h("main");
}
