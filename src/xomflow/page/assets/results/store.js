// What the page has loaded. Data files are scripts that hand a JSON text to xom.receive: a page opened from disk may not fetch.
"use strict";

/**
 * @typedef {object} State
 * @property {string} name
 * @property {string} meaning
 * @property {number} urgency how much it needs a person: runs of urgency 0 are only counted, the others are listed
 *
 * @typedef {object} Status what a tick writes about itself and about the runs
 * @property {string} generated
 * @property {{id?: string, started?: string, ended?: string, interval_hint_s?: number | null}} tick
 * @property {State[]} states
 * @property {Record<string, {version: string, states: Record<string, number>}>} counts by analysis
 * @property {AttentionEntry[]} attention
 * @property {string[]} problems
 * @property {string[]} decisions of people, a sentence for each that holds
 * @property {number} minimum results of a run mode before the first band; 0 in files of an older version
 * @property {string[]} learning a sentence for each analysis whose long history is still being judged
 * @property {Record<string, About>} titles by analysis
 * @property {Happened[]} events what may explain a change of results
 * @property {{name: string, start: string | null, end: string | null}[]} science_runs
 *
 * @typedef {object} About what the configuration has about an analysis, and about its variables by name
 * @property {string} title
 * @property {string} documentation
 * @property {string} [contact]
 * @property {string[]} [main] the variables that are shown first
 * @property {Record<string, {title: string, help: string}>} [variables]
 * @property {Record<string, Record<string, number>>} [limits] by variable, such as {warn_low: 9}
 *
 * @typedef {object} Happened
 * @property {string} kind "science_run", "version", "software" or "decision"
 * @property {string} title
 * @property {string} text
 * @property {string | null} start
 * @property {string | null} end
 * @property {string} analysis "all" if it is about every one
 *
 * @typedef {object} Alarm a change of one series of results, or of several that changed together
 * @property {string} id
 * @property {string} kind
 * @property {[string, string, string, string][]} series analysis, version, group of run modes, variable
 * @property {string} first_run
 * @property {string} began
 * @property {string} noticed_run
 * @property {string} sentence
 * @property {string | null} ended
 * @property {string} how_ended
 * @property {number} sigma
 * @property {string} contact
 * @property {string} state "open", "acknowledged", "muted" or "ended"
 * @property {string} reason of a decision about it
 *
 * @typedef {object} Newest the newest result of a variable, with the verdict on it; what is empty is not there
 * @property {string} run
 * @property {number} [start]
 * @property {string} [mode]
 * @property {number} [value]
 * @property {number} [error]
 * @property {string} [unit]
 * @property {string} [limit]
 * @property {string} [insufficient]
 * @property {string} [quality]
 * @property {number} [expected]
 * @property {number} [low]
 * @property {number} [high]
 * @property {number} [deviation] in standard deviations
 * @property {string} [mark]
 *
 * @typedef {object} AttentionEntry a run of an analysis that waits, failed or was given up
 * @property {string} analysis
 * @property {string} version
 * @property {string} run
 * @property {string} state
 * @property {string} reason
 * @property {string | null} since
 * @property {number | null} attempt
 * @property {string | null} next_try
 * @property {string | null} log
 *
 * @typedef {object} Entry a chunk that the index lists
 * @property {string} key "analysis/version/shelf", the chunk's place below data/
 * @property {string} analysis
 * @property {string} version
 * @property {string} shelf first digits of the run ids
 * @property {string} stamp changes with the content
 * @property {number} runs how many
 * @property {number} first start of the first run, in seconds since 1970
 * @property {number} last start of the last run, in seconds since 1970
 * @property {number} results how many
 * @property {string[]} modes of the runs
 * @property {string | null} bands stamp of what was expected of the results; null: there is nothing
 */

/**
 * One entry per row, or one value for all rows.
 *
 * @template Value
 * @typedef {Value | Value[]} Column
 */

