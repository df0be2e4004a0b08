// What charts show: the columns of the page's data as options of ECharts.

import type { EChartsCoreOption } from "echarts/core";

import type { Data, Moment, Network } from "./data";
import { h } from "./dom";
import { grouped, megabytes, plural, scaled, type Count } from "./numbers";
import { styled } from "./theme";

export type Measure = "parameters" | "macs" | "memory";

/** A chart, and what it says in a sentence. */
export interface Drawing {
  option: EChartsCoreOption;
  says: string;
}

/** Bars up to which each is one; above they are one line of steps. */
const BARS = 600;
/** Windows that are less wide than this have short names below charts. */
const NARROW = 720;
/** Labels of the first and the last layer are there, and end where the axis does. */
const ENDS = { showMinLabel: true, showMaxLabel: true, alignMinLabel: "left", alignMaxLabel: "right" };
const FONT = { fontFamily: "system-ui, sans-serif", fontSize: 12 };

function valuesOf(network: Network, measure: Measure): (Count | null)[] {
  return network[measure];
}

function written(measure: Measure, value: Count): string {
  return measure === "memory" ? megabytes(value) : grouped(value);
}

function short(measure: Measure, value: number): string {
  return measure === "memory" ? megabytes(value) : scaled(value);
}

function tip(...lines: string[]): HTMLElement {
  return h("div", {}, ...lines.map((line, index) => h(index ? "span" : "strong", {}, line)));
}

function tooltip(): Record<string, unknown> {
  return {
    className: "chart-tip",
    backgroundColor: styled("raised"),
    borderColor: styled("edge"),
    textStyle: { ...FONT, color: styled("ink") },
    confine: true,
    transitionDuration: 0,
  };
}

function grid(): Record<string, unknown> {
  return { left: 12, right: 20, top: 28, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" };
}

/** An axis of layers by their numbers. */
function layersAxis(network: Network, most: number): Record<string, unknown> {
  const formatter = (at: number): string => shortened(network.names[Math.round(at)] ?? "");
  const interval = most / (innerWidth < NARROW ? 2 : 4); // so that the last label is the last layer's
  return axis({ type: "value", min: 0, max: most, interval, axisLabel: { formatter, ...ENDS } });
}

/** A name as long as there is room for below a chart: cut in its middle, as what differs is often at an end. */
export function shortened(name: string, most = innerWidth < NARROW ? 16 : 32): string {
  if (name.length <= most) return name;
  const front = Math.floor((most - 1) / 2);
  return `${name.slice(0, front)}…${name.slice(front + 1 - most)}`;
}

function axis(more: Record<string, unknown>): Record<string, unknown> {
  return {
    axisLine: { lineStyle: { color: styled("edge") } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: styled("line") } },
    axisLabel: { ...FONT, color: styled("soft"), hideOverlap: true, ...(more.axisLabel as object | undefined) },
    nameTextStyle: { ...FONT, color: styled("soft") },
    ...Object.fromEntries(Object.entries(more).filter(([name]) => name !== "axisLabel")),
  };
}

/** Layers one behind the other. */
export function byLayer(data: Data, network: Network, measure: Measure): Drawing | null {
  const values = valuesOf(network, measure).map((value) => Number(value ?? 0));
  if (!values.length) return null;
  const many = values.length > BARS;
  const most = values.indexOf(Math.max(...values));
  const marks = values.map((value, index) => ({
    value: many ? [index, value] : value,
    layer: network.names[index],
    itemStyle: { color: styled(data.family(network.kinds[index] ?? "")) },
  }));
  const format = (items: unknown): HTMLElement => {
    const first = (Array.isArray(items) ? (items as unknown[])[0] : items) as { dataIndex: number };
    const value = valuesOf(network, measure)[first.dataIndex] ?? null;
    return tip(network.names[first.dataIndex] ?? "", network.kinds[first.dataIndex] ?? "", value === null ? "?" : written(measure, value));
  };
  return {
    says: `By layer: the most is at ${network.names[most] ?? ""}, ${short(measure, values[most] ?? 0)}. The table of layers has all values.`,
    option: {
      grid: grid(),
      tooltip: { ...tooltip(), trigger: "axis", axisPointer: { type: many ? "line" : "shadow" }, formatter: format },
      dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl" }],
      xAxis: many
        ? layersAxis(network, values.length - 1)
        : axis({ type: "category", data: network.names, splitLine: { show: false }, axisLabel: { formatter: (name: string) => shortened(name), ...ENDS } }),
      yAxis: axis({ type: "value", axisLabel: { formatter: (value: number) => short(measure, value) } }),
      series: many
        ? [{ type: "line", step: "middle", showSymbol: false, data: marks, color: styled("accent"), lineStyle: { width: 1 }, areaStyle: { opacity: 0.3 } }]
        : [{ type: "bar", data: marks, barCategoryGap: "15%", barMinHeight: 1 }],
    },
  };
}

