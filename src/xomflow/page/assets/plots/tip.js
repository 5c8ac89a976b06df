// The tip beside the active point: its value, what was expected, and its run.
"use strict";

const Tip = (function () {
  const { el } = Elements;
  const { utc, runId, result, counted, measured } = Format;

  /**
   * Put the tip to the right of a place, or to the left where there is no room.
   *
   * @param {HTMLElement} tip
   * @param {number} x
   * @param {number} y
   */
  function putBeside(tip, x, y) {
    const fits = x + 16 + tip.offsetWidth <= innerWidth - 8;
    tip.style.left = `${fits ? x + 16 : Math.max(8, x - 16 - tip.offsetWidth)}px`;
    tip.style.top = `${Math.max(8, Math.min(y - 12, innerHeight - tip.offsetHeight - 8))}px`;
  }

  /**
   * @param {Series} series
   * @param {number} i
   */
  function lines(series, i) {
    const shown = Points.point(series, i);
    const { run } = shown;
    const n = shown.n === null ? "" : ` · n = ${counted(shown.n)}`;
    const reason = new Map(shown.data).get("quality_reason");
    return [
      el("b", {}, result(shown)),
      ...(shown.insufficient ? [el("span", {}, shown.insufficient)] : []),
      ...(series.poor[i] ? [el("span", {}, `poor quality${reason ? `: ${reason}` : ""}`)] : []),
      ...expectedLine(series, i),
      el("span", {}, `run ${runId(run.number)} · ${run.mode || "mode unknown"}${n}`),
      el("span", {}, `${utc(run.start)} UTC · ${run.version}`),
      el("em", {}, run.figures.length ? "click: figure and details" : "click: details"),
    ];
  }

  /**
   * @param {Series} series
   * @param {number} i
   */
  function expectedLine(series, i) {
    const [expected, high, deviation, mark] = [series.expected[i], series.high[i], series.deviation[i], series.mark[i]];
    if (Number.isNaN(deviation)) return [];
    const words = mark ? `, ${mark.replace("_", " ")}` : "";
    return [
      el("span", {}, `expected ${measured(expected, (high - expected) / 3)}: ${Verdicts.signed(deviation)}${words}`),
    ];
  }

  return { lines, putBeside };
})();
