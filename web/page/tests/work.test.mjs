// Nothing that was typed, looked for or selected is lost, and nothing that is copied is older than what is shown.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, beforeEach, test } from 'node:test';
import { browser, hold, paste as pasted } from './browser.mjs';
import { serve } from './serve.mjs';
import { key, pod } from './samples.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

let host, chrome, page, violations, left;

before(async () => {
  host = await serve(here('../dist'));
  chrome = await browser({ permissions: ['clipboard-read', 'clipboard-write'] });
});
after(async () => {
  await chrome?.close();
  await host?.close();
});

const open = async (home = host.url, address = '') => {
  await page?.close();
  [violations, left] = [[], []];
  page = await chrome.watched(home, { complaints: violations, left });
  await page.goto(home + address);
};

beforeEach(async () => {
  await open();
  await page.waitForSelector('.hollow.empty');
});

const clean = () => {
  assert.deepEqual(violations, [], 'nothing is refused by the policy, nothing throws');
  assert.deepEqual(left, [], 'no request leaves the page');
};
const paste = (text) => pasted(page, text);
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
const troubled = async () => {
  await page.locator('.action', { hasText: 'Sample' }).click();
  await page.waitForSelector('.row.service');
};
const provider = (more = '') => pod({ name: 'shop-0', uid: 'u-1', records: [key('a.B', 'providers', `dubbo://10.0.0.1:1/a.B?x=1&weight=100${more}`)] });
const editing = async (text = provider()) => {
  await paste(text);
  await page.waitForSelector('.params');
  await page.locator('#tree').focus();
  await page.keyboard.press('e');
  await page.waitForFunction(() => document.activeElement?.dataset.name === 'weight');
};
/** The weight that a command or an annotation would write. */
const weightIn = (text) => {
  const value = text.match(/W3si[\w=-]+/g).at(-1);
  return decodeURIComponent(decodeURIComponent(JSON.parse(Buffer.from(value, 'base64url').toString())[0].k)).match(/weight=(\w*)/)?.[1];
};
const weight = () => page.locator('.params input[data-name=weight]');

test('a copy has what was typed just before it, and there is no command before anything is changed', async () => {
  await editing();
  assert.equal(await page.locator('.editor .out').count(), 0);
  await page.keyboard.press('Control+A');
  await page.keyboard.type('250');
  await page.locator('.editor').getByRole('button', { name: 'Copy', exact: true }).click();
  await page.waitForFunction(() => document.querySelector('.toast span'));
  assert.equal(weightIn(await clipboard()), '250');
  // Typed and copied in one turn: nothing can have been answered in between.
  await page.evaluate(() => {
    const field = document.querySelector('.params input[data-name=weight]');
    field.value = '333';
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
    [...document.querySelectorAll('.editor button')].find((one) => one.textContent.trim() === 'Copy').click();
    navigator.clipboard.writeText('nothing yet');
  });
  await page.waitForFunction(() => navigator.clipboard.readText().then((text) => text !== 'nothing yet'));
  assert.equal(weightIn(await clipboard()), '333');
  clean();
});

test('undo and redo show what the command has', async () => {
  await editing();
  const is = async (value) => {
    await page.waitForFunction((value) => document.querySelector('.params input[data-name=weight]')?.value === value, value);
    await page.locator('.editor').getByRole('button', { name: 'Annotation', exact: true }).click();
    assert.equal(weightIn(await page.locator('.editor .out').innerText()), value);
  };
  await weight().fill('7');
  await weight().fill('70');
  await is('70');
  await page.getByRole('button', { name: 'Undo' }).click();
  await is('100');
  await page.getByRole('button', { name: 'Redo' }).click();
  await is('70');
  await weight().fill('80');
  await page.getByRole('button', { name: 'Undo' }).click();
  await is('70');
  // In one turn, with the focus still in the field: what was typed is taken back and not what stood there before.
  await weight().focus();
  await page.evaluate(() => {
    const field = document.querySelector('.params input[data-name=weight]');
    for (const typed of ['9', '90']) {
      field.value = typed;
      field.dispatchEvent(new InputEvent('input', { bubbles: true }));
    }
    [...document.querySelectorAll('.editor button')].find((one) => one.textContent.trim() === 'Undo').click();
  });
  await page.waitForFunction(() => document.querySelector('.params input[data-name=weight]').value === '70');
  await is('70');
  clean();
});