interface Node {
  name: string;
  value?: number;
  children?: Node[];
  layer?: string;
  itemStyle?: { color: string };
  label?: { color: string };
}

/** Blocks in blocks, each as large as its layers together. */
export function treemap(data: Data, network: Network, measure: Measure): Drawing | null {
  const values = valuesOf(network, measure).map((value) => Number(value ?? 0));
  const all = values.reduce((sum, value) => sum + value, 0);
  if (!all) return null;
  const root: Node[] = [];
  const open: { node: Node; stop: number }[] = [];
  let next = 0;
  values.forEach((value, index) => {
    while (open.length && index >= (open.at(-1)?.stop ?? 0)) open.pop();
    for (let group = network.groups[next]; group && group.start <= index; group = network.groups[++next]) {
      const node: Node = { name: group.name, children: [], itemStyle: { color: styled("sunk") } };
      (open.at(-1)?.node.children ?? root).push(node);
      open.push({ node, stop: group.stop });
    }
    if (!value) return;
    const name = network.names[index] ?? "";
    (open.at(-1)?.node.children ?? root).push({
      name,
      value,
      layer: name,
      itemStyle: { color: mixed(styled(data.family(network.kinds[index] ?? "")), styled("paper"), 0.55) },
    });
  });
  const format = (item: unknown): HTMLElement => {
    const { name, value } = item as { name: string; value: number };
    return tip(name, `${short(measure, value)}, ${((100 * value) / all).toFixed(1)} %`);
  };
  const border = { borderColor: styled("paper"), borderWidth: 1, gapWidth: 1 };
  return {
    says: `By block: ${root.map((node) => node.name).slice(0, 12).join(", ")}. The table of layers has the sums of blocks.`,
    option: {
      tooltip: { ...tooltip(), formatter: format },
      series: [
        {
          type: "treemap",
          data: pruned(root),
          nodeClick: false,
          roam: false,
          left: 0,
          right: 0,
          top: 4,
          bottom: 4,
          breadcrumb: { show: false },
          label: { ...FONT, color: styled("ink"), overflow: "truncate", formatter: tail },
          upperLabel: { ...FONT, show: true, height: 20, color: styled("ink"), backgroundColor: styled("sunk"), overflow: "truncate", formatter: tail },
          itemStyle: border,
          levels: [{ itemStyle: { ...border, gapWidth: 3, borderWidth: 0 }, upperLabel: { show: false } }, { itemStyle: { ...border, borderColor: styled("sunk") } }, { itemStyle: { ...border, borderColor: styled("sunk") } }],
        },
      ],
    },
  };
}

/** The last part of a name, as the blocks around it say the rest. */
function tail(item: { name: string }): string {
  return item.name.slice(item.name.lastIndexOf(".") + 1);
}

/** The tree without blocks that have nothing. */
function pruned(nodes: Node[]): Node[] {
  return nodes
    .map((node) => (node.children ? { ...node, children: pruned(node.children) } : node))
    .filter((node) => !node.children || node.children.length > 0);
}

