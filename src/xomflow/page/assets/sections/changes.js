// What changed: alarms, versions, software, science runs and decisions, the newest first.
"use strict";

/**
 * @typedef {object} Change
 * @property {number} time in seconds since 1970
 * @property {string} kind in words
 * @property {string} title
 * @property {string} text
 * @property {string} where an analysis and a variable, or empty
 */

const Changes = (function () {
  const { el, byId } = Elements;
  const { seconds, relative, utc } = Format;
  const STEP = 8;
  const TOGETHER = 7200; // s
  const ENDS = /** @type {Record<string, string>} */ ({
    returned: "back to what was expected",
    expected: "an intended change",
    "accepted unexplained": "the new level counts as normal",
    "one run": "one run",
  });
  let shown = STEP;

  /**
   * @param {Alarm[]} alarms
   * @param {Happened[]} events
   * @param {number} now in seconds since 1970; what is later is left out
   * @returns {Change[]} the newest first
   */
  function list(alarms, events, now) {
    const found = [...alarms.flatMap(ofAlarm), ...events.flatMap(ofEvent)];
    return together(found.filter(one => one.time <= now).sort((a, b) => b.time - a.time));
  }

  /**
   * Make one change of versions, or of software, that came together.
   *
   * @param {Change[]} changes the newest first
   */
  function together(changes) {
    const made = /** @type {Change[]} */ ([]);
    for (const one of changes) {
      const before = made.find(other => other.kind === one.kind && other.time - one.time < TOGETHER);
      if (before && (one.kind === "version" || one.kind === "software"))
        Object.assign(before, {
          title: `${before.title}, ${one.title}`,
          text: before.text === one.text ? one.text : "",
        });
      else made.push({ ...one });
    }
    return made;
  }

  /**
   * @param {Alarm} alarm
   * @returns {Change[]}
   */
  function ofAlarm(alarm) {
    const [analysis, , , variable] = alarm.series[0];
    const where = `${analysis} ${variable}`;
    const [began, ended] = [seconds(alarm.began), seconds(alarm.ended)];
    const words = ENDS[alarm.how_ended] || alarm.how_ended;
    const kind = `${alarm.kind.replace("_", " ")}`;
    return [
      ...(began === null ? [] : [{ time: began, kind, title: alarm.sentence, text: alarm.reason, where }]),
      ...(ended === null || alarm.how_ended === "one run"
        ? []
        : [{ time: ended, kind: "end", title: `${kind} of ${variable} ended: ${words}`, text: alarm.reason, where }]),
    ];
  }

  /**
   * @param {Happened} event
   * @returns {Change[]}
   */
  function ofEvent(event) {
    if (event.kind === "alarm") return []; // alarms come with more than events have
    const [start, end] = [seconds(event.start), seconds(event.end)];
    const { title, text, analysis } = event;
    const where = analysis === "all" ? "" : analysis;
    if (event.kind === "science_run")
      return [
        ...(start === null ? [] : [{ time: start, kind: "science run", title: `${title} began`, text, where: "" }]),
        ...(end === null ? [] : [{ time: end, kind: "science run", title: `${title} ended`, text: "", where: "" }]),
      ];
    return start === null ? [] : [{ time: start, kind: event.kind, title, text, where }];
  }

  /**
   * Show the section.
   *
   * @param {Status | null} status
   * @param {number} now in seconds since 1970
   */
  function show(status, now) {
    const all = list(Store.alarms, status?.events || [], now);
    const body = byId("changes-body");
    if (!all.length) {
      body.replaceChildren(el("p", { class: "card empty" }, "Nothing has changed."));
      return;
    }
    const rest = all.length - shown;
    const more = () => {
      shown += 4 * STEP;
      show(status, now);
    };
    const button = el(
      "button",
      { type: "button", class: "plain", onclick: more },
      `Show ${Math.min(rest, 4 * STEP)} more`,
    );
    body.replaceChildren(
      el("ul", { class: "card changes" }, ...all.slice(0, shown).map(one => row(one, now))),
      ...(rest > 0 ? [el("p", { class: "more" }, button)] : []),
    );
  }

  /**
   * @param {Change} one
   * @param {number} now
   */
  function row(one, now) {
    return el(
      "li",
      { data: { kind: one.kind } },
      el(
        "time",
        { datetime: new Date(one.time * 1000).toISOString(), title: `${utc(one.time)} UTC` },
        relative(one.time, now),
      ),
      el("span", { class: "kind" }, one.kind),
      el("div", {}, el("p", {}, one.title), one.text ? el("p", { class: "note" }, one.text) : null),
    );
  }

  return { list, show };
})();
