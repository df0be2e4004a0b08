// Light, dark, or as the system has it; and the colours that charts take from the style.

import { h } from "./dom";

const NEXT: Record<string, string> = { "": "light", light: "dark", dark: "" };
const TITLES: Record<string, string> = { "": "Theme: system", light: "Theme: light", dark: "Theme: dark" };

/** The state of any page, of which this is a part. */
export interface Themed {
  readonly state: { theme: string };
  listen(listener: (state: { theme: string }, before: { theme: string }) => void): void;
  set(change: { theme: string }): void;
}

/** The button that goes through the themes. */
export function themeButton(store: Themed): HTMLElement {
  const button = h("button", { type: "button", class: "quiet theme", onclick: () => { store.set({ theme: NEXT[store.state.theme] ?? "" }); } });
  const apply = (theme: string): void => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    button.textContent = TITLES[theme] ?? "Theme: system";
  };
  apply(store.state.theme);
  store.listen((state, before) => {
    if (state.theme !== before.theme) apply(state.theme);
  });
  return button;
}

/** A colour or font of the style, by its name there. */
export function styled(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Be told when colours change, by the button, the system or for print. */
export function onTheme(store: Themed, changed: () => void): void {
  store.listen((state, before) => {
    if (state.theme !== before.theme) changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}
