// What the page has loaded. Data files are scripts that hand a JSON text to xom.receive: a page opened from disk may not fetch.
"use strict";

(function () {
  const ALLOWED = /^data\/[A-Za-z0-9_.\/-]+\.js\?v=[A-Za-z0-9]+$/;
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("xom", { createScriptURL: own })
    : { createScriptURL: own };

  const store = { status: null, index: [], chunks: new Map(), broken: new Set() };
  const pending = new Map();

  function own(url) {
    if (!ALLOWED.test(url) || url.includes("..")) throw new TypeError(`not a data file of this page: ${url}`);
    return url;
  }

  const keyOf = (analysis, version, shelf) => `${analysis}/${version}/${shelf}`;

  /** Called by every data file. */
  xom.receive = function (kind, text) {
    const content = JSON.parse(text);
    if (kind === "status") store.status = content;
    else if (kind === "index") store.index = content.chunks.map(entry);
    else if (kind === "chunk") {
      const key = keyOf(content.analysis, content.version, content.shelf);
      store.chunks.set(key, prepared(content));
    }
  };

  function entry([analysis, version, shelf, stamp, runs, first, last]) {
    return { key: keyOf(analysis, version, shelf), analysis, version, shelf, stamp, runs, first, last };
  }

  /** Names in the data may be any text, "__proto__" too: look them up in maps. */
  function prepared(chunk) {
    chunk.variables = new Map(Object.entries(chunk.variables));
    return chunk;
  }

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

  /** Load status and index anew; tells which of them could be read. */
  store.refresh = async function () {
    const now = Date.now();
    const [status, index] = await Promise.all([load("data/status.js", now), load("data/index.js", now)]);
    return { status, index };
  };

  /** Load the chunks among `entries` that are not here in their present form. */
  store.need = function (entries) {
    return Promise.all(
      entries.map(one => {
        const had = store.chunks.get(one.key);
        if (had && had.stamp === one.stamp) return null;
        const waiting = one.key + one.stamp;
        if (!pending.has(waiting))
          pending.set(
            waiting,
            fetchChunk(one).finally(() => pending.delete(waiting)),
          );
        return pending.get(waiting);
      }),
    );
  };

  async function fetchChunk(one) {
    const loaded = await load(`data/${one.key}.js`, one.stamp);
    const chunk = store.chunks.get(one.key);
    if (loaded && chunk) {
      chunk.stamp = one.stamp;
      store.broken.delete(one.key);
    } else store.broken.add(one.key);
  }

  /** Versions of an analysis that have results, newest first. */
  store.versions = function (analysis) {
    const found = new Set(store.index.filter(one => one.analysis === analysis).map(one => one.version));
    return [...found].sort(xom.format.byVersion).reverse();
  };

  /** Title (null if it says no more than the name) and documentation of an analysis. */
  store.about = function (analysis) {
    const { title, documentation } = ((store.status && store.status.titles) || {})[analysis] || {};
    return { title: title && title !== analysis ? title : null, documentation };
  };

  store.analyses = () => [...new Set(store.index.map(one => one.analysis))];

  xom.store = store;
})();
