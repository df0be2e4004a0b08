// The report: networks with their figures, charts and findings.

import "./style.css";

import { changesSection } from "./changes";
import { Charts } from "./charts";
import { pageData, type Data, type Network } from "./data";
import { Details } from "./details";
import { h } from "./dom";
import { findingsSection } from "./finding";
import { header, scrolling } from "./header";
import { overview } from "./overview";
import { Graph } from "./graph";
import { detailsArePrinted } from "./print";
import { printedInColumns } from "./sheets";
import { Store } from "./state";
import { LayersTable } from "./table";

function start(): void {
  const data = pageData();
  const store = new Store();
  const place = document.getElementById("page");
  if (!place) return;
  place.replaceWith(...reportPage(data, store));
}

function reportPage(data: Data, store: Store): HTMLElement[] {
  const table = new LayersTable(data, store);
  const graph = new Graph(store);
  printedInColumns(graph, () => graph.tooLarge());
  const details = new Details(data, store);
  const charts = new Charts(data, store);
  const main = h("main", { id: "main" });
  const layers = h(
    "section",
    { id: "layers", "aria-labelledby": "layers-title" },
    h("h2", { id: "layers-title" }, "Layers"),
    h("div", { class: "explorer" }, graph.element, table.element, details.element),
  );
  const current = (): Network | undefined => data.networks[store.state.network] ?? data.networks[0];
  const show = (): void => {
    const network = current();
    if (!network) return;
    document.title = `${network.name} · convcalc`;
    main.replaceChildren(
      overview(data, network),
      layers,
      charts.element,
      findingsSection(data, network.check, store),
      ...(data.networks.length > 1 ? [changesSection(data, store)] : []),
    );
    const counted = network.check.diagnostics.length;
    for (const link of head.querySelectorAll('a[href="#findings"]')) link.textContent = counted ? `Findings (${counted})` : "Findings";
    details.show(network); // first, as the others are as wide as it leaves room for
    graph.show(network);
    table.show(network);
    charts.show(network);
  };
  const head = header(store, data, [
    ["overview", "Overview"],
    ["layers", "Layers"],
    ["charts", "Charts"],
    ["findings", "Findings"],
    ...(data.networks.length > 1 ? ([["changes", "Changes"]] as [string, string][]) : []),
  ]);
  store.listen((state, before) => {
    if (state.network !== before.network) show();
  });
  addEventListener("keydown", (event) => {
    shortcut(event, store);
  });
  queueMicrotask(show);
  return [h("a", { class: "skip", href: "#main", onclick: scrolling("main") }, "Skip to the report"), head, main];
}

/** / goes to the search, Escape closes the layer. */
function shortcut(event: KeyboardEvent, store: Store): void {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    const search = document.getElementById("find");
    search?.scrollIntoView({ block: "center" });
    search?.focus();
    event.preventDefault();
  } else if (event.key === "Escape" && !typing && store.state.layer) {
    store.set({ layer: "" });
  }
}

start();
detailsArePrinted();
