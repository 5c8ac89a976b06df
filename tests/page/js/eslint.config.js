// Rules for the page's scripts and their tests. `tsc` checks names of other files, so here they only must not be assigned.
"use strict";
const path = require("node:path");
const { createRequire } = require("node:module");

const installed = createRequire(path.join(__dirname, "../../../work/node/package.json"));
const globals = installed("globals");

const NAMESPACES = [
  ...["Elements", "Format", "Store", "Site", "Verdicts", "Modes", "Rows", "Points", "Choices", "Newest", "Csv"],
  ...["Axes", "Lanes", "Draw", "Marks", "Heading", "Tip", "Plot", "uPlot"],
  ...["Filters", "Panels", "Figures", "Details", "States", "Tiles", "Alarms", "Attention", "Changes"],
];

module.exports = [
  installed("@eslint/js").configs.recommended,
  { ignores: ["**/*.min.js"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["src/xomflow/page/assets/**/*.js"],
    languageOptions: {
      sourceType: "script",
      globals: { ...globals.browser, ...Object.fromEntries(NAMESPACES.map(name => [name, "readonly"])) },
    },
    rules: {
      eqeqeq: "error",
      "no-redeclare": ["error", { builtinGlobals: false }], // each file declares one of the names above
      "no-unused-vars": ["error", { vars: "local" }], // which other files use
      "no-shadow": "error",
      "prefer-const": "error",
      strict: ["error", "global"],
    },
  },
  {
    files: ["tests/page/js/*.js"],
    languageOptions: {
      sourceType: "commonjs",
      globals: { ...globals.node, ...Object.fromEntries(NAMESPACES.map(name => [name, "readonly"])) },
    },
  },
];
