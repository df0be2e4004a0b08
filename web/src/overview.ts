// What a network is and takes, in a few numbers with their definitions.

import { shapeText, type Data, type Network, type Tensor } from "./data";
import { h, joined } from "./dom";
import { hinted } from "./hint";
import { bothBytes, grouped, megabytes, plural, scaled, type Count } from "./numbers";

interface Card {
  title: string;
  large: string;
  exact: string;
  beside: string;
  means: string;
}

export function overview(data: Data, network: Network): HTMLElement {
  const examples = network.batch > 1 ? plural(network.batch, "example") : "one example";
  return h(
    "section",
    { id: "overview", "aria-labelledby": "title" },
    h("h1", { id: "title" }, network.name),
    h(
      "p",
      { class: "ends" },
      ends(network.inputs),
      h("span", { "aria-label": "to", role: "img" }, " → "),
      ends(network.outputs),
      h("span", { class: "terms" }, `${examples}, ${network.dtype}`),
      h("code", {}, network.spec),
    ),
    network.totals.complete
      ? null
      : h("p", { class: "incomplete" }, "Errors keep some layers unknown: totals are lower bounds."),
    h("dl", { class: "cards" }, ...cards(data, network).map(card)),
  );
}

function ends(tensors: Tensor[]): HTMLElement {
  if (!tensors.length) return h("span", { class: "shape" }, "?");
  const many = tensors.length > 1;
  return h(
    "span",
    { class: "shape" },
    ...joined(tensors, (each) => (many ? `${each.name} ${shapeText(each.shape)}` : shapeText(each.shape)), ", "),
  );
}

function card(one: Card): HTMLElement {
  const title = h("button", { type: "button", class: "term" }, one.title);
  return h(
    "div",
    { class: "card" },
    h("dt", {}, one.means ? hinted(title, one.means) : one.title),
    h("dd", {}, h("strong", {}, one.large), h("span", {}, one.exact), one.beside ? h("span", {}, one.beside) : null),
  );
}

function cards(data: Data, network: Network): Card[] {
  const { totals } = network;
  const bound = totals.complete ? "" : "at least ";
  const counted = (title: string, name: string, value: Count | null, unit: string, beside: string): Card => ({
    title,
    large: value === null ? "?" : scaled(value),
    exact: value === null ? "" : `${bound}${grouped(value)}${unit}`,
    beside,
    means: data.definition(name),
  });
  const size = (value: Count | null): string => (value === null ? "" : bothBytes(value));
  const listed = [
    counted("Parameters", "parameters", totals.parameters, "", size(totals.parameter_bytes)),
    ...(totals.buffers ? [counted("Buffers", "buffers", totals.buffers, "", size(totals.buffer_bytes))] : []),
    counted("MACs", "macs", totals.macs, "", totals.flops === null ? "" : `${grouped(totals.flops)} FLOPs`),
    counted("Activations", "activations", totals.activations, "", size(totals.activation_bytes)),
  ];
  for (const [name, title, means] of [
    ["inference", "Inference", data.definition("inference")],
    ["training", "Training step", `${data.definition("memory.peak")}: ${data.definition("memory.backward peak")}.`],
  ] as const) {
    const { memory, refused } = network.runs[name];
    const peak = memory?.memory.peak;
    const beside = memory && name === "training" ? `${String(memory.terms.optimizer)}, at ${memory.memory.peak_layer}` : "";
    listed.push({
      title: `${title} peak`,
      large: peak === undefined ? "?" : megabytes(peak),
      exact: peak === undefined ? (refused[0] ?? "") : `${grouped(peak)} B`,
      beside: beside || (memory ? `at ${memory.memory.peak_layer}` : ""),
      means,
    });
  }
  return listed;
}
