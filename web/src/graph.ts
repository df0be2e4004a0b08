// The graph of a network: groups open as asked for, as large as asked for, in step with the table.

import type { Network } from "./data";
import { h } from "./dom";
import { plural } from "./numbers";
import type { Drawing, Open, Picture } from "./picture";
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
  private picture: Picture | null = null;
  private drawing: Drawing | null = null;
  private marked: Element | undefined;
  private zoom = 1;

  constructor(private readonly store: Store) {
    const button = (title: string, text: string, act: () => void): HTMLButtonElement =>
      h("button", { type: "button", class: "quiet", title, "aria-label": title, onclick: act }, text);
    this.less = button("Fold all groups one level further out", "Fold", () => { this.deepen(-1); });
    this.more = button("Unfold all groups one level further in", "Unfold", () => { this.deepen(1); });
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
    this.place.addEventListener("keydown", (event) => { this.key(event); });
    this.place.addEventListener("wheel", (event) => { this.wheel(event); }, { passive: false });
    this.place.addEventListener("scroll", () => { this.see(); });
    new ResizeObserver(() => { this.see(); }).observe(this.place);
    store.listen((state, before) => {
      if (state.network === before.network) this.update(state, before);
    });
  }

  /** Whether it is too large for paper. */
  get large(): boolean {
    return this.drawing?.large ?? false;
  }

  show(network: Network): void {
    this.network = network;
    this.picture = network.picture;
    this.drawing = null;
    this.element.hidden = network.names.length === 0;
    this.element.parentElement?.classList.toggle("pictured", !this.element.hidden);
    for (const button of this.element.querySelectorAll("button")) button.hidden = !this.picture;
    if (!this.picture) {
      this.place.replaceChildren(this.tooLarge());
      return;
    }
    const { state } = this.store;
    const shut = this.groups(state).some((name) => state.collapse.has(name)); // as who sent the link had it
    const change = shut ? null : this.unfolding(state);
    if (change) this.store.set(change, true);
    else this.draw();
    this.fit();
    this.mark(true);
  }

  /** What stands where its graph would. */
  tooLarge(): HTMLElement {
    const { names = [], spec = "" } = this.network ?? {};
    const said = `The graph of these ${plural(names.length, "layer")} has too many boxes for a page. `;
    return h("p", { class: "none" }, said, h("code", {}, `convcalc draw ${spec}`), " draws it.");
  }

  private update(state: State, before: State): void {
    const folded = state.depth !== before.depth || state.expand !== before.expand || state.collapse !== before.collapse;
    const chosen = state.layer !== before.layer;
    if (folded) this.draw();
    const change = chosen ? this.unfolding(this.store.state) : null;
    if (change) this.store.set(change, true);
    if (folded || chosen) this.mark(chosen);
  }

  /** Which groups a state asks to be open. */
  private open({ depth, expand, collapse }: Pick<State, "depth" | "expand" | "collapse">): Open {
    const asked = Number.parseInt(depth, 10);
    return { depth: asked > 0 ? asked : (this.picture?.graph.depth ?? 1), expand, collapse };
  }

  /** The groups around the layer that is chosen. */
  private groups({ layer }: State): string[] {
    const number = this.network?.numbers.get(layer);
    return number === undefined ? [] : (this.picture?.around(number) ?? []);
  }

  /** What unfolds all that the chosen layer stands in; null where it is in sight. */
  private unfolding(state: State): Partial<State> | null {
    const groups = this.groups(state);
    if (groups.every((name) => this.picture?.isOpen(name, this.open(state)))) return null;
    return groups.reduce((so, name) => ({ ...so, ...this.turned(so, name, true) }), state);
  }

  /** What opens or folds a group. */
  private turned(state: Pick<State, "depth" | "expand" | "collapse">, name: string, open: boolean): Pick<State, "expand" | "collapse"> {
    const expand = new Set(state.expand);
    const collapse = new Set(state.collapse);
    (open ? collapse : expand).delete(name);
    if (this.picture?.isOpen(name, this.open({ ...state, expand, collapse })) !== open) (open ? expand : collapse).add(name);
    return { expand, collapse };
  }

  /** Open or fold a group, and keep it where it is in sight. */
  private turn(name: string): void {
    const { state } = this.store;
    const before = this.button(name);
    const focused = before?.contains(document.activeElement);
    const [top, middle] = where(before);
    const [start = 0] = this.picture?.extentOfGroup(name) ?? [];
    this.store.set(this.turned(state, name, !this.picture?.isOpen(name, this.open(state))));
    const [starts = 0] = this.picture?.extentOfGroup(name) ?? [];
    if (this.large) this.scrollBy((starts - start) * this.zoom); // or it might not be there
    const after = this.button(name);
    const [newTop, newMiddle] = where(after);
    this.scrollBy(newTop - top);
    this.place.scrollLeft += newMiddle - middle;
    if (focused) after?.focus({ preventScroll: true });
  }

  private button(group: string): SVGElement | null {
    return this.place.querySelector<SVGElement>(`[data-group="${CSS.escape(group)}"]`);
  }

  /** Go to the next level at which other groups are open. */
  private deepen(by: number): void {
    const { depth } = this.open(this.store.state);
    const depths = this.picture?.depths ?? [];
    const next = (by > 0 ? depths.find((each) => each > depth) : depths.findLast((each) => each < depth)) ?? depth;
    this.store.set({ depth: next === this.picture?.graph.depth ? "" : String(next), expand: new Set(), collapse: new Set() });
  }

  private draw(): void {
    const { picture } = this;
    if (!picture) return;
    const { state } = this.store;
    const open = this.open(state);
    const left = "Groups that stay folded have too many boxes for a page.";
    this.drawing = picture.drawing(open);
    this.place.replaceChildren(this.drawing.svg, ...(picture.graph.whole ? [] : [h("p", { class: "none" }, left)]));
    const own = state.expand.size + state.collapse.size > 0;
    this.less.disabled = !own && open.depth <= (picture.depths[0] ?? 1);
    this.more.disabled = !own && open.depth >= (picture.depths.at(-1) ?? 1);
    this.scale(this.zoom);
  }

  private get svg(): SVGSVGElement | null {
    return this.drawing?.svg ?? null;
  }

  private scrollBy(pixels: number): void {
    this.place.scrollTop += pixels;
    this.see();
  }

  /** Have drawn what is in sight. */
  private see(): void {
    const { scrollTop, clientHeight } = this.place;
    this.drawing?.see([scrollTop / this.zoom, (scrollTop + clientHeight) / this.zoom]);
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
    this.see();
  }

  private fit(): void {
    const width = this.svg?.viewBox.baseVal.width ?? 0;
    const room = this.place.clientWidth;
    this.scale(width && room ? Math.min(room / width, 1) : 1);
    this.place.scrollTop = 0;
    this.see();
  }

  private wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.scale(this.zoom * (event.deltaY < 0 ? CLOSER : 1 / CLOSER));
  }

  /** A layer is chosen; a folded group is opened, and an open one folded. */
  private click(event: MouseEvent): void {
    if (getSelection()?.toString()) return; // somebody selects a text
    const part = event.target instanceof Element ? event.target.closest("[data-group], [data-key]") : null;
    const group = part?.getAttribute("data-group");
    const key = part?.getAttribute("data-key");
    if (group) this.turn(group);
    else if (key && this.network?.numbers.has(key)) this.store.set({ layer: key });
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== "Enter" && event.key !== " ") return;
    const group = event.target instanceof Element ? event.target.getAttribute("data-group") : null;
    if (!group) return;
    event.preventDefault();
    this.turn(group);
  }

  /** Mark what stands for the chosen layer. */
  private mark(follow: boolean): void {
    this.marked?.classList.remove("chosen");
    const number = this.network?.numbers.get(this.store.state.layer);
    this.marked = number === undefined ? undefined : this.picture?.partOf(number);
    this.marked?.classList.add("chosen");
    if (!follow || number === undefined) return;
    const extent = this.picture?.extentOf(number);
    if (this.large && extent) {
      const { scrollTop, clientHeight } = this.place;
      const [top, bottom] = [extent[0] * this.zoom, extent[1] * this.zoom];
      if (top < scrollTop || bottom > scrollTop + clientHeight) this.scrollBy((top + bottom - clientHeight) / 2 - scrollTop);
    }
    this.reveal(this.marked);
  }

  /** Scroll within the picture, and not the page, until a part is in sight. */
  private reveal(part: Element | undefined): void {
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

/** Where a part is: its upper edge, and its middle. */
function where(part: Element | null): [number, number] {
  const { top, left, width } = part?.getBoundingClientRect() ?? { top: 0, left: 0, width: 0 };
  return [top, left + width / 2];
}
