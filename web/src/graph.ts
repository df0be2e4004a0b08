// The graph of a network: as deep as asked for, as large as asked for, in step with the table.

import type { Network } from "./data";
import { h } from "./dom";
import type { State, Store } from "./state";

const CLOSER = 1.25;
const LEAST = 0.1;
const MOST = 4;

export class Graph {
  readonly element: HTMLElement;
  private readonly place = h("div", { class: "picture", tabindex: 0, role: "region", "aria-label": "Graph" });
  private readonly less: HTMLButtonElement;
  private readonly more: HTMLButtonElement;
  private network: Network | undefined;
  private shown = -1;
  private zoom = 1;

  constructor(private readonly store: Store) {
    const button = (title: string, text: string, act: () => void): HTMLButtonElement =>
      h("button", { type: "button", class: "quiet", title, "aria-label": title, onclick: act }, text);
    this.less = button("Fold the innermost groups", "Fold", () => { this.deepen(-1); });
    this.more = button("Unfold groups", "Unfold", () => { this.deepen(1); });
    this.element = h(
      "div",
      { class: "picture-pane" },
      h(
        "div",
        { class: "bar" },
        h("span", {}, this.less, this.more),
        h(
          "span",
          {},
          button("Smaller", "−", () => { this.scale(this.zoom / CLOSER); }),
          button("As wide as there is room", "Fit", () => { this.fit(); }),
          button("Larger", "+", () => { this.scale(this.zoom * CLOSER); }),
        ),
      ),
      this.place,
    );
    this.place.addEventListener("click", (event) => { this.click(event); });
    this.place.addEventListener("wheel", (event) => { this.wheel(event); }, { passive: false });
    store.listen((state, before) => {
      if (state.network === before.network) this.update(state, before);
    });
  }

  show(network: Network): void {
    this.network = network;
    this.shown = -1;
    this.element.hidden = network.pictures.length === 0;
    if (this.element.hidden) return;
    this.draw(this.depth());
    this.fit();
    this.mark(true);
  }

  private update(state: State, before: State): void {
    if (state.depth !== before.depth) this.draw(this.depth());
    if (state.layer !== before.layer || state.depth !== before.depth) this.mark(true);
  }

  /** Which of the pictures the state asks for. */
  private depth(): number {
    const pictures = this.network?.pictures ?? [];
    const asked = pictures.findIndex((picture) => String(picture.depth) === this.store.state.depth);
    return asked < 0 ? (this.network?.firstPicture ?? 0) : asked;
  }

  private deepen(by: number): void {
    this.go((this.network?.pictures ?? [])[this.depth() + by]?.depth);
  }

  private go(depth: number | undefined): void {
    if (depth === undefined) return;
    const first = this.network?.pictures[this.network.firstPicture]?.depth;
    this.store.set({ depth: depth === first ? "" : String(depth) });
  }

  private draw(index: number): void {
    const picture = this.network?.pictures[index];
    if (!picture || index === this.shown) return;
    this.shown = index;
    this.place.replaceChildren(picture.element());
    this.less.disabled = index === 0;
    this.more.disabled = index === (this.network?.pictures.length ?? 0) - 1;
    this.scale(this.zoom);
  }

  private get svg(): SVGSVGElement | null {
    return this.place.querySelector("svg");
  }

  /** How large it is shown; what is in the middle stays there. */
  private scale(zoom: number): void {
    const { svg, place } = this;
    if (!svg) return;
    const { width, height } = svg.viewBox.baseVal;
    const middle = place.scrollHeight ? (place.scrollTop + place.clientHeight / 2) / place.scrollHeight : 0;
    this.zoom = Math.min(Math.max(zoom, LEAST), MOST);
    svg.style.width = `${width * this.zoom}px`;
    svg.style.height = `${height * this.zoom}px`;
    place.scrollTop = middle * place.scrollHeight - place.clientHeight / 2;
  }

  private fit(): void {
    const width = this.svg?.viewBox.baseVal.width ?? 0;
    const room = this.place.clientWidth;
    this.scale(width && room ? Math.min(room / width, 1) : 1);
    this.place.scrollTop = 0;
  }

  private wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.scale(this.zoom * (event.deltaY < 0 ? CLOSER : 1 / CLOSER));
  }

  /** A layer is chosen; a folded group is opened, and an open one folded. */
  private click(event: MouseEvent): void {
    if (getSelection()?.toString()) return; // somebody selects a text
    const part = event.target instanceof Element ? event.target.closest("[data-key]") : null;
    const key = part?.getAttribute("data-key");
    const { network } = this;
    if (!network || key === null || key === undefined) return;
    if (network.numbers.has(key)) {
      this.store.set({ layer: key });
    } else {
      const folded = network.pictures[this.shown]?.shows.has(key) ?? false;
      this.turn(key, folded);
    }
  }

  /** Go to the next depth at which a group is open, or is folded, and keep it in sight. */
  private turn(group: string, open: boolean): void {
    const pictures = this.network?.pictures ?? [];
    const step = open ? 1 : -1;
    for (let index = this.shown + step; index >= 0 && index < pictures.length; index += step) {
      const picture = pictures[index];
      if (picture?.shows.has(group) !== open) {
        this.go(picture?.depth);
        this.reveal(this.partOf(group));
        return;
      }
    }
  }

  private partOf(key: string): Element | null {
    return this.place.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }

  /** Mark what stands for the chosen layer. */
  private mark(follow: boolean): void {
    for (const part of this.place.querySelectorAll(".chosen")) part.classList.remove("chosen");
    const number = this.network?.numbers.get(this.store.state.layer);
    const picture = this.network?.pictures[this.shown];
    if (number === undefined || !picture) return;
    for (const [key, layers] of picture.shows) {
      if (layers.includes(number)) {
        const part = this.partOf(key);
        part?.classList.add("chosen");
        if (follow) this.reveal(part);
      }
    }
  }

  /** Scroll within the picture, and not the page, until a part is in sight. */
  private reveal(part: Element | null): void {
    if (!part) return;
    const own = part.getBoundingClientRect();
    const { place } = this;
    const room = place.getBoundingClientRect();
    if (own.top < room.top || own.bottom > room.bottom) {
      place.scrollTop += own.top - room.top - (room.height - own.height) / 2;
    }
    if (own.left < room.left || own.right > room.right) {
      place.scrollLeft += own.left - room.left - (room.width - own.width) / 2;
    }
  }
}
