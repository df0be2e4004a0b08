// What is chosen on the page of a sweep, and which network is pointed at.

import type { Form } from "./kept";

export interface FrontState {
  /** The number of the design that is chosen, the first one that gives its network. */
  design: string;
  /** The columns that the table of the front and that of the best are sorted by, "-" before them for the largest first. */
  sort: string;
  best: string;
  /** The goals along the sides of the picture. */
  across: string;
  up: string;
  /** "light", "dark", or as the system has it. */
  theme: string;
}

const NAMES = ["design", "sort", "best", "across", "up", "theme"] as const;

/** How a state is a fragment, where there are these columns. */
export function frontForm(columns: readonly string[]): Form<FrontState> {
  return {
    read(fragment) {
      const given = new URLSearchParams(fragment.replace(/^#/, ""));
      const state: FrontState = { design: "", sort: "", best: "", across: "", up: "", theme: "" };
      for (const name of NAMES) state[name] = given.get(name) ?? "";
      for (const name of ["sort", "best"] as const) {
        if (!columns.includes(state[name].replace(/^-/, ""))) state[name] = "";
      }
      return state;
    },
    written(state) {
      const said = new URLSearchParams();
      for (const name of NAMES) if (state[name]) said.set(name, state[name]);
      return said.toString();
    },
  };
}

/** Where somebody points: at the picture, or at a table. */
export type By = "plot" | "table";

/** The network that somebody points at; who listens is told of every other one. */
export class Pointed {
  at = -1;
  private readonly listeners: ((network: number, by: By) => void)[] = [];

  listen(listener: (network: number, by: By) => void): void {
    this.listeners.push(listener);
  }

  set(network: number, by: By = "table"): void {
    if (network === this.at) return;
    this.at = network;
    for (const listener of this.listeners) listener(network, by);
  }
}