test('Escape in a field gives it back what stood there, and does not leave the editing', async () => {
  await editing();
  await page.keyboard.type('9');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.querySelector('.params input[data-name=weight]')?.value === '100');
  assert.equal(await page.locator('.counts .edited').count(), 0, 'nothing is edited');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('.editor'));
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'edit', 'the focus is where the editing began');
  clean();
});

test('a refusal goes when what was refused goes', async () => {
  await editing();
  const url = page.getByRole('textbox', { name: 'URL', exact: true });
  await url.fill('nonsense');
  await page.locator('.refusal').waitFor();
  await url.press('Escape');
  await page.waitForFunction(() => !document.querySelector('.refusal'));
  assert.match(await url.inputValue(), /^dubbo:/);
  await url.fill('nonsense');
  await page.locator('.refusal').waitFor();
  await weight().focus();
  await page.waitForFunction(() => !document.querySelector('.refusal'));
  assert.match(await url.inputValue(), /^dubbo:/);
  clean();
});

test('it is copied over plain http as well, and said if it cannot be', async () => {
  const plain = host.url.replace('127.0.0.1', 'inspector.test');
  await open(plain);
  await page.waitForSelector('.hollow.empty');
  assert.equal(await page.evaluate(() => isSecureContext), false);
  await paste(provider());
  await page.waitForSelector('.params');
  await page.locator('.record').getByRole('button', { name: 'URL' }).click();
  await page.waitForFunction(() => document.querySelector('.toast span')?.textContent === 'Copied');
  await page.evaluate(() => { document.execCommand = () => false; });
  await page.locator('.record').getByRole('button', { name: 'URL' }).click();
  await page.waitForFunction(() => /did not let/.test(document.querySelector('.toast span')?.textContent ?? ''));
  await open();
  assert.match(await clipboard(), /^dubbo:\/\/10\.0\.0\.1:1/);
});

test('edits are not lost without being asked', async () => {
  await editing();
  await weight().fill('5');
  await page.waitForSelector('.counts .edited');
  await page.locator('.action', { hasText: 'Sample' }).click();
  await page.getByRole('dialog').waitFor();
  await page.getByRole('button', { name: 'Keep them' }).click();
  assert.equal(await weight().inputValue(), '5');
  await page.locator('.action', { hasText: 'Sample' }).click();
  await page.getByRole('button', { name: 'Discard the edits' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.row.service').length > 3);
  clean();
});

test('a view has an address: it is there again after a reload, and one goes back and forth', async () => {
  await troubled();
  await page.locator('#find').fill('payment');
  await page.waitForFunction(() => document.querySelectorAll('.row.service').length === 2);
  await page.locator('.row.endpoint').first().click();
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent.includes('payment'));
  await page.waitForFunction(() => /find=payment/.test(location.hash) && /pod=shop%2Fpayment/.test(location.hash));
  await page.reload();
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent.includes('payment'));
  assert.equal(await page.locator('#find').inputValue(), 'payment');
  assert.equal(await page.locator('.row.service').count(), 2);
  await page.locator('.row.endpoint').last().click();
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent.includes('order'));
  await page.getByRole('button', { name: 'Graph' }).click();
  await page.waitForSelector('#graph');
  await page.goBack();
  await page.waitForSelector('#tree');
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent.includes('payment'));
  await page.goForward();
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent.includes('order'));
  clean();
});