/**
 * @typedef {Column<number | null>} Numbers
 * @typedef {Column<number | null> | undefined} Places places in the chunk's table of texts
 *
 * @typedef {object} RunColumns
 * @property {number[]} number
 * @property {(number | null)[]} start
 * @property {Numbers} end
 * @property {Numbers} attempt
 * @property {Numbers} ended
 * @property {Numbers} wall_s
 * @property {Places} id
 * @property {Places} mode
 * @property {Places} source
 * @property {Places} message
 * @property {Places} [mark]
 * @property {Places} software
 * @property {Places} git
 * @property {Places} host
 * @property {Places} [batch_job]
 * @property {Places} [slurm_job]
 * @property {Places} detectors
 * @property {Places} tags
 * @property {Places} comments
 * @property {Places} figures
 * @property {Places} versions
 * @property {Places} lineage
 *
 * @typedef {object} VariableColumns
 * @property {number[]} run rows of the run columns
 * @property {Numbers} value
 * @property {Numbers} error
 * @property {Numbers} [error_low] only where the two sides differ
 * @property {Numbers} [error_high]
 * @property {Numbers} n
 * @property {Places} unit
 * @property {Places} limit
 * @property {Places} insufficient
 * @property {Record<string, Column<number | string | boolean | null>>} [data]
 *
 * @typedef {object} Chunk the results of at most 1000 runs of one version of an analysis
 * @property {string} analysis
 * @property {string} version
 * @property {string} shelf
 * @property {string} [stamp] that of its entry in the index
 * @property {RunColumns} runs
 * @property {Map<string, VariableColumns>} variables
 * @property {any[]} table texts, and lists and mappings of texts, each once
 *
 * @typedef {object} GroupColumns what was expected of the results of one group of run modes
 * @property {string} group
 * @property {number[]} run numbers
 * @property {(number | null)[]} expected
 * @property {(number | null)[]} low
 * @property {(number | null)[]} high
 * @property {(number | null)[]} deviation
 * @property {(string | null)[]} mark
 *
 * @typedef {object} Bands what was expected of the results of a chunk
 * @property {string} analysis
 * @property {string} version
 * @property {string} shelf
 * @property {string} [stamp]
 * @property {Map<string, GroupColumns[]>} variables
 */

