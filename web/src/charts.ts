// Charts of a network, drawn when they come into sight.

import { BarChart, LineChart, ScatterChart, TreemapChart } from "echarts/charts";
import { AriaComponent, DataZoomInsideComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, MarkPointComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

import type { Data, Network } from "./data";
import { h } from "./dom";
import { byLayer, fieldByDepth, intensity, liveMemory, treemap, type Drawing, type Measure } from "./drawings";
import { memoryTables } from "./memory";
import { onPrint } from "./print";
import type { Store } from "./state";
import { onTheme } from "./theme";

use([BarChart, LineChart, ScatterChart, TreemapChart, AriaComponent, DataZoomInsideComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, MarkPointComponent, TooltipComponent, SVGRenderer]);

export const MEASURES: Record<Measure, string> = {
  parameters: "Parameters",
  macs: "MACs",
  memory: "Activation bytes",
};

/** The size of a chart on paper: as wide as A4 between margins of 10 mm. */
const SHEET = { width: 718, height: 260 };

interface Figure {
  place: HTMLElement;
  draw: (network: Network) => Drawing | null;
  chart: EChartsType | null;
  stale: boolean;
  sight: boolean;
}

export class Charts {
  readonly element: HTMLElement;
  private readonly figures: Figure[] = [];
  private readonly peak = h("div", { class: "peak" });
  private network: Network | undefined;
  private printing = false;

  constructor(
    private readonly data: Data,
    private readonly store: Store,
  ) {
    const measure = this.select("measure", "Measure", Object.entries(MEASURES));
    const run = this.select("run", "Run", [["training", "a training step"], ["inference", "inference"]]);
    this.element = h(
      "section",
      { id: "charts", "aria-labelledby": "charts-title" },
      h("div", { class: "titled" }, h("h2", { id: "charts-title" }, "Charts"), h("label", {}, "Measure ", measure)),
      h(
        "div",
        { class: "charts" },
        this.figure("By layer", "wide", (network) => byLayer(this.data, network, this.measure())),
        this.figure("By block", "", (network) => treemap(this.data, network, this.measure())),
        this.figure("Multiply-accumulates against bytes", "", (network) => intensity(this.data, network)),
        h("div", { class: "titled wide" }, h("h3", {}, "Live memory"), h("label", {}, "of ", run)),
        this.figure("", "wide", (network) => liveMemory(network, this.run())),
        this.peak,
        this.figure("Receptive field against depth", "wide", (network) => fieldByDepth(network)),
      ),
    );
    store.listen((state, before) => {
      if (state.measure !== before.measure || state.run !== before.run) this.refresh();
      if (state.run !== before.run) this.tables();
      if (state.layer !== before.layer) this.refresh();
    });
    onTheme(store, () => {
      this.refresh();
    });
    onPrint((on) => {
      this.print(on);
    });
  }

  show(network: Network): void {
    this.network = network;
    this.tables();
    this.refresh();
  }

  private measure(): Measure {
    const { measure } = this.store.state;
    return measure in MEASURES ? (measure as Measure) : "parameters";
  }

  private run(): "inference" | "training" {
    return this.store.state.run === "inference" ? "inference" : "training";
  }

  private tables(): void {
    if (this.network) {
      this.peak.replaceChildren(...memoryTables(this.data, this.network.spec, this.network.runs[this.run()], (layer) => { this.choose(layer); }));
    }
  }

  private choose(layer: string): void {
    if (this.network?.numbers.has(layer)) this.store.set({ layer });
  }

  private select(name: "measure" | "run", title: string, options: [string, string][]): HTMLSelectElement {
    const select = h(
      "select",
      { "aria-label": title, onchange: () => { this.store.set({ [name]: select.value }); } },
      ...options.map(([value, text]) => h("option", { value }, text)),
    );
    const follow = (): void => {
      select.value = this.store.state[name];
    };
    follow();
    this.store.listen(follow);
    return select;
  }

  private figure(title: string, kind: string, draw: Figure["draw"]): HTMLElement {
    const place = h("div", { class: "chart" });
    const figure: Figure = { place, draw, chart: null, stale: true, sight: false };
    this.figures.push(figure);
    new IntersectionObserver(
      (seen) => {
        figure.sight = seen.some((each) => each.isIntersecting);
        if (figure.sight) this.drawn(figure);
      },
      { rootMargin: "300px" },
    ).observe(place);
    new ResizeObserver(() => {
      if (!this.printing) figure.chart?.resize();
    }).observe(place);
    return h("figure", { class: kind }, title ? h("figcaption", {}, title) : null, place);
  }

  /** Draw all charts, in light, as large as they are on a sheet; and again as before. */
  private print(on: boolean): void {
    this.printing = on;
    const { dataset } = document.documentElement;
    const { theme } = this.store.state;
    if (on || theme) dataset.theme = on ? "light" : theme;
    else delete dataset.theme;
    this.refresh();
    for (const figure of this.figures) {
      if (on) this.drawn(figure);
      figure.chart?.resize(on ? SHEET : { width: "auto", height: "auto" });
      if (on) scalable(figure);
    }
  }

  private refresh(): void {
    for (const figure of this.figures) {
      figure.stale = true;
      figure.place.parentElement?.removeAttribute("hidden"); // or it would never come into sight
      if (figure.sight) this.drawn(figure);
    }
  }

  private drawn(figure: Figure): void {
    if (!figure.stale || !this.network) return;
    figure.stale = false;
    const drawing = figure.draw(this.network);
    const parent = figure.place.parentElement;
    if (parent) parent.hidden = drawing === null;
    if (!drawing) return;
    figure.place.setAttribute("role", "img");
    figure.place.setAttribute("aria-label", drawing.says);
    if (!figure.chart) {
      figure.chart = init(figure.place, null, { renderer: "svg" });
      figure.chart.on("click", (event) => {
        const layer = figure.chart ? layerOf(event) : "";
        if (layer) this.choose(layer);
      });
    }
    figure.chart.setOption({ animation: false, ...drawing.option }, { notMerge: true });
  }
}

/** Draw a chart now, not with the next frame, which paper does not wait for; it scales to any sheet. */
function scalable({ chart, place }: Figure): void {
  chart?.getZr().flush();
  place.querySelector("svg")?.setAttribute("viewBox", `0 0 ${SHEET.width} ${SHEET.height}`);
}

/** The layer that a mark on a chart is about. */
function layerOf(event: { data?: unknown }): string {
  const { data } = event;
  return data && typeof data === "object" && "layer" in data ? String(data.layer) : "";
}