test('a language that was chosen is part of the address, and comes and goes with it', async () => {
  await paste(provider());
  await page.waitForSelector('.params');
  assert.doesNotMatch(page.url(), /lang=/, 'what the browser speaks is not');
  await page.getByRole('button', { name: '切换到中文' }).click();
  await page.waitForFunction(() => /lang=zh/.test(location.hash) && document.documentElement.lang === 'zh-CN');
  await page.goBack();
  await page.goForward();
  await page.waitForFunction(() => document.documentElement.lang === 'zh-CN');
  const address = page.url();
  await page.evaluate(() => localStorage.setItem('lang', 'en'));
  const other = await chrome.watched(host.url, { complaints: violations, left });
  await other.goto(address);
  await other.waitForFunction(() => document.documentElement.lang === 'zh-CN');
  await other.close();
  clean();
});

test('a shared link has all Pods and what is selected, and leaves the address when something else is shown', async () => {
  await troubled();
  await page.locator('.row.endpoint', { hasText: '10.244.1.20' }).click();
  await page.waitForSelector('.params');
  await page.locator('.action', { hasText: 'Share' }).click();
  await page.getByRole('button', { name: 'All Pods' }).click();
  await page.waitForFunction(() => document.querySelector('.dialog input')?.value.includes('p=') && /7\s+Pods/.test(document.querySelector('.dialog').innerText));
  const url = await page.getByRole('dialog').locator('input').inputValue();
  await page.keyboard.press('Escape');
  const other = await chrome.watched(host.url, { complaints: violations, left });
  await other.goto(url);
  await other.waitForFunction(() => document.querySelector('.pod-name')?.textContent.includes('payment'));
  await other.waitForFunction(() => /7\s+Pods/.test(document.querySelector('.counts')?.innerText ?? ''));
  assert.equal(await other.locator('.tag.terminating').count(), 1, 'with the state of each Pod');
  await pasted(other, provider());
  await other.waitForFunction(() => document.querySelector('.pod-name')?.textContent.includes('shop-0'));
  await other.waitForFunction(() => !location.hash.includes('p='));
  await other.reload();
  await other.waitForFunction(() => document.querySelector('.pod-name')?.textContent.includes('shop-0'));
  await other.close();
  clean();
});

test('the focus goes back to where it was when a dialog is left by Escape', async () => {
  await troubled();
  const help = page.getByRole('button', { name: 'Keys and help' });
  await help.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Keys and help');
  await page.keyboard.press('F8');
  await page.waitForSelector('.problem.chosen');
  await page.locator('.problem').first().focus();
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement?.id === 'tree');
  clean();
});

test('the active row is what assistive technology is given, also where it is scrolled out of sight', async () => {
  await paste(Array.from({ length: 300 }, (_, n) => pod({ name: `p-${n}`, records: [key('a.B', 'providers', `dubbo://10.0.${n >> 8}.${n & 255}:1/a.B`)], ip: `10.0.${n >> 8}.${n & 255}` })).join('\n'));
  await page.waitForSelector('.row.service');
  await page.getByRole('button', { name: 'Expand all' }).click();
  await page.waitForFunction(() => Number(document.querySelector('#tree').getAttribute('aria-rowcount')) === 302);
  await page.locator('#tree').focus();
  for (let at = 0; at < 4; at++) await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() => document.querySelector('.row.active')?.dataset.index === '4');
  const named = () => page.evaluate(() => {
    const id = document.querySelector('#tree').getAttribute('aria-activedescendant');
    return id === null ? null : document.getElementById(id)?.dataset.index;
  });
  assert.equal(await named(), '4');
  await page.locator('#tree').evaluate((tree) => { tree.scrollTop = 200 * 32; });
  await page.waitForFunction(() => document.querySelector('.row')?.dataset.index > 100);
  assert.equal(await named(), null, 'nothing is named that is not there');
  clean();
});