/** Two colours, so much of the first: #rrggbb of both. */
export function mixed(one: string, other: string, share: number): string {
  const parts = (color: string): number[] => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  const second = parts(other);
  const mean = parts(one).map((value, index) => Math.round(share * value + (1 - share) * (second[index] ?? 0)));
  return `#${mean.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** All that is alive while operations run, forward and backward, with the peak. */
export function liveMemory(network: Network, run: "inference" | "training"): Drawing | null {
  const { memory } = network.runs[run];
  if (!memory) return null;
  const moments = memory.timeline;
  const peak = peakOf(moments, memory.memory.peak);
  const at = moments[peak];
  const marks = moments.map((moment, index) => ({ value: [index, Number(moment.bytes)], layer: moment.layer }));
  const areas = (["forward", "backward", "step"] as const).flatMap((phase) => {
    const first = moments.findIndex((moment) => moment.phase === phase);
    const last = moments.findLastIndex((moment) => moment.phase === phase);
    const narrow = last - first < 0.06 * moments.length; // too narrow for its name
    return first < 0 ? [] : [[{ name: narrow ? "" : phase, xAxis: first }, { xAxis: last }]];
  });
  const format = (items: unknown): HTMLElement => {
    const moment = moments[(items as { dataIndex: number }[])[0]?.dataIndex ?? 0];
    return tip(moment?.layer ?? "", moment?.phase ?? "", `${megabytes(moment?.bytes ?? 0)} alive`);
  };
  const label = `peak ${megabytes(memory.memory.peak)} at ${at?.layer ?? ""}`;
  const short = `peak ${megabytes(memory.memory.peak)}\nat ${shortened(at?.layer ?? "")}`;
  const left = peak > 0.45 * moments.length;
  return {
    says: `Live memory of ${run}: ${label}, ${at?.phase ?? ""}. What is alive there is listed below.`,
    option: {
      grid: { ...grid(), top: 48 },
      tooltip: { ...tooltip(), trigger: "axis", formatter: format },
      dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl" }],
      xAxis: axis({ type: "value", min: 0, max: Math.max(moments.length - 1, 1), splitLine: { show: false }, axisLabel: { show: false } }),
      yAxis: axis({ type: "value", axisLabel: { formatter: (value: number) => megabytes(value) } }),
      series: [
        {
          type: "line",
          step: "end",
          showSymbol: false,
          data: marks,
          color: styled("accent"),
          lineStyle: { width: 1.5 },
          areaStyle: { opacity: 0.18 },
          markArea: {
            silent: true,
            itemStyle: { color: styled("sunk"), opacity: 0.5 },
            label: { ...FONT, color: styled("soft"), position: "insideBottomLeft" },
            data: areas,
          },
          markPoint: {
            symbol: "circle",
            symbolSize: 9,
            itemStyle: { color: styled("error") },
            label: { ...FONT, show: true, formatter: short, color: styled("ink"), lineHeight: 16, align: left ? "right" : "left", position: left ? "left" : "right", offset: [0, -18] },
            data: [{ coord: [peak, Number(at?.bytes ?? 0)] }],
          },
        },
      ],
    },
  };
}

function peakOf(moments: Moment[], bytes: Count): number {
  const exact = moments.findIndex((moment) => moment.bytes === bytes);
  if (exact >= 0) return exact;
  return moments.reduce((most, moment, index) => (moment.bytes > (moments[most]?.bytes ?? 0) ? index : most), 0);
}

/** How much of the image an output sees, the deeper the more. */
export function fieldByDepth(network: Network): Drawing | null {
  const marks: { value: [number, number]; layer: string }[] = [];
  for (let number = 0; number < network.layers.length; number++) {
    const layer = network.layers.at(number);
    const fields = layer.receptive_field ? [layer.receptive_field] : Object.values(layer.receptive_fields ?? {});
    const sizes = fields.flatMap((field) => field?.size ?? []);
    if (sizes.length) marks.push({ value: [number, Math.max(...sizes)], layer: layer.name });
  }
  const last = marks.at(-1);
  if (!last) return null;
  const image = Math.max(0, ...network.inputs.flatMap((input) => input.shape?.spatial ?? []));
  const format = (items: unknown): HTMLElement => {
    const mark = (items as { data: (typeof marks)[number] }[])[0]?.data;
    return tip(mark?.layer ?? "", `sees ${grouped(mark?.value[1] ?? 0)} of ${grouped(image)}`);
  };
  return {
    says: `Receptive field against depth: ${last.layer} sees ${grouped(last.value[1])}; the image has ${grouped(image)}.`,
    option: {
      grid: grid(),
      tooltip: { ...tooltip(), trigger: "axis", formatter: format },
      xAxis: { ...layersAxis(network, Math.max(network.layers.length - 1, 1)), splitLine: { show: false } },
      yAxis: axis({ type: "value", max: Math.max(image, ...marks.map((mark) => mark.value[1])) }),
      series: [
        {
          type: "line",
          step: "end",
          showSymbol: false,
          data: marks,
          color: styled("accent"),
          lineStyle: { width: 2 },
          markLine: image
            ? { silent: true, symbol: "none", lineStyle: { color: styled("soft"), type: "dashed" }, label: { ...FONT, color: styled("soft"), formatter: `image: ${grouped(image)}`, position: "insideStartTop" }, data: [{ yAxis: image }] }
            : { data: [] },
        },
      ],
    },
  };
}

interface Point {
  value: [number, number];
  layer: string;
  count: number;
}

/** Arithmetic intensity: work against traffic, both on scales of powers; layers that are alike are one point. */
export function intensity(data: Data, network: Network): Drawing | null {
  const families = new Map<string, Map<string, Point>>();
  network.macs.forEach((macs, number) => {
    const moved = network.moved[number] ?? null;
    if (!macs || !moved) return;
    const family = data.family(network.kinds[number] ?? "");
    const points = families.get(family) ?? new Map<string, Point>();
    families.set(family, points);
    const key = `${macs} ${moved}`;
    const point = points.get(key);
    if (point) point.count++;
    else points.set(key, { value: [Number(moved), Number(macs)], layer: network.names[number] ?? "", count: 1 });
  });
  if (!families.size) return null;
  const all = [...families.values()].flatMap((points) => [...points.values()]);
  const ratio = (point: Point): number => point.value[1] / point.value[0];
  const least = all.reduce((one, other) => (ratio(other) < ratio(one) ? other : one));
  const format = (item: unknown): HTMLElement => {
    const point = (item as { data: Point }).data;
    const [bytes, macs] = point.value;
    return tip(
      point.layer,
      point.count > 1 ? `and ${plural(point.count - 1, "layer")} alike` : "",
      `${scaled(macs)} MACs, ${megabytes(bytes)} read and written`,
      `${ratio(point).toPrecision(3)} MACs a byte`,
    );
  };
  // From a power of ten to another, so that each axis has numbers, however few points there are.
  const room = {
    min: (value: { min: number }) => 10 ** Math.floor(Math.log10(value.min / 1.2)),
    max: (value: { max: number }) => 10 ** Math.ceil(Math.log10(value.max * 1.2)),
  };
  return {
    says: `Multiply-accumulates against bytes read and written: the fewest a byte has ${least.layer}, ${ratio(least).toPrecision(3)}.`,
    option: {
      grid: { ...grid(), bottom: 28, top: 40 },
      legend: { top: 0, left: 0, itemWidth: 10, itemHeight: 10, textStyle: { ...FONT, color: styled("ink") } },
      tooltip: { ...tooltip(), formatter: format },
      xAxis: axis({ type: "log", name: "bytes", nameLocation: "middle", nameGap: 24, ...room, axisLabel: { formatter: (value: number) => megabytes(Math.round(value)) } }),
      yAxis: axis({ type: "log", name: "MACs", ...room, axisLabel: { formatter: (value: number) => scaled(Math.round(value)) } }),
      series: [...families].map(([family, points]) => ({
        name: family,
        type: "scatter",
        symbolSize: 9,
        color: styled(family),
        itemStyle: { opacity: 0.85, borderColor: styled("paper"), borderWidth: 1 },
        data: [...points.values()],
      })),
    },
  };
}
