// The front as a picture: points over two goals, of which one at a time says which network it is.

import { h, s } from "./dom";
import { sides, type Front, type Goal } from "./front";
import { hideHint, showHint } from "./hint";
import { grouped } from "./numbers";
import { circles, edge, every, Points } from "./scatter";
import type { FrontState, Pointed } from "./sweepstate";
import type { Kept } from "./kept";
import { ruler } from "./widths";

const RADIUS = 3.5;
/** Points from which on they are smaller, and the line of the front stands over them. */
const MANY = 1000;
const SMALL = 2;
/** How far from a point it is pointed at, in pixels; no more than a cell of the grid. */
const NEAR = 14;
const LINE = 14;
const LOWEST = 260;
const HIGHEST = 440;

/** Where points stand in a picture. */
interface Frame {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export class Plot {
  readonly element: HTMLElement;
  private readonly place = h("div", { class: "plot", tabindex: 0, role: "slider", "aria-valuemin": 1 });
  private readonly rings = { chosen: ring("chosen"), pointed: ring("pointed") };
  private readonly joins = h("span", {}, sample("path", { class: "followed-line", d: "M0 5H16" }, 16), " the front of these two goals alone");
  private points = new Points([], []);
  private size: [width: number, height: number] = [0, 0];
  private waiting: PointerEvent | undefined;

  constructor(
    private readonly front: Front,
    private readonly store: Kept<FrontState>,
    private readonly pointed: Pointed,
    private readonly enter: () => void,
  ) {
    const { goals } = front;
    this.element = h(
      "figure",
      { class: "plot-pane" },
      goals.length > 2 ? h("figcaption", { class: "bar" }, this.chooser("up", "Up"), this.chooser("across", "Across")) : null,
      h("div", { class: "picture" }, this.place, this.legend()),
    );
    this.place.addEventListener("pointermove", (event) => { this.moved(event); });
    this.place.addEventListener("pointerleave", () => { this.waiting = undefined; this.pointed.set(-1); });
    this.place.addEventListener("click", (event) => { this.clicked(event); });
    this.place.addEventListener("keydown", (event) => { this.key(event); });
    this.place.addEventListener("focus", () => {
      if (this.place.matches(":focus-visible")) this.pointed.set(this.active(), "plot");
    });
    this.place.addEventListener("blur", () => { this.pointed.set(-1); });
    new ResizeObserver(() => { this.resized(); }).observe(this.place);
    store.listen((state, before) => {
      if (state.across !== before.across || state.up !== before.up) this.draw();
      if (state.design !== before.design) this.mark();
    });
    pointed.listen((network, by) => { this.point(network, by === "plot"); });
  }

  /** The goals along the lower and the left side. */
  private sides(): [Goal, Goal] {
    return sides(this.front.goals, this.store.state);
  }

  private chooser(side: "across" | "up", title: string): HTMLElement {
    const select = h(
      "select",
      {
        onchange: () => {
          const [across, up] = this.sides();
          const now = { across: across.name, up: up.name };
          const other = side === "up" ? "across" : "up";
          // Who chooses what stands along the other side gets both the other way round.
          const swapped = select.value === now[other] ? { [other]: now[side] } : {};
          this.store.set({ ...now, ...swapped, [side]: select.value });
        },
      },
      ...this.front.goals.map((goal) => h("option", { value: goal.name }, goal.title)),
    );
    const follow = (): void => {
      select.value = this.sides()[side === "up" ? 1 : 0].name;
    };
    follow();
    this.store.listen(follow);
    return h("label", {}, `${title} `, select);
  }

  private legend(): HTMLElement {
    const { front } = this;
    const circle = (role: string): SVGElement => sample("circle", { class: role, cx: 5, cy: 5, r: RADIUS }, 10);
    return h(
      "p",
      { class: "legend" },
      h("span", {}, circle("heat-3"), " on the front"),
      front.size < front.designs.length ? h("span", {}, circle("kept"), " among the best") : null,
      front.goals.length > 2 ? this.joins : null,
    );
  }

  private resized(): void {
    if (Math.abs(this.place.clientWidth - this.size[0]) > 0.5 && this.place.clientWidth && !matchMedia("print").matches) this.draw();
  }

  private draw(): void {
    const width = this.place.clientWidth;
    if (!width) return;
    const height = Math.round(Math.min(Math.max(width * 0.66, LOWEST), HIGHEST));
    this.size = [width, height];
    const [across, up] = this.sides();
    const long = ruler(this.place);
    const labels = Math.max(...up.ticks.map(([, text]) => long(text)));
    const last = long(across.ticks.at(-1)?.[1] ?? "") / 2;
    const frame = { left: labels + 14, top: 2 * LINE + 4, right: width - Math.max(last, 8) - 4, bottom: height - 3 * LINE };
    const at = placed(across, up, frame);
    const count = this.front.designs.length;
    const networks = Array.from({ length: count }, (_, network) => at(across.value(network), up.value(network)));
    this.points = new Points(Float64Array.from(networks, ([x]) => x), Float64Array.from(networks, ([, y]) => y));
    const joined = edge(this.front.size, across, up).map((network) => networks[network]?.map((each) => each.toFixed(1)).join(" ") ?? "");
    const many = count > MANY;
    const line = joined.length > 1 ? s("path", { class: "followed-line", d: `M${joined.join("L")}` }) : null;
    const dots = s(
      "g",
      {},
      s("path", { class: "kept", d: circles(this.points, this.front.size, count, many ? SMALL : RADIUS) }),
      s("path", { class: "heat-3", d: circles(this.points, 0, this.front.size, many ? SMALL : RADIUS) }),
    );
    const svg = s(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
      s("path", { class: "measure", d: `M${frame.left} ${frame.top}V${frame.bottom}H${frame.right}` }),
      s("text", { class: "text", x: 4, y: LINE, "font-weight": 600 }, `${up.title}${better(up)}`),
      s("text", { class: "text", x: (frame.left + frame.right) / 2, y: height - 8, "text-anchor": "middle", "font-weight": 600 }, `${across.title}${better(across)}`),
      numbers(across, up, frame, long),
      many ? [dots, line] : [line, dots],
    );
    this.joins.hidden = joined.length < 2;
    this.place.replaceChildren(svg, this.rings.chosen, this.rings.pointed);
    this.place.setAttribute("aria-label", `Networks over ${across.title} and ${up.title}`);
    this.place.setAttribute("aria-valuemax", String(count));
    this.mark();
  }