test('F8 lights up the place of what is missing at the end of an annotation', async () => {
  const cut = provider().replace(/(dubbo.io\/annotation":"[^"]{24})[^"]*/, '$1');
  await paste(cut);
  await page.keyboard.press('F8');
  await page.waitForFunction(() => /not-json/.test(document.querySelector('.problem.chosen')?.innerText ?? ''));
  await page.waitForFunction(() => CSS.highlights.has('wrong') && [...CSS.highlights.get('wrong')].length > 0);
  clean();
});

test('where it is narrow the first visit explains, and a class is seen whatever its package', async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  assert.ok(await page.locator('.hollow.empty h2').isVisible());
  await page.getByRole('button', { name: 'See a registry with problems' }).click();
  await page.waitForSelector('.row.service');
  const cut = await page.locator('.row.service b').evaluateAll((all) => all.filter((one) => {
    const [name, label] = [one.getBoundingClientRect(), one.closest('.label').getBoundingClientRect()];
    return name.left < label.left - 1 || name.right > label.right + 1;
  }).map((one) => one.textContent));
  assert.deepEqual(cut, []);
  clean();
});

test('every sign in a row says what it means, and the help explains them all, in both languages', async () => {
  await troubled();
  const signs = () => page.locator('.row .tag').evaluateAll((all) => all.map((one) => [one.textContent, one.title]));
  const meant = [
    { '\\d prov': /^\d+ Providers$/, '\\d cons': /^\d+ Consumers$/, '\\d not read': /dubbo-go refuses or never sees/, refused: /dubbo-go refuses the annotation and skips the whole Pod/, 'not selected': /no version selects its label/, weight: /^weight 200: the usual one is 100$/ },
    { 提供: /^\d+ 提供者$/, 消费: /^\d+ 消费者$/, 未读取: /dubbo-go/, 被拒绝: /跳过整个 Pod/, 未被选中: /没有版本会选中它的标签/, 权重: /^权重 200: 默认值为 100$/ },
  ];
  const help = [/“8 prov\. 4 cons\.”[\s\S]*“weight 50”[\s\S]*“selected by dubbo-go 1\.4”/, /“8 提供 4 消费”[\s\S]*“权重 50”[\s\S]*dubbo-go/];
  for (const turn of [0, 1]) {
    for (const [sign, meaning] of Object.entries(meant[turn])) {
      const of = (await signs()).filter(([text]) => new RegExp(sign).test(text));
      assert.ok(of.length > 0, `no row says ${sign}`);
      for (const [text, title] of of) assert.match(title, meaning, text);
    }
    assert.deepEqual((await signs()).filter(([, title]) => title === ''), []);
    await page.keyboard.press('?');
    assert.match(await page.getByRole('dialog').innerText(), help[turn]);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: turn === 0 ? '切换到中文' : 'Switch to English' }).click();
  }
  clean();
});

test('rows that come into sight next are there before they are scrolled to', async () => {
  await paste(Array.from({ length: 2000 }, (_, n) => pod({ name: `p-${n}`, records: [key('a.B', 'providers', `dubbo://10.0.${n >> 8}.${n & 255}:1/a.B`)], ip: `10.0.${n >> 8}.${n & 255}` })).join('\n'));
  await page.waitForSelector('.row.service');
  await page.getByRole('button', { name: 'Expand all' }).click();
  await page.waitForFunction(() => Number(document.querySelector('#tree').getAttribute('aria-rowcount')) === 2002);
  /** Scrolls so far and says which rows are missing in sight when that has been drawn. */
  const missing = (by) => page.locator('#tree').evaluate(async (tree, by) => {
    tree.scrollTop += by;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const there = new Set([...document.querySelectorAll('.row')].map((row) => Number(row.dataset.index)));
    const [from, to] = [Math.floor(tree.scrollTop / 32), Math.ceil((tree.scrollTop + tree.clientHeight) / 32)];
    return Array.from({ length: to - from }, (_, at) => from + at).filter((at) => !there.has(at));
  }, by);
  const inSight = () => page.waitForFunction(() => {
    const tree = document.querySelector('#tree');
    return [...document.querySelectorAll('.row')].some((row) => Number(row.dataset.index) === Math.floor(tree.scrollTop / 32));
  });
  await missing(900 * 32);
  await inSight();
  // What was asked for before is there when a later answer is.
  await page.locator('.row.endpoint').nth(12).click();
  await page.waitForSelector('.params');
  await hold(page); // from now on nothing is answered: only what is there already can be drawn
  // Further than the pieces in which rows are fetched reach.
  for (let step = 0; step < 14; step++) assert.deepEqual(await missing(240), [], `downwards, step ${step}`);
  for (let step = 0; step < 18; step++) assert.deepEqual(await missing(-240), [], `upwards, step ${step}`);
  clean();
});

