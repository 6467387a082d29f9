// A static host on a free port of the loopback, and a stand-in for the watcher's live events.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm', '.svg': 'image/svg+xml' };

/** Begins a stream of events. */
export function begin(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
  return response;
}

/** Serves a folder; `live` gets the response of every `GET /v1/events`, and begins it when it likes; `snapshot` answers `GET /v1/snapshot`. */
export async function serve(folder, live, snapshot) {
  const asked = [];
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://h').pathname;
    asked.push(path);
    if (path === '/v1/events' && live) {
      live(response);
      return;
    }
    if (path === '/v1/snapshot' && snapshot) {
      snapshot(request, response);
      return;
    }
    try {
      const file = normalize(path.endsWith('/') ? `${path}index.html` : path);
      const body = await readFile(join(folder, file));
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
