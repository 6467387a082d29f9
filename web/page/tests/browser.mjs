// Debian's Chromium, without anything of its own on the network.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP inspector.test 127.0.0.1'];

export const executable = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));

/** A browser with a profile of its own, which goes when it is closed. */
export async function browser(options = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'inspector-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executable,
    headless: true,
    args: ARGS,
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  return {
    context,
    /** A page of `home` that is watched: what its console and its policy complain of, unless a lost network is `tolerated`, and what it asks of others. */
    watched: async (home, { complaints = [], left = [], tolerated = false } = {}) => {
      const page = await context.newPage();
      page.on('console', (message) => message.type() === 'error' && !(tolerated && message.text().includes('ERR_')) && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('request', (request) => !request.url().startsWith(home) && !request.url().startsWith('blob:') && left.push(request.url()));
      await page.addInitScript(() => localStorage.setItem('lang', localStorage.getItem('lang') ?? 'en'));
      await page.setViewportSize({ width: 1280, height: 800 });
      return page;
    },
    /** What axe finds, one line each. Its script runs beside the page's own, in a world that the policy does not bind. */
    axe: async (page, source) => {
      const session = await context.newCDPSession(page);
      const { frameTree } = await session.send('Page.getFrameTree');
      const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
      const run = async (expression) => {
        const { result, exceptionDetails } = await session.send('Runtime.evaluate', { expression, contextId: executionContextId, awaitPromise: true, returnByValue: true });
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        return result.value;
      };
      await run(`${source};0`);
      const found = await run(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.target.join(' ') + ' ' + node.failureSummary.replaceAll('\\n', ' ')).slice(0, 4).join(' | ')))`);
      await session.detach();
      return found;
    },
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** Pastes a text as a person would, anywhere but into a field. */
export const paste = (page, text) =>
  page.evaluate((text) => {
    document.activeElement?.blur();
    const data = new DataTransfer();
    data.setData('text/plain', text);
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);

/** Holds the page's Worker for a while, so that what waits for it can be looked at. */
export async function hold(page) {
  const worker = page.workers()[0] ?? (await page.waitForEvent('worker'));
  const held = page.waitForEvent('console', (message) => message.text() === 'held');
  const wait = () => {
    console.log('held');
    Atomics.wait(new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer), 0, 0, 60_000);
  };
  worker.evaluate(wait).catch(() => {}); // it is ended while it waits
  await held;
}
