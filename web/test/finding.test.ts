import assert from "node:assert/strict";
import { test } from "node:test";

import { gravest } from "../src/finding";

type Severity = "error" | "warning" | "note";

const told = (...severities: Severity[]): { finding: { severity: Severity }; index: number }[] =>
  severities.map((severity, index) => ({ finding: { severity }, index }));
const kept = (severities: Severity[], most: number): number[] => gravest(told(...severities), most).map(({ index }) => index);

test("findings that are few are all listed", () => {
  assert.deepEqual(kept(["note", "error"], 2), [0, 1]);
  assert.deepEqual(kept([], 2), []);
});

test("of many the gravest are listed, in their order", () => {
  assert.deepEqual(kept(["note", "warning", "note", "error", "warning"], 3), [1, 3, 4]);
  assert.deepEqual(kept(["warning", "note", "warning", "error"], 2), [0, 3]);
  assert.deepEqual(kept(["error", "error", "error"], 2), [0, 1]);
});
