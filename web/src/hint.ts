// Definitions beside what they define: shown on hover and focus, gone with Escape.

import { h } from "./dom";

const SPACE = 8;
let box: HTMLElement | undefined;
let about: Element | undefined;

/** An element that says what it means when pointed at or focused. */
export function hinted<E extends HTMLElement>(element: E, text: string): E {
  if (!text) return element;
  const show = (): void => {
    showHint(element, element.getBoundingClientRect(), text);
  };
  element.addEventListener("mouseenter", show);
  element.addEventListener("focus", show);
  element.addEventListener("mouseleave", hideHint);
  element.addEventListener("blur", hideHint);
  element.setAttribute("aria-description", text);
  return element;
}

/** Show something about an element beside what stands there, in sight. */
export function showHint(element: Element, at: DOMRectReadOnly, ...says: (Node | string)[]): void {
  box ??= made();
  about = element;
  if (!box.isConnected) (document.querySelector("main") ?? document.body).append(box); // a landmark has all that is shown
  box.replaceChildren(...says);
  box.hidden = false;
  const own = box.getBoundingClientRect();
  const left = Math.min(Math.max(at.left, SPACE), innerWidth - own.width - SPACE);
  const below = at.bottom + SPACE + own.height < innerHeight;
  box.style.left = `${Math.max(left, SPACE)}px`;
  box.style.top = `${below ? at.bottom + SPACE : Math.max(at.top - own.height - SPACE, SPACE)}px`;
}

function made(): HTMLElement {
  const element = h("div", { class: "hint", role: "tooltip", hidden: true });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideHint();
  });
  const scrolled = (event: Event): void => {
    if (about && event.target instanceof Node && event.target.contains(about)) hideHint();
  };
  addEventListener("scroll", scrolled, { capture: true, passive: true });
  return element;
}

/** Hide it again. */
export function hideHint(): void {
  if (box) box.hidden = true;
}