test('forced colours show what is selected, what is active, what is broken, and where one is', async () => {
  await page.emulateMedia({ forcedColors: 'active' });
  await troubled();
  await page.locator('.row.endpoint', { hasText: '10.244.1.20' }).click();
  await page.waitForSelector('.params');
  const looks = (selector, property) => page.locator(selector).first().evaluate((one, property) => getComputedStyle(one)[property], property);
  const system = (name) => page.evaluate((name) => {
    const probe = document.createElement('i');
    document.body.append(probe);
    probe.style.color = name;
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  }, name);
  const [highlight, canvas] = [await system('Highlight'), await system('Canvas')];
  assert.notEqual(highlight, canvas);
  assert.equal(await looks('.row.chosen', 'backgroundColor'), highlight);
  assert.notEqual(await looks('.row.endpoint:not(.chosen)', 'backgroundColor'), highlight);
  assert.equal(await looks('.switch button[aria-pressed=true]', 'backgroundColor'), highlight);
  assert.notEqual(await looks('.switch button[aria-pressed=false]', 'backgroundColor'), highlight);
  // Edges of panes and cards are seen though no background is.
  for (const selector of ['.pane-services', '.card', '.search']) assert.equal(await looks(selector, 'borderTopStyle'), 'solid', selector);
  await page.locator('.params').getByRole('button', { name: 'application', exact: true }).click();
  await page.waitForSelector('.params .lit');
  assert.notEqual(await looks('.params .lit th', 'backgroundColor'), await looks('.params tr:not(.lit) th', 'backgroundColor'));
  await page.locator('#tree').focus();
  await page.keyboard.press('ArrowUp');
  await page.waitForFunction(() => getComputedStyle(document.querySelector('.row.active')).outlineStyle === 'solid');
  await page.keyboard.press('g');
  await page.waitForSelector('#graph .edge.broken');
  assert.notEqual(await looks('#graph .edge.broken', 'stroke'), await looks('#graph .edge:not(.broken, .partly, .on)', 'stroke'));
  assert.equal(await looks('#graph .edge.broken', 'strokeDasharray'), '6px, 4px', 'by more than its colour');
  assert.equal(await looks('#graph .node:not(.here, .bad) rect', 'stroke'), await system('CanvasText'));
  assert.equal(await looks('#graph .node.here rect', 'stroke'), highlight);
  assert.notEqual(await looks('#graph .node.bad rect', 'strokeDasharray'), 'none', 'by more than its colour');
  await page.screenshot({ path: here('../artefacts/forced-colours.png') });
  clean();
});

