// The main thread's end of the Worker: requests out, answers in. Ending it is how anything is cancelled.

import workerUrl from './worker.ts?worker&url';

/** The same bound as the model's, so that a file beyond it is not even read. */
const LIMIT = 160 << 20;

type Waiting = { resolve: (answer: never) => void; reject: (error: Error) => void; progress?: Progress };
export type Progress = (stage: 'reading' | 'decoding', progress: number) => void;

export class Cancelled extends Error {}

/** A strict policy wants a Worker's address to come from a named place: this is it. */
interface Policies { createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown } }
const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
const policy = policies?.createPolicy('inspector', { createScriptURL: (url) => url });

/** A Worker of one of the page's own scripts. */
export function workerOf(script: string): Worker {
  const url = new URL(script, location.href).href;
  return new Worker((policy?.createScriptURL(url) ?? url) as string, { type: 'module' });
}

export class Model {
  #worker = this.#start();
  #waiting = new Map<number, Waiting>();
  #next = 1;

  #start(): Worker {
    const worker = workerOf(workerUrl);
    worker.onmessage = ({ data }) => this.#take(data);
    worker.onerror = (event) => this.#fail(new Error(event.message || 'worker'));
    return worker;
  }

  #take(data: { id: number; answer?: string; error?: string; stage?: 'reading' | 'decoding'; progress?: number }) {
    const waiting = this.#waiting.get(data.id);
    if (!waiting) return;
    if (data.stage) {
      waiting.progress?.(data.stage, data.progress ?? 0);
      return;
    }
    this.#waiting.delete(data.id);
    if (data.answer === undefined) waiting.reject(new Error(data.error));
    else waiting.resolve(JSON.parse(data.answer) as never);
  }

  #fail(error: Error) {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    all.forEach((waiting) => waiting.reject(error));
  }

  #send<T>(message: object, progress?: Progress, given: Transferable[] = []): Promise<T> {
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (answer: never) => void, reject, progress });
      this.#worker.postMessage({ ...message, id }, given);
    });
  }

  load<T>(what: { text: string } | { file: File }, progress?: Progress): Promise<T> {
    return this.#send<T>({ kind: 'load', limit: LIMIT, ...what }, progress);
  }

  /** Takes an answer of a live registry, which is handed over and not copied. */
  follow<T>(answer: ArrayBuffer, now: number): Promise<T> {
    return this.#send<T>({ kind: 'follow', answer, now }, undefined, [answer]);
  }

  ask<T>(request: { do: string } & Record<string, unknown>): Promise<T> {
    return this.#send<T>({ kind: 'ask', request: JSON.stringify(request) });
  }

  /** Ends whatever is going on, and starts with an empty model. */
  cancel() {
    this.#worker.terminate();
    this.#fail(new Cancelled());
    this.#worker = this.#start();
  }
}

/** Has the page's own files kept, where the host allows it. */
export async function keepForOffline() {
  if (!('serviceWorker' in navigator) || !isSecureContext) return;
  const url = new URL('./sw.js', document.baseURI).href;
  try {
    await navigator.serviceWorker.register((policy?.createScriptURL(url) ?? url) as string);
  } catch {
    // A host that does not want it; the page works all the same.
  }
}
