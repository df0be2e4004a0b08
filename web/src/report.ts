// The report: networks with their figures, charts and findings.

import "./style.css";

import { changesSection } from "./changes";
import { Charts } from "./charts";
import { pageData, type Data, type Network } from "./data";
import { Details } from "./details";
import { h } from "./dom";
import { findings, findingsSection } from "./findings";
import { overview } from "./overview";
import { Store } from "./state";
import { LayersTable } from "./table";
import { themeButton } from "./theme";

function start(): void {
  const data = pageData();
  const store = new Store();
  const place = document.getElementById("page");
  if (!place) return;
  if (data.check) {
    place.replaceWith(checkPage(data, store));
  } else {
    place.replaceWith(...reportPage(data, store));
  }
}

/** What `check` found, in any number of specs. */
function checkPage(data: Data, store: Store): HTMLElement {
  const check = data.check ?? { files: [], promises_not_looked_at: 0, diagnostics: [], lines: [], layers: [] };
  return h(
    "div",
    { class: "page" },
    header(store, null, []),
    h("main", {}, h("section", { id: "findings", "aria-labelledby": "title" }, h("h1", { id: "title" }, "Findings"), findings(check, null))),
  );
}

function reportPage(data: Data, store: Store): HTMLElement[] {
  const table = new LayersTable(data, store);
  const details = new Details(data, store);
  const charts = new Charts(data, store);
  const main = h("main", { id: "main" });
  const layers = h(
    "section",
    { id: "layers", "aria-labelledby": "layers-title" },
    h("h2", { id: "layers-title" }, "Layers"),
    h("div", { class: "explorer" }, table.element, details.element),
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
    table.show(network);
    details.show(network);
    charts.show(network);
  };
  const found = (): number => current()?.check.diagnostics.length ?? 0;
  const head = header(store, data, [
    ["overview", "Overview"],
    ["layers", "Layers"],
    ["charts", "Charts"],
    ["findings", `Findings (${found()})`],
    ...(data.networks.length > 1 ? ([["changes", "Changes"]] as [string, string][]) : []),
  ]);
  store.listen((state, before) => {
    if (state.network !== before.network) show();
  });
  addEventListener("keydown", (event) => {
    shortcut(event, store);
  });
  queueMicrotask(show);
  return [h("a", { class: "skip", href: "#main", onclick: skipTo("main") }, "Skip to the report"), head, main];
}

/** What stands above a page: its name, what to choose, and where to go. */
function header(store: Store, data: Data | null, sections: [string, string][]): HTMLElement {
  const links = sections.map(([id, title]) => h("a", { href: `#${id}`, onclick: skipTo(id) }, title));
  return h(
    "header",
    { class: "top" },
    h("span", { class: "brand" }, "convcalc"),
    data && data.networks.length > 1 ? picker(data, store) : null,
    h("nav", { "aria-label": "Sections" }, ...links),
    themeButton(store),
  );
}

function picker(data: Data, store: Store): HTMLElement {
  const select = h(
    "select",
    { "aria-label": "Network", onchange: () => { store.set({ network: Number(select.value), toggled: new Set() }); } },
    ...data.networks.map((network) => h("option", { value: network.index }, `${network.name} (${network.spec})`)),
  );
  const choose = (): void => {
    select.value = String(store.state.network);
  };
  choose();
  store.listen(choose);
  return select;
}

/** Go to a section: the fragment is the state's, so the link must not change it. */
function skipTo(id: string): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    const section = document.getElementById(id);
    section?.scrollIntoView();
    section?.setAttribute("tabindex", "-1");
    section?.focus({ preventScroll: true });
  };
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