test('at 200 % zoom every pane, control and dialog can be reached and nothing stands over another', async () => {
  // 1280 × 800 at 200 % is half of it in each direction, and twice as fine.
  await page.setViewportSize({ width: 640, height: 400 });
  await page.getByRole('button', { name: 'See a registry with problems' }).click();
  await page.waitForSelector('.row.service');
  const check = async (what) => {
    const wrong = await page.evaluate(() => {
      const seen = [...document.querySelectorAll('button, input, select, [tabindex="0"]')].filter((one) => one.offsetParent && !one.closest('.tree, .graph, [hidden]') && !one.matches('.skip'));
      const outside = seen.filter((one) => {
        const box = one.getBoundingClientRect();
        return box.width > 0 && (box.left < -1 || box.right > innerWidth + 1);
      });
      const flat = [...document.querySelectorAll('.pane')].filter((one) => one.offsetParent && one.offsetHeight < 300);
      const over = document.documentElement.scrollWidth > innerWidth ? ['the page is too wide'] : [];
      return [...over, ...outside.map((one) => `outside: ${one.outerHTML.slice(0, 90)}`), ...flat.map((one) => `squeezed: ${one.id} ${one.offsetHeight}`)];
    });
    assert.deepEqual(wrong, [], what);
    await page.screenshot({ path: here(`../artefacts/zoom-${what}.png`) });
  };
  /** Whether what stands at the end of the page can be scrolled to, and is not covered there. */
  const reach = (selector) => page.locator(selector).first().evaluate((one) => {
    one.scrollIntoView({ block: 'center' });
    const box = one.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return one.contains(top) || top?.contains(one);
  });
  await check('services');
  assert.ok(await reach('.problems .fold'), 'the problems are reached');
  await page.locator('.problems .fold').click();
  await page.waitForSelector('.problem');
  assert.ok(await reach('.problem'));
  await check('problems');
  await page.locator('.problem').first().click();
  await page.getByRole('tab', { name: 'Detail' }).click();
  await page.waitForSelector('.verdict');
  await check('detail');
  await page.getByRole('tab', { name: 'Services' }).click();
  await page.keyboard.press('g');
  await page.waitForSelector('#graph .node');
  await check('graph');
  await page.keyboard.press('?');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  const box = await dialog.boundingBox();
  assert.ok(box.y >= 0 && box.y + box.height <= 400, JSON.stringify(box));
  await page.keyboard.press('Escape');
  clean();
});

test('a first visit sees a picture first, then two sentences for Dubbo, the annotation and each layer, in both languages', async () => {
  const seen = () => page.locator('.hollow.empty').evaluate((empty) => ({
    first: empty.firstElementChild.className,
    words: [...empty.querySelectorAll('dl div')].map((one) => [one.querySelector('dt').textContent, one.querySelector('dd').textContent]),
  }));
  const sentences = (text) => text.split(/[.。](?:\s|$)|。/).filter((one) => one.trim()).length;
  const check = (names, { first, words }) => {
    assert.equal(first, 'first-picture');
    assert.deepEqual(words.map(([name]) => name), names);
    assert.deepEqual(words.filter(([, text]) => sentences(text) !== 2), []);
  };
  check(['Dubbo', 'The annotation', 'Source', 'Base64', 'JSON record', 'Key', 'URL'], await seen());
  await page.getByRole('button', { name: '切换到中文' }).click();
  check(['Dubbo', '注解', '原文', 'Base64', 'JSON 记录', '键', 'URL'], await seen());
  const drawn = await page.locator('.first-graph text').allTextContents();
  await page.locator('.first-picture').click();
  await page.waitForSelector('#graph .node');
  const names = await page.locator('#graph .node text').allTextContents();
  assert.deepEqual(drawn.filter((name) => !names.includes(name)), [], 'the picture is of the registry that it opens');
  assert.equal(await page.locator('#graph .edge.broken').count() > 0, true);
  await page.evaluate(() => localStorage.removeItem('lang'));
  clean();
});

