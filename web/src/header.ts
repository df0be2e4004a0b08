// What stands above a page: its name, what to choose, and where to go.

import type { Data } from "./data";
import { h } from "./dom";
import type { Store } from "./state";
import { themeButton, type Themed } from "./theme";

/** The head of a report, with links to its sections. */
export function header(store: Store, data: Data | null, sections: [string, string][]): HTMLElement {
  return top(store, data && data.networks.length > 1 ? picker(data, store) : null, sections);
}

/** The head of any page. */
export function top(store: Themed, chooser: HTMLElement | null, sections: [string, string][]): HTMLElement {
  const links = sections.map(([id, title]) => h("a", { href: `#${id}`, onclick: scrolling(id) }, title));
  return h(
    "header",
    { class: "top" },
    h("span", { class: "brand" }, "convcalc"),
    chooser,
    h("nav", { "aria-label": "Sections" }, ...links),
    themeButton(store),
  );
}

function picker(data: Data, store: Store): HTMLElement {
  const select = h(
    "select",
    { "aria-label": "Network", onchange: () => { store.set({ network: Number(select.value), fold: "", depth: "", toggled: new Set() }); } },
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
export function scrolling(id: string): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    const section = document.getElementById(id);
    section?.scrollIntoView();
    section?.setAttribute("tabindex", "-1");
    section?.focus({ preventScroll: true });
  };
}
