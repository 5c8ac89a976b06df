// Alarms that are not over, or over without a reason, and values beyond their limits: what, since when, how sure, whom to ask.
"use strict";

const Alarms = (function () {
  const { el, byId } = Elements;
  const { seconds, relative, utc, plural } = Format;
  const FEW = 3; // series that are named

  /**
   * Alarms that need a person, those first that nobody has acknowledged.
   *
   * @param {Alarm[]} alarms the newest first
   */
  function pressing(alarms) {
    const left = alarms.filter(
      one => Verdicts.goesOn(one) || (one.how_ended === "accepted unexplained" && !one.reason),
    );
    const order = (/** @type {Alarm} */ one) => (one.ended !== null ? 2 : one.state === "open" ? 0 : 1);
    return [...left].sort((a, b) => order(a) - order(b));
  }

  /**
   * Show the section.
   *
   * @param {number} now in seconds since 1970
   * @param {(analysis: string, variable?: string) => void} goTo
   */
  function show(now, goTo) {
    const cards = pressing(Store.alarms).map(one => card(one, now, goTo));
    const beyond = Site.analyses().flatMap(analysis =>
      Newest.listed(analysis, Site.versions(analysis).slice(0, 1)).flatMap(one => limitCard(one, now, goTo)),
    );
    const learning = (Store.status?.learning || []).map(text => el("p", { class: "note" }, text));
    byId("alarms").replaceChildren(...cards, ...beyond, ...learning);
  }

  /**
   * @param {Alarm} alarm
   * @param {number} now
   * @param {(analysis: string, variable?: string) => void} goTo
   */
  function card(alarm, now, goTo) {
    const began = seconds(alarm.began),
      ended = seconds(alarm.ended);
    const [analysis] = alarm.series[0];
    const contact = alarm.contact || Site.about(analysis).contact;
    const state = ended === null ? alarm.state : "unexplained";
    return el(
      "article",
      { class: "alarm", "aria-label": `${alarm.kind} of ${alarm.series[0][3]}`, data: { alarm: alarm.id, state } },
      el(
        "span",
        { class: "level" },
        state === "open" ? alarm.kind.replace("_", " ") : `${alarm.kind.replace("_", " ")}, ${state}`,
      ),
      el("p", { class: "sentence" }, alarm.sentence),
      el(
        "dl",
        {},
        ...fact(
          "since",
          began === null ? null : `${utc(began).slice(0, 16)} UTC (${relative(began, now)}), run ${alarm.first_run}`,
        ),
        ...fact(
          "until",
          ended === null
            ? null
            : `${utc(ended).slice(0, 16)} UTC; the new level counts as normal, and nobody gave a reason`,
        ),
        ...fact("how sure", alarm.sigma ? `${Math.abs(alarm.sigma).toFixed(1)} σ` : null),
        ...fact("variables", seriesLinks(alarm, goTo)),
        ...fact("ask", contact || null),
        ...fact("decision", alarm.reason || null),
        ...fact("id", el("code", {}, alarm.id)),
      ),
    );
  }

  /**
   * @param {string} name
   * @param {Child} value null: nothing
   */
  const fact = (name, value) => (value === null ? [] : [el("div", {}, el("dt", {}, name), el("dd", {}, value))]);

  /**
   * @param {Alarm} alarm
   * @param {(analysis: string, variable?: string) => void} goTo
   */
  function seriesLinks(alarm, goTo) {
    const shown = alarm.series.slice(0, FEW).map(([analysis, , group, variable]) => {
      const text = `${analysis} ${variable}${group && group !== "all" ? ` (${group})` : ""}`;
      return el("button", { type: "button", class: "link", onclick: () => goTo(analysis, variable) }, text);
    });
    const rest = alarm.series.length - shown.length;
    return el("span", { class: "links" }, ...shown, rest > 0 ? el("span", {}, `and ${plural(rest, "other")}`) : null);
  }

  /**
   * @param {Listed} one
   * @param {number} now
   * @param {(analysis: string, variable?: string) => void} goTo
   */
  function limitCard(one, now, goTo) {
    const { analysis, variable, newest } = one;
    const reasons = Verdicts.beyond(newest.value, Site.limits(analysis, variable));
    if (!reasons.length) return [];
    const { contact } = Site.about(analysis);
    const when =
      newest.start === undefined ? "" : `${utc(newest.start).slice(0, 16)} UTC (${relative(newest.start, now)}), `;
    const button = { type: "button", class: "link", onclick: () => goTo(analysis, variable) };
    return [
      el(
        "article",
        {
          class: "alarm",
          "aria-label": `limit of ${variable}`,
          data: { state: reasons[0].includes("error") ? "open" : "limit" },
        },
        el("span", { class: "level" }, "limit"),
        el("p", { class: "sentence" }, `${variable} is ${Tiles.words(newest)}, ${reasons.join(" and ")}`),
        el(
          "dl",
          {},
          ...fact("newest result", `${when}run ${newest.run.slice(0, 6)}`),
          ...fact("variables", el("button", button, `${analysis} ${variable}`)),
          ...fact("ask", contact || null),
        ),
      ),
    ];
  }

  return { pressing, show };
})();
