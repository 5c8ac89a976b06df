// A table of the results that are seen, as CSV.
"use strict";

const Csv = (function () {
  const HEAD = [
    ...["analysis", "version", "variable", "run", "start_utc", "run_mode", "value", "error", "unit", "n", "limit"],
    ...["insufficient", "quality", "expected", "low", "high", "deviation_sigma", "mark"],
  ];

  /**
   * A cell; a text that a spreadsheet would take for a formula gets an apostrophe before it.
   *
   * @param {unknown} value
   */
  function cell(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "";
    if (typeof value === "number") return String(value);
    const text = String(value).replace(/^(?=[=+\-@\t\r])/, "'");
    return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  }

  /**
   * @param {Series} series
   * @param {number} i
   */
  function row(series, i) {
    const point = Points.point(series, i);
    const { run } = point;
    const start = run.start === null ? "" : `${Format.utc(run.start).replace(" ", "T")}Z`;
    const quality = new Map(point.data).get("quality");
    return [
      ...[
        run.analysis,
        run.version,
        point.variable,
        `${run.id}`,
        start,
        run.mode,
        point.value,
        point.error,
        point.unit,
      ],
      ...[point.n, point.limit, point.insufficient, quality],
      ...[series.expected[i], series.low[i], series.high[i], series.deviation[i], series.mark[i]],
    ];
  }

  /**
   * The results within a range of time.
   *
   * @param {Series[]} shown
   * @param {number} from in seconds since 1970
   * @param {number} to in seconds since 1970
   */
  function table(shown, from, to) {
    const lines = [HEAD.join(",")];
    for (const series of shown) {
      const [first, end] = Axes.within(series.x, from, to);
      for (let i = first; i < end; i++) lines.push(row(series, i).map(cell).join(","));
    }
    return lines.join("\r\n") + "\r\n";
  }

  return { cell, table };
})();
