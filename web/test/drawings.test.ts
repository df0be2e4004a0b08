import assert from "node:assert/strict";
import { test } from "node:test";

import { shortened } from "../src/drawings";

test("a name is cut in its middle, and no longer than there is room for", () => {
  assert.equal(shortened("stage1.conv1", 12), "stage1.conv1");
  assert.equal(shortened("stage1.conv10", 12), "stage…conv10");
  assert.equal(shortened("stage1.conv10", 11), "stage…onv10");
  assert.equal(shortened("stage1.conv10", 11).length, 11);
});