const Store = (function () {
  const ALLOWED = /^data\/[A-Za-z0-9_./-]+\.js\?v=[A-Za-z0-9]+$/;

  const MOST = 1500000; // results that are held although they are not needed now

  const store = {
    status: /** @type {Status | null} */ (null),
    index: /** @type {Entry[]} */ ([]),
    chunks: /** @type {Map<string, Chunk>} */ (new Map()),
    bands: /** @type {Map<string, Bands>} by the key of the chunk */ (new Map()),
    newest: /** @type {Map<string, Map<string, Map<string, Newest>>>} by analysis, version, variable */ (new Map()),
    alarms: /** @type {Alarm[]} the newest first */ ([]),
    broken: /** @type {Set<string>} keys of chunks that could not be read */ (new Set()),
    own,
    receive,
    refresh,
    need,
    release,
  };
  const pending = /** @type {Map<string, Promise<void>>} */ (new Map());
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("xom", { createScriptURL: own })
    : { createScriptURL: own };

  /**
   * Return the address of a data file as it is.
   *
   * @param {string} url
   * @throws {TypeError} if the address is not that of a data file of this page
   */
  function own(url) {
    if (!ALLOWED.test(url) || url.includes("..")) throw new TypeError(`not a data file of this page: ${url}`);
    return url;
  }

  /**
   * @param {string} analysis
   * @param {string} version
   * @param {string} shelf
   */
  const keyOf = (analysis, version, shelf) => `${analysis}/${version}/${shelf}`;

  /**
   * Take the content of a data file.
   *
   * @param {string} kind "status", "index" or "chunk"
   * @param {string} text JSON
   */
  function receive(kind, text) {
    const content = JSON.parse(text);
    if (kind === "status") store.status = complete(content);
    else if (kind === "index") store.index = content.chunks.map(entry);
    else if (kind === "chunk")
      store.chunks.set(keyOf(content.analysis, content.version, content.shelf), withMap(content));
    else if (kind === "bands")
      store.bands.set(keyOf(content.analysis, content.version, content.shelf), withMap(content));
    else if (kind === "newest") store.newest = mapsOf(content, 2);
    else if (kind === "alarms") store.alarms = content.alarms;
  }

  /**
   * @param {Pick<Status, "generated"> & Partial<Status>} content
   * @returns {Status}
   */
  function complete(content) {
    const lists = {
      states: [],
      attention: [],
      problems: [],
      decisions: [],
      learning: [],
      science_runs: [],
      events: [],
    };
    return { tick: {}, counts: {}, titles: {}, minimum: 0, ...lists, ...content };
  }

  /**
   * @param {[string, string, string, string, number, number, number, number?, string[]?, (string | null)?]} row
   * @returns {Entry}
   */
  function entry([analysis, version, shelf, stamp, runs, first, last, results = runs, modes = [], bands = null]) {
    const key = keyOf(analysis, version, shelf);
    return { key, analysis, version, shelf, stamp, runs, first, last, results, modes, bands };
  }

  /**
   * Names of variables may be any text, "__proto__" too: a map holds them.
   *
   * @param {any} content
   * @returns {any}
   */
  function withMap(content) {
    return { ...content, variables: new Map(Object.entries(content.variables)) };
  }

  /**
   * Turn nested objects into nested maps.
   *
   * @param {Record<string, any>} content
   * @param {number} depth how many levels are below this one
   * @returns {Map<string, any>}
   */
  function mapsOf(content, depth) {
    const entries = Object.entries(content);
    return new Map(entries.map(([name, inner]) => [name, depth ? mapsOf(inner, depth - 1) : inner]));
  }

  /**
   * Load a data file; return whether it could be read.
   *
   * @param {string} path
   * @param {string | number} stamp
   * @returns {Promise<boolean>}
   */
  function load(path, stamp) {
    return new Promise(resolve => {
      const script = document.createElement("script");
      script.src = policy.createScriptURL(`${path}?v=${stamp}`);
      script.addEventListener("load", () => {
        script.remove();
        resolve(true);
      });
      script.addEventListener("error", () => {
        script.remove();
        resolve(false);
      });
      document.head.append(script);
    });
  }

  /** Load again what each tick writes; return whether status and index could be read. */
  async function refresh() {
    const now = Date.now();
    const [status, index] = await Promise.all(
      ["status", "index", "newest", "alarms"].map(name => load(`data/${name}.js`, now)),
    );
    return { status, index };
  }

  /**
   * Load those chunks that are not here in their present form, and what was expected of their results.
   *
   * @param {Entry[]} entries
   */
  async function need(entries) {
    const lacking = entries.filter(one => store.chunks.get(one.key)?.stamp !== one.stamp);
    const unjudged = entries.filter(one => one.bands && store.bands.get(one.key)?.stamp !== one.bands);
    await Promise.all([
      ...lacking.map(one => once(one.key, one.stamp, store.chunks)),
      ...unjudged.map(one => once(`${one.key}.bands`, one.bands || "", store.bands, one.key)),
    ]);
  }

  /**
   * Drop results that are not needed now, if there are very many.
   *
   * @param {Entry[]} needed
   */
  function release(needed) {
    const keys = new Set(needed.map(one => one.key));
    const held = store.index.filter(one => store.chunks.has(one.key));
    if (held.reduce((sum, one) => sum + one.results, 0) < MOST) return;
    for (const { key } of held) if (!keys.has(key)) for (const map of [store.chunks, store.bands]) map.delete(key);
  }

  /**
   * Load a data file, or wait for it if it is on its way.
   *
   * @param {string} place
   * @param {string} stamp
   * @param {Map<string, {stamp?: string}>} holder where it is afterwards
   * @param {string} key its name there
   */
  function once(place, stamp, holder, key = place) {
    const name = place + stamp;
    const waiting = pending.get(name) || fetchFile(place, stamp, holder, key).finally(() => pending.delete(name));
    pending.set(name, waiting);
    return waiting;
  }

  /**
   * @param {string} place
   * @param {string} stamp
   * @param {Map<string, {stamp?: string}>} holder
   * @param {string} key
   */
  async function fetchFile(place, stamp, holder, key) {
    const loaded = await load(`data/${place}.js`, stamp);
    const found = holder.get(key);
    if (loaded && found) {
      found.stamp = stamp;
      store.broken.delete(place);
    } else store.broken.add(place);
  }

  return store;
})();

/** What the data files call. */
const xom = { receive: Store.receive };
