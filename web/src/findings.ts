// What `check` found, in any number of specs.

import "./style.css";

import { pageData } from "./data";
import { h } from "./dom";
import { findings } from "./finding";
import { header } from "./header";
import { Store } from "./state";

const store = new Store();
const { check } = pageData();
if (check) {
  const title = h("h1", { id: "title" }, "Findings");
  const section = h("section", { "aria-labelledby": "title" }, title, findings(check, null));
  document.getElementById("page")?.replaceWith(header(store, null, []), h("main", {}, section));
}
