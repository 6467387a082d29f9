// Server-sent events by fetch: the browser's own EventSource can neither send a token nor say by which status it is
// refused, and Chromium makes a page that is loaded again wait for the stream of the one before. A token is kept in the
// memory of this page and nowhere else.

let token = '';

/** Sends this token from now on. */
export const signIn = (given: string) => (token = given.trim());
export const headers = (): Record<string, string> => (token ? { authorization: `Bearer ${token}` } : {});

/** Whether this answer asks for a token, or for another one. */
export const wantsToken = (status: number) => status === 401 || status === 403;

interface Listener {
  opened(): void;
  event(kind: string, data: string): void;
  /** The HTTP status, 0 without an answer or where it broke off. */
  ended(status: number): void;
}

/** Follows the events until it is closed or ends. */
export function follow(url: URL, listener: Listener): { close(): void } {
  const abort = new AbortController();
  const read = async () => {
    const answer = await fetch(url, { headers: { accept: 'text/event-stream', ...headers() }, cache: 'no-store', signal: abort.signal });
    if (!answer.ok || !answer.body) return answer.status;
    listener.opened();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return answer.status;
      let from = Math.max(0, rest.length - 1);
      rest += value;
      for (let end; (end = rest.indexOf('\n\n', from)) >= 0; from = 0) {
        dispatch(rest.slice(0, end), listener);
        rest = rest.slice(end + 2);
      }
    }
  };
  read().then(
    (status) => abort.signal.aborted || listener.ended(status),
    () => abort.signal.aborted || listener.ended(0),
  );
  return { close: () => abort.abort() };
}

/** One event, of which comments and ids alone say nothing. */
function dispatch(block: string, listener: Listener) {
  const fields: Record<string, string> = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
  }
  if (fields.event && fields.data) listener.event(fields.event, fields.data);
}