test('filters narrow the rows, are chips, and go one by one; what is left can be taken away', async () => {
  await troubled();
  const services = () => page.locator('.row.service').count();
  const all = await services();
  await page.getByRole('button', { name: 'Filters' }).click();
  await page.getByRole('button', { name: 'with problems' }).click();
  await page.waitForFunction((all) => document.querySelectorAll('.row.service').length < all, all);
  await page.getByLabel('Application').selectOption('order');
  await page.waitForFunction(() => /f=is%3Aproblem&f=app%3Aorder/.test(location.hash));
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
  const { readFile } = await import('node:fs/promises');
  const rows = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
  assert.equal(rows[0], 'interface,group,version,role,protocol,address,namespace,pod,application,ready,problem,url');
  assert.ok(rows.length > 1 && rows.slice(1).every((row) => row.includes(',order,')), rows.join('\n'));
  await page.getByRole('button', { name: 'Filters' }).click();
  const chips = (expected) => page.waitForFunction((expected) => [...document.querySelectorAll('.chip')].map((chip) => chip.innerText).join() === expected, expected.join());
  await chips(['with problems', 'Application: order']);
  await page.getByRole('button', { name: '切换到中文' }).click();
  await chips(['有问题', '应用: order']);
  await page.getByRole('button', { name: 'Switch to English' }).click();
  await page.getByRole('button', { name: 'Remove the filter: Application: order' }).click();
  await page.getByRole('button', { name: 'Remove the filter: with problems' }).click();
  await page.waitForFunction((all) => document.querySelectorAll('.row.service').length === all, all);
  // Who is ready and who is not are opposites.
  await page.getByRole('button', { name: 'Filters' }).click();
  const endpoints = (count) => page.waitForFunction((count) => document.querySelectorAll('.row.endpoint').length === count, count);
  await page.getByRole('button', { name: 'not ready', exact: true }).click();
  await endpoints(1);
  await page.getByRole('button', { name: 'ready', exact: true }).click();
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length > 5 && document.querySelectorAll('.tag.unready').length === 0);
  clean();
});

test('a record shows whom it would call with shares, and beside each other pair the reason', async () => {
  const provide = (n, more) => pod({ name: `p-${n}`, uid: `u-${n}`, ip: `10.0.0.${n}`, records: [key('a.B', 'providers', `dubbo://10.0.0.${n}:1/a.B?${more}`)] });
  await paste([provide(1, 'weight=300'), provide(2, ''), provide(3, 'version=2'), pod({ name: 'c', uid: 'u-c', records: [key('a.B', 'consumers', 'consumer://10.0.0.9/a.B?protocol=dubbo')] })].join('\n'));
  await page.locator('.row.endpoint', { hasText: '10.0.0.9' }).click();
  await page.waitForSelector('.relations');
  const text = (await page.locator('.relations').innerText()).replace(/\s+/g, ' ');
  assert.match(text, /Would call 2 10\.0\.0\.1:1 prod\/p-1 75 % 10\.0\.0\.2:1 prod\/p-2 25 %/);
  assert.match(text, /Never calls 1 10\.0\.0\.3:1 prod\/p-3 other version none 2/);
  await page.locator('.relations .plain').first().click();
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent.includes('p-1') && /Called by 1/.test(document.querySelector('.relations')?.innerText.replace(/\s+/g, ' ')));
  clean();
});

test('the graph shows who calls whom, by pointer, by keys, as a table and as a file', async () => {
  await troubled();
  await page.locator('.row.endpoint', { hasText: '10.244.1.20' }).click();
  await page.waitForSelector('.params');
  await page.keyboard.press('g');
  await page.waitForSelector('#graph .node');
  assert.equal(await page.locator('#graph .node.here title').textContent(), 'payment', 'one is where one was');
  const names = await page.locator('#graph .node text').allTextContents();
  for (const name of ['order', 'UserService', 'StockService', 'gateway']) assert.ok(names.includes(name), names.join());
  assert.ok((await page.locator('#graph .edge.broken').count()) >= 2);
  await page.locator('#graph').focus();
  const here = () => page.locator('#graph .node.here title').textContent();
  const first = await here();
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction((first) => document.querySelector('#graph .node.here title').textContent !== first, first);
  const all = await page.locator('#graph .node').count();
  await page.keyboard.press('f');
  await page.waitForFunction((all) => document.querySelectorAll('#graph .node').length < all, all);
  // A button does the same as the key.
  const around = page.getByRole('button', { name: /^Only around/ });
  await page.getByRole('button', { name: /^Only around/, pressed: true }).waitFor();
  await around.click();
  await page.waitForFunction((all) => document.querySelectorAll('#graph .node').length === all, all);
  await around.click();
  await page.waitForFunction((all) => document.querySelectorAll('#graph .node').length < all, all);
  await page.locator('#graph').focus();
  await page.keyboard.press('f');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.record');
  // A broken line leads to the consumer that it is about, and to the reason.
  const asked = (service, reason) => page.waitForFunction(([service, reason]) => document.querySelector('.record h3')?.textContent === service && document.querySelector('.pane-detail .scroll').innerText.includes(reason), [service, reason]);
  await page.locator('#graph .hit', { hasText: 'order → PaymentService' }).evaluate((line) => {
    for (const type of ['pointerdown', 'pointerup']) line.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, clientX: 300, clientY: 300 }));
  });
  await asked('com.example.payment.PaymentService:2.0.0', 'other version');
  await page.getByRole('button', { name: 'As a table' }).click();
  assert.match(await page.locator('.graph-table').innerText(), /StockService[\s\S]*Consumer without a provider/);
  await page.getByRole('button', { name: /Consumer without a provider/ }).first().click();
  await asked('com.example.stock.StockService', 'Consumer without a provider');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'SVG' }).click()]);
  const { readFile } = await import('node:fs/promises');
  const svg = await readFile(await file.path(), 'utf8');
  assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.match(svg, /StockService/);
  assert.doesNotMatch(svg, /<script|href=|class="hit"/);
  clean();
});