  /** The network that keys start from. */
  private active(): number {
    const chosen = this.front.network(this.store.state.design);
    return chosen < 0 ? this.points.first : chosen;
  }

  private mark(): void {
    const chosen = this.front.network(this.store.state.design);
    this.ring(this.rings.chosen, chosen);
    const active = this.active();
    this.place.setAttribute("aria-valuenow", String(this.points.rank(active) + 1));
    const facts = this.front.facts(active).map(([title, text]) => `${title} ${text}`);
    this.place.setAttribute("aria-valuetext", facts.join(", "));
  }

  private ring(element: HTMLElement, network: number): void {
    const [width, height] = this.size;
    element.hidden = network < 0;
    element.style.left = `${(100 * (this.points.xs[network] ?? 0)) / width}%`;
    element.style.top = `${(100 * (this.points.ys[network] ?? 0)) / height}%`;
  }

  /** Mark a network, and say beside it what it is. */
  private point(network: number, says: boolean): void {
    this.ring(this.rings.pointed, network);
    if (network < 0 || !says) {
      hideHint();
      return;
    }
    const facts = this.front.facts(network).flatMap(([title, text]) => [h("dt", {}, title), h("dd", {}, text)]);
    const more = this.points.together(network) - 1;
    const hidden = more > 0 ? h("p", {}, `${grouped(more)} more ${more === 1 ? "stands" : "stand"} here.`) : "";
    showHint(this.place, this.rings.pointed.getBoundingClientRect(), h("dl", { class: "facts" }, ...facts), hidden);
  }

  private moved(event: PointerEvent): void {
    if (!this.waiting) {
      requestAnimationFrame(() => {
        if (this.waiting) this.pointed.set(this.under(this.waiting), "plot");
        this.waiting = undefined;
      });
    }
    this.waiting = event;
  }

  private under(event: MouseEvent): number {
    const box = this.place.getBoundingClientRect();
    return this.points.nearest(event.clientX - box.left, event.clientY - box.top, NEAR);
  }

  private clicked(event: MouseEvent): void {
    const network = this.under(event);
    this.store.set({ design: network < 0 ? "" : String(this.front.designs[network]) });
    if (network >= 0) this.pointed.set(network, "plot");
  }

  private key(event: KeyboardEvent): void {
    const next = this.points.stepped(event.key, this.active());
    if (next !== undefined) {
      this.store.set({ design: String(this.front.designs[next]) }, true);
      this.pointed.set(next, "plot");
    } else if (event.key === "Enter" || event.key === " ") {
      this.store.set({ design: String(this.front.designs[this.active()]) });
      this.enter();
    } else {
      return;
    }
    event.preventDefault();
  }
}

function better(goal: Goal): string {
  return goal.most ? ", more is better" : ", less is better";
}

/** Where two figures stand. */
function placed(across: Goal, up: Goal, frame: Frame): (x: number, y: number) => [number, number] {
  const [firstX, lastX] = ends(across);
  const [firstY, lastY] = ends(up);
  return (x, y) => [
    frame.left + ((frame.right - frame.left) * (x - firstX)) / (lastX - firstX),
    frame.bottom - ((frame.bottom - frame.top) * (y - firstY)) / (lastY - firstY),
  ];
}

function ends({ ticks }: Goal): [number, number] {
  return [ticks[0]?.[0] ?? 0, ticks.at(-1)?.[0] ?? 1];
}

/** The numbers along both sides. */
function numbers(across: Goal, up: Goal, frame: Frame, long: (text: string) => number): SVGElement {
  const at = placed(across, up, frame);
  const step = every(across.ticks.map(([, text]) => long(text) + 10), frame.right - frame.left);
  const below = across.ticks.map(([value, text], place) => {
    const [x, y] = at(value, ends(up)[0]);
    return [
      s("path", { class: "measure", d: `M${x} ${y}v4` }),
      place % step ? null : s("text", { class: "quiet", x, y: y + LINE + 3, "text-anchor": "middle" }, text),
    ];
  });
  const beside = up.ticks.map(([value, text]) => {
    const [x, y] = at(ends(across)[0], value);
    return [
      s("path", { class: "measure", d: `M${x} ${y}h-4` }),
      s("text", { class: "quiet", x: x - 8, y: y + 4, "text-anchor": "end" }, text),
    ];
  });
  return s("g", {}, ...below, ...beside);
}

/** What stands in front of a word of the legend. */
function sample(tag: "circle" | "path", attributes: Record<string, string | number>, width: number): SVGElement {
  return s("svg", { width, height: 10, "aria-hidden": "true" }, s(tag, attributes));
}

function ring(kind: string): HTMLElement {
  return h("div", { class: `ring ${kind}`, hidden: true });
}
