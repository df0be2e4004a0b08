// Definitions beside what they define: shown on hover and focus, gone with Escape.

import { h } from "./dom";

const SPACE = 8;
let box: HTMLElement | undefined;

/** An element that says what it means when pointed at or focused. */
export function hinted<E extends HTMLElement>(element: E, text: string): E {
  if (!text) return element;
  const show = (): void => {
    place(element, text);
  };
  element.addEventListener("mouseenter", show);
  element.addEventListener("focus", show);
  element.addEventListener("mouseleave", hide);
  element.addEventListener("blur", hide);
  element.setAttribute("aria-description", text);
  return element;
}

function place(element: HTMLElement, text: string): void {
  box ??= made();
  box.textContent = text;
  box.hidden = false;
  const at = element.getBoundingClientRect();
  const own = box.getBoundingClientRect();
  const left = Math.min(Math.max(at.left, SPACE), innerWidth - own.width - SPACE);
  const below = at.bottom + SPACE + own.height < innerHeight;
  box.style.left = `${Math.max(left, SPACE)}px`;
  box.style.top = `${below ? at.bottom + SPACE : Math.max(at.top - own.height - SPACE, SPACE)}px`;
}

function made(): HTMLElement {
  const element = h("div", { class: "hint", role: "tooltip", hidden: true });
  document.body.append(element);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  addEventListener("scroll", hide, { capture: true, passive: true });
  return element;
}

function hide(): void {
  if (box) box.hidden = true;
}