/** Applications of which each provides one interface and calls those of others, some of them in circles. */
const calling = (count, called) =>
  Array.from({ length: count }, (_, n) => {
    const ip = `10.1.${n >> 8}.${n & 255}`;
    const own = key(`a.S${n}`, 'providers', `dubbo://${ip}:1/a.S${n}?application=app-${n}`);
    return pod({ name: `app-${n}-0`, uid: `u-${n}`, ip, records: [own, ...called(n).map((of) => key(`a.S${of}`, 'consumers', `consumer://${ip}/a.S${of}?application=app-${n}`))] });
  }).join('\n');

test('what is looked at alone in a large graph can be read, and all of it is one button away', async () => {
  await paste(calling(120, (n) => [1, 7, 31, 50].map((step) => (n * 3 + step) % 120)));
  await page.waitForSelector('.row.service');
  await page.keyboard.press('g');
  await page.waitForSelector('#graph .node');
  const height = () => page.locator('#graph .node.here rect').evaluate((box) => box.getBoundingClientRect().height);
  const inSight = () => page.locator('#graph .node.here').evaluate((node) => {
    const [box, frame] = [node, node.closest('.frame')].map((one) => one.getBoundingClientRect());
    return box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
  });
  assert.ok((await height()) < 20, 'all of it is too small to read');
  await page.getByRole('button', { name: /^Only around/ }).click();
  await page.waitForFunction(() => document.querySelector('#graph .node.here rect').getBoundingClientRect().height > 25);
  assert.ok(await inSight());
  const all = await page.locator('#graph .node').count();
  assert.ok(all < 120, `${all} are joined to it`);
  await page.getByRole('button', { name: 'Fit' }).click();
  const outside = await page.locator('#graph .node').evaluateAll((nodes) => {
    const frame = document.querySelector('.frame').getBoundingClientRect();
    return nodes.filter((node) => node.getBoundingClientRect().left < frame.left || node.getBoundingClientRect().right > frame.right).length;
  });
  assert.equal(outside, 0);
  clean();
});

test('applications that call each other in a circle stand in layers as others do', async () => {
  await paste(calling(5, (n) => [[1], [2], [0, 3], [], [0]][n]));
  await page.waitForSelector('.row.service');
  await page.keyboard.press('g');
  await page.waitForFunction(() => document.querySelectorAll('#graph .node').length === 10);
  const places = await page.locator('#graph .node').evaluateAll((all) => all.map((one) => one.getAttribute('transform').match(/-?\d+(\.\d+)?/g).map(Number)));
  // Layers are as far apart as the layout says; none is left empty.
  const gap = (of) => [...of].sort((a, b) => a - b).reduce((most, one, at, all) => Math.max(most, at ? one - all[at - 1] : 0), 0);
  assert.ok(gap(places.map(([, y]) => y)) < 150, JSON.stringify(places));
  assert.ok(gap(places.map(([x]) => x)) < 400, JSON.stringify(places));
  clean();
});
