// The demo of a layer: its windows one by one, what each output is made of, and what a value goes into.

import "./demo.css";

import { h } from "./dom";
import { extents, filter, key, place, readers, slices, written, type Demo, type Frame } from "./frames";

const PAUSE = 1100; // milliseconds that a frame is shown while it plays

class Page {
  readonly element: HTMLElement;
  private readonly outputs: Map<string, number[]>;
  private readonly input = new Map<string, HTMLElement>();
  private readonly results: HTMLElement[] = [];
  private readonly filters: { channel: number; box: HTMLElement; cells: Map<string, HTMLElement>; deep: Map<number, HTMLElement[]> }[] = [];
  private readonly sum = h("p", { class: "sum", "aria-live": "polite" });
  private readonly products = h("div", { class: "products" });
  private readonly inputDepth: Depth;
  private readonly outputDepth: Depth;
  private readonly slider: HTMLInputElement;
  private readonly playing: HTMLButtonElement;
  private shown = 0;
  private started = false;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly demo: Demo,
    private readonly title: string,
    steps: HTMLElement | null,
  ) {
    this.outputs = readers(demo.frames);
    this.inputDepth = new Depth("Depth of the input", () => { this.show(this.shown); });
    this.outputDepth = new Depth("Depth of the output", (depth) => { this.goto(depth); });
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

  /** The input, a grid for each channel, with its padding; along three axes for each slice of it. */
  private volume(): HTMLElement {
    const padded = new Map<string, number>();
    for (const frame of this.demo.frames) for (const term of frame.terms) padded.set(key(term.at), term.value);
    const none: [number, number] = [0, 0];
    const [depthSides = none, rowSides = none, columnSides = none] = [none, none, ...this.demo.padding].slice(-3);
    const grids = this.demo.x.flatMap((channel, number) => {
      const deep = slices(channel);
      return counted(-depthSides[0], deep.length + depthSides[1]).map((depth) => {
        const rows = deep[depth];
        const [high, wide] = [deep[0]?.length ?? 0, deep[0]?.[0]?.length ?? 0];
        const lines = counted(-rowSides[0], high + rowSides[1]).map((row) => {
          const cells = counted(-columnSides[0], wide + columnSides[1]).map((column) => {
            const at = `${number},${depth},${row},${column}`;
            const own = rows?.[row]?.[column];
            const value = own ?? padded.get(at);
            const cell = h("td", { class: own === undefined ? "padding" : "" }, value === undefined ? "" : written(value));
            cell.addEventListener("pointerenter", () => { this.mark(at); });
            cell.addEventListener("pointerleave", () => { this.mark(null); });
            this.input.set(at, cell);
            return cell;
          });
          return h("tr", {}, ...cells);
        });
        return this.inputDepth.of(depth, h("table", {}, h("caption", {}, `channel ${number}`), ...lines));
      });
    });
    return h("section", { class: "input", "aria-labelledby": "input" }, h("h2", { id: "input" }, "Input"), this.inputDepth.chooser(), ...grids);
  }

  /** The filters, a grid for each of their channels; those of the shown output's channel stand out. */
  private weights(): HTMLElement | null {
    const channels = new Set(this.demo.frames.map((frame) => frame.at[0] ?? 0));
    const sections = [...channels].flatMap((channel) => {
      const weights = filter(this.demo.frames, channel);
      if (!weights.size || this.demo.kind === "upsample") return [];
      const size = extents(weights.keys());
      const cells = new Map<string, HTMLElement>();
      const deep = new Map<number, HTMLElement[]>();
      const tables = counted(0, size.channels).flatMap((own) =>
        counted(0, size.depths).map((depth) => {
          const lines = counted(0, size.rows).map((row) =>
            h(
              "tr",
              {},
              ...counted(0, size.columns).map((column) => {
                const at = `${own},${depth},${row},${column}`;
                const cell = h("td", {}, written(weights.get(at) ?? 0));
                cells.set(at, cell);
                return cell;
              }),
            ),
          );
          const slice = size.depths > 1 ? `, depth ${depth}` : "";
          const table = h("table", {}, h("caption", {}, `channel ${own}${slice}`), ...lines);
          deep.set(depth, [...(deep.get(depth) ?? []), table]);
          return table;
        }),
      );
      const added = this.demo.frames.find((frame) => frame.at[0] === channel)?.added ?? {};
      const bias = Object.entries(added).map(([name, value]) => h("p", { class: "bias" }, `${name} = ${written(value)}`));
      const box = h("div", { class: "filter" }, h("h3", {}, `Filter ${channel}`), ...tables, ...bias);
      this.filters.push({ channel, box, cells, deep });
      return [box];
    });
    if (!sections.length) return null;
    return h("section", { class: "filters", "aria-labelledby": "filters" }, h("h2", { id: "filters" }, "Filters"), h("div", {}, ...sections));
  }

  /** The output, each value a button that shows what it is made of. */
  private result(): HTMLElement {
    const number = new Map(this.demo.frames.map((frame, at) => [key(frame.at), at]));
    const grids = this.demo.output.flatMap((channel, own) =>
      slices(channel).map((rows, depth, all) => {
        const lines = rows.map((values, row) =>
          h(
            "tr",
            {},
            ...values.map((value, column) => {
              const at = number.get(`${own},${depth},${row},${column}`) ?? 0;
              const deep = all.length > 1 ? `depth ${depth}, ` : "";
              const button = h(
                "button",
                {
                  type: "button",
                  "aria-label": `channel ${own}, ${deep}row ${row}, column ${column}: ${written(value)}`,
                  onclick: () => { this.stop(); this.show(at); },
                  onpointerenter: () => { if (!this.timer) this.show(at); },
                },
                written(value),
              );
              this.results[at] = button;
              return h("td", {}, button);
            }),
          ),
        );
        return this.outputDepth.of(depth, h("table", {}, h("caption", {}, `channel ${own}`), ...lines));
      }),
    );
    return h("section", { class: "output", "aria-labelledby": "output" }, h("h2", { id: "output" }, "Output"), this.outputDepth.chooser(), ...grids);
  }

  /** Show the output at another depth, else where the shown one is. */
  private goto(depth: number): void {
    const now = this.demo.frames[this.shown];
    if (!now) return;
    const to = key([now.at[0] ?? 0, depth, ...now.at.slice(2)]);
    this.stop();
    this.show(Math.max(this.demo.frames.findIndex((frame) => key(frame.at) === to), 0));
  }

  /** Show an output by its number: its window, its weights, and its products. */
  private show(number: number): void {
    const frame = this.demo.frames[number];
    if (!frame) return;
    const before = this.started ? this.shown : -1;
    this.started = true;
    this.shown = number;
    this.slider.value = String(number);
    this.slider.setAttribute("aria-valuetext", named(frame));
    const deep = [...new Set(frame.terms.map((term) => place(term.at).depth))].sort((one, other) => one - other);
    if (!deep.includes(this.inputDepth.shown) && deep.length && before !== number) this.inputDepth.show(deep[Math.floor(deep.length / 2)] ?? 0);
    this.outputDepth.show(place(frame.at).depth);
    for (const cell of this.input.values()) cell.classList.remove("seen", "winner");
    for (const term of frame.terms) this.input.get(key(term.at))?.classList.add("seen");
    if (frame.winner) this.input.get(key(frame.winner))?.classList.add("winner");
    this.results.forEach((button, at) => {
      button.classList.toggle("shown", at === number);
      if (at === number) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    const taps = frame.terms.filter((term) => place(term.at).depth === this.inputDepth.shown);
    const tap = place(taps[0]?.weight ?? []).depth; // the slice of a filter that lies on the shown one
    for (const { channel, box, cells, deep } of this.filters) {
      box.classList.toggle("shown", channel === frame.at[0]);
      for (const [depth, tables] of deep) for (const table of tables) table.hidden = depth !== tap;
      for (const cell of cells.values()) cell.classList.remove("used");
      if (channel !== frame.at[0]) continue;
      for (const term of frame.terms) {
        const cell = term.weight && cells.get(key(term.weight));
        if (!cell || term.factor === null) continue;
        cell.classList.toggle("used", place(term.at).depth === this.inputDepth.shown);
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
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") this.step(1);
    else if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === " " && !(event.target instanceof HTMLButtonElement)) this.toggle();
    else return;
    event.preventDefault();
  }
}

/** What a frame is called. */
function named(frame: Frame): string {
  const [channel = 0, ...axes] = frame.at;
  return `Output ${axes.join(",")} of channel ${channel}`;
}

/** The numbers under the kernel, a list for each channel, along three axes for each slice of it. */
function multiplied(frame: Frame): HTMLElement[] {
  const channels = new Map<string, HTMLElement[]>();
  for (const term of frame.terms) {
    const at = place(term.at);
    const channel = `channel ${at.channel}${frame.at.length > 3 ? `, depth ${written(at.depth)}` : ""}`;
    const text = term.factor === null
      ? written(term.value)
      : `${bracketed(term.value)}·${bracketed(term.factor)} = ${written(term.product)}`;
    channels.set(channel, [...(channels.get(channel) ?? []), h("li", {}, text)]);
  }
  return [...channels].map(([channel, items]) => h("div", {}, h("h3", {}, channel), h("ul", {}, ...items)));
}

function bracketed(value: number): string {
  const text = written(value);
  return text.startsWith("−") ? `(${text})` : text;
}

/** Whole numbers from one up to, not including, another. */
function counted(from: number, to: number): number[] {
  return Array.from({ length: Math.max(to - from, 0) }, (_, step) => from + step);
}

/** Grids at several depths, of which those at one are shown. */
class Depth {
  shown = 0;
  private readonly grids = new Map<number, HTMLElement[]>();
  private readonly select: HTMLSelectElement;

  constructor(title: string, chosen: (depth: number) => void) {
    this.select = h("select", { "aria-label": title });
    this.select.addEventListener("change", () => {
      this.show(Number(this.select.value));
      chosen(this.shown);
    });
  }

  /** Have a grid at a depth. */
  of(depth: number, grid: HTMLElement): HTMLElement {
    const there = this.grids.get(depth);
    if (there) there.push(grid);
    else {
      this.grids.set(depth, [grid]);
      this.select.append(h("option", { value: depth }, written(depth)));
    }
    grid.hidden = depth !== this.shown;
    return grid;
  }

  /** What chooses the depth; null where there is one only. */
  chooser(): HTMLElement | null {
    this.select.value = String(this.shown);
    return this.grids.size > 1 ? h("label", { class: "depth" }, "Depth ", this.select) : null;
  }

  show(depth: number): void {
    this.shown = depth;
    this.select.value = String(depth);
    for (const [at, grids] of this.grids) for (const grid of grids) grid.hidden = at !== depth;
  }
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
