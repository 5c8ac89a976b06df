// Run modes: which there are, and how each is told apart from the others, by colour and by shape.
"use strict";

/** @typedef {"circle" | "square" | "triangle" | "diamond"} Shape */

const Modes = (function () {
  const SHAPES = /** @type {Shape[]} */ (["circle", "square", "triangle", "diamond"]);
  const HUES = 6; // colours of the style sheet
  const ORDINARY = /bkg|background/;

  /**
   * All run modes of a site, those of ordinary data first, then by name: each keeps its place as long as no new one comes.
   *
   * @param {Pick<Entry, "modes">[]} index
   */
  function all(index) {
    const names = [...new Set(index.flatMap(one => one.modes))];
    const late = (/** @type {string} */ name) => (ORDINARY.test(name) ? 0 : 1);
    return names.sort((a, b) => late(a) - late(b) || (a < b ? -1 : 1));
  }

  /** @param {number} rank */
  const hue = rank => (rank < 0 ? HUES - 1 : rank % HUES);
  /** @param {number} rank */
  const shape = rank => SHAPES[rank < 0 ? 0 : (rank + Math.floor(rank / HUES)) % SHAPES.length];

  return { all, hue, shape };
})();
