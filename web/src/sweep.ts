// The page of a sweep: the front as a picture, and the tables of the front and of the best.

import "./style.css";
import "./sweep.css";

import { DesignsTable } from "./designs";
import { h } from "./dom";
import { Front, type Raw } from "./front";
import { top } from "./header";
import { Kept } from "./kept";
import { Plot } from "./plot";
import { frontForm, Pointed } from "./sweepstate";

function start(): void {
  const place = document.getElementById("page");
  if (!place) return;
  const front = new Front(JSON.parse(document.getElementById("data")?.textContent ?? "") as Raw);
  const names = [...front.columns, front.count].map(({ name }) => name);
  const store = new Kept(frontForm(names), "design");
  const pointed = new Pointed();
  const tables = front.tables.map((table) => new DesignsTable(front, table, store, pointed));
  const enter = (): void => {
    const chosen = front.network(store.state.design);
    tables.find((table) => table.has(chosen))?.focus();
  };
  const plot = front.goals.length ? new Plot(front, store, pointed, enter) : null;
  document.body.prepend(top(store, null, []));
  const page = h("div", { class: plot ? "front plotted" : "front" }, plot?.element ?? null, h("div", { class: "tables" }, ...tables.map(({ element }) => element)));
  place.replaceWith(page);
  for (const table of tables) table.show();
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && store.state.design) store.set({ design: "" });
  });
}

start();
