// Runs the page's scripts under node, in the order of index.html: what each declares can be used afterwards.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const ASSETS = path.join(__dirname, "../../../src/xomflow/page/assets");
const NEED_A_BROWSER = ["uPlot.iife.min.js", "sections/panels.js", "page.js"];

Object.assign(globalThis, { window: globalThis });
const page = fs.readFileSync(path.join(ASSETS, "index.html"), "utf8");
for (const [, name] of page.matchAll(/<script defer src="([^"]+)">/g)) {
  if (NEED_A_BROWSER.includes(name)) continue;
  const filename = path.join(ASSETS, name);
  vm.runInThisContext(fs.readFileSync(filename, "utf8"), { filename });
}
