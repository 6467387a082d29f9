// Keeps one JSON file with everything that is registered, for any program that can read a file: a handler of
// `dubbo-watcher --handler`. It is rewritten as a whole after each batch of changes.
//
// It knows nothing but what it was given; it must never need what an earlier instance knew.

import { write } from "dubbo:registry/files@0.1.0";

/** The name of the file: what stands behind the `=` of `--handler`. */
let file = "registry.json";

/** By key: `{ service, category, url, pods }`. */
let records = new Map();

export const handler = {
  init(config) {
    if (config !== "") file = config;
    records = new Map();
  },

  snapshot(services) {
    records = new Map();
    for (const service of services) {
      for (const category of ["providers", "consumers"]) {
        for (const { key, url } of service[category]) {
          records.set(key, { service: service.name, category, url });
        }
      }
    }
    save();
  },

  changed(changes) {
    for (const { kind, key, service, category, url } of changes) {
      if (kind === "removed") records.delete(key);
      else if (category === "providers" || category === "consumers") {
        records.set(key, { service, category, url });
      }
    }
    save();
  },

  health() {},
};

/** Writes the file: services by name, each with the URLs of its providers and consumers, sorted. */
function save() {
  const services = {};
  for (const key of [...records.keys()].sort()) {
    const { service, category, url } = records.get(key);
    services[service] ??= { providers: [], consumers: [] };
    services[service][category].push(url);
  }
  const sorted = Object.fromEntries(Object.entries(services).sort(([a], [b]) => (a < b ? -1 : 1)));
  write(file, utf8(`${JSON.stringify({ services: sorted }, null, 2)}\n`));
}

/** Text in bytes. The engine is JavaScript and nothing else: it has no `TextEncoder`. */
function utf8(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (char) => char.charCodeAt(0));
}
