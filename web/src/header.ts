// What stands above a page: its name, what to choose, and where to go.

import type { Data } from "./data";
import { h } from "./dom";
import type { Store } from "./state";
import { themeButton } from "./theme";

/** The head of a page, with links to its sections. */
export function header(store: Store, data: Data | null, sections: [string, string][]): HTMLElement {
  const links = sections.map(([id, title]) => h("a", { href: `#${id}`, onclick: scrolling(id) }, title));
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
