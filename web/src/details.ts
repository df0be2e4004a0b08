// One layer: its figures with their formulas, what it reads and what reads it.

import { fieldText, shapeText, type Data, type Explained, type Figure, type Layer, type Network } from "./data";
import { h, joined } from "./dom";
import { grouped, megabytes, type Count } from "./numbers";
import type { Store } from "./state";
import { kind } from "./table";

export class Details {
  readonly element = h("aside", { class: "details", "aria-label": "The chosen layer", tabindex: "-1" });
  private network: Network | undefined;

  constructor(
    private readonly data: Data,
    private readonly store: Store,
  ) {
    store.listen((state, before) => {
      if (state.layer !== before.layer && state.network === before.network) this.draw();
    });
  }

  show(network: Network): void {
    this.network = network;
    this.draw();
  }

  private draw(): void {
    const number = this.network?.numbers.get(this.store.state.layer);
    this.element.classList.toggle("empty", number === undefined);
    this.element.parentElement?.classList.toggle("detailed", number !== undefined);
    if (!this.network || number === undefined) {
      this.element.replaceChildren(
        h("p", {}, "Choose a layer, in the table or a chart, to see where its numbers come from."),
      );
      return;
    }
    const layer = this.network.layers.at(number);
    const explained = this.network.explanation(number);
    this.element.replaceChildren(
      h(
        "div",
        { class: "details-head" },
        h("h3", {}, layer.name),
        h("button", { type: "button", class: "quiet close", "aria-label": "Close", onclick: () => { this.store.set({ layer: "" }); } }, "×"),
      ),
      h("p", {}, kind(this.data, layer.kind)),
      explained?.does ? h("p", { class: "does" }, explained.does) : "",
      this.facts(this.network, number, layer),
      ...(explained ? [...letters(explained), ...formulas(explained)] : [this.plain(layer)]),
    );
    this.element.scrollTop = 0;
  }

  private facts(network: Network, number: number, layer: Layer): HTMLElement {
    const fields = Object.entries(layer.hyperparameters ?? {});
    const says = rowOf(network, number);
    const memory = network.runs.training.memory ?? network.runs.inference.memory;
    const live = memory?.layers[number];
    const facts: [string, (Node | string)[]][] = [
      ["Reads", nodes(joined(layer.inputs, (name) => this.link(network, name), ", "))],
      ["Read by", nodes(joined(network.readers(layer.name), (at) => this.link(network, network.names[at] ?? ""), ", "))],
      ["Output", [shapeText(layer.output)]],
      ["Fields", says ? [says] : fields.length ? ["as usual"] : []],
      ["Weights", [weights(layer)]],
      ["Line", layer.line === null ? [] : [String(layer.line)]],
      ["Origin", layer.origin ? [layer.origin] : []],
      ["Kept for backward", live && network.runs.training.memory ? [megabytes(live.kept)] : []],
      ["Live, forward", live ? [megabytes(live.live)] : []],
      ["Live, backward", live?.live_backward == null ? [] : [megabytes(live.live_backward)]],
    ];
    const listed = facts.filter(([, said]) => said.some((each) => each !== ""));
    return h("dl", { class: "facts" }, ...listed.flatMap(([name, said]) => [h("dt", {}, name), h("dd", {}, ...said)]));
  }

  private link(network: Network, name: string): Node {
    if (!network.numbers.has(name)) return h("span", {}, name);
    return h("button", { type: "button", class: "link", onclick: () => { this.store.set({ layer: name }); } }, name);
  }

  /** Its figures without formulas, and how to get these. */
  private plain(layer: Layer): HTMLElement {
    const figures: [string, Count | null | string][] = [
      ["Parameters", layer.parameters],
      ["MACs", layer.macs],
      ["Activations", layer.activations],
      ["Receptive field", fieldText(layer)],
    ];
    return h(
      "div",
      {},
      h("dl", { class: "facts" }, ...figures.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, typeof value === "string" ? value : value === null ? "?" : grouped(value))])),
      h("p", {}, "Formulas: ", h("code", {}, `convcalc explain ${this.network?.spec ?? ""} ${layer.name}`)),
    );
  }
}

function nodes(children: (Node | string | number | null | undefined | false)[]): (Node | string)[] {
  return children.filter((each): each is Node | string => each instanceof Node || typeof each === "string");
}

function rowOf(network: Network, number: number): string {
  for (let index = number; index < network.rows.length; index++) {
    const row = network.rows.at(index);
    if (!row.heading && row.at === number) return row.says;
  }
  return "";
}

function weights(layer: Layer): string {
  const shapes = Object.entries({ ...layer.weights, ...layer.buffer_shapes });
  const said = shapes.map(([name, shape]) => `${name} ${shape.join("×") || "1"}`).join(", ");
  return said && layer.shared_with ? `${said}, those of ${layer.shared_with}` : said;
}

function letters(explained: Explained): HTMLElement[] {
  const said = Object.entries(explained.letters);
  if (!said.length) return [];
  return [h("p", { class: "letters" }, ...said.map(([letter, value]) => h("span", {}, `${letter} = ${grouped(value)}`)))];
}

/** The figures by what they are about, each from letters to numbers to what it comes to. */
function formulas(explained: Explained): HTMLElement[] {
  const parts = new Map<string, Figure[]>();
  for (const figure of explained.figures) {
    const listed = parts.get(figure.part);
    if (listed) listed.push(figure);
    else parts.set(figure.part, [figure]);
  }
  const sections = [...parts].map(([part, figures]) =>
    h("div", { class: "figures" }, h("h4", {}, part), h("dl", {}, ...figures.flatMap((figure) => [h("dt", {}, figure.of), h("dd", {}, ...steps(figure))]))),
  );
  const said = [...(explained.grouping ? [explained.grouping] : []), ...explained.says];
  return [...sections, ...said.map((sentence) => h("p", { class: "says" }, sentence))];
}

function steps(figure: Figure): HTMLElement[] {
  const { value, unit } = figure;
  const result = value === null ? "?" : typeof value === "string" ? value : grouped(value);
  const said = [...new Set([figure.formula, figure.filled].filter((step) => step && step !== result))];
  return [
    ...said.map((step) => h("span", { class: "step" }, step)),
    h("strong", {}, unit ? `${result} ${unit}` : result),
    ...(figure.note ? [h("span", { class: "note" }, figure.note)] : []),
  ];
}
