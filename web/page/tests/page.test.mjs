// The built page in a real browser: states, keys, layers, editing, hostile input, what leaves the page.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { after, before, beforeEach, test } from 'node:test';
import { browser, executable, paste as pasted } from './browser.mjs';
import { serve } from './serve.mjs';
import { annotation, key, kubectl, pod } from './samples.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const artefacts = here('../artefacts');
await mkdir(artefacts, { recursive: true });
assert.ok(executable, 'Chromium is needed: apt-get install chromium');

let host, chrome, page, violations, left;

before(async () => {
  host = await serve(here('../dist'));
  chrome = await browser({ permissions: ['clipboard-read', 'clipboard-write'] });
});
after(async () => {
  await chrome?.close();
  await host?.close();
});

beforeEach(async () => {
  await page?.close();
  [violations, left] = [[], []];
  page = await chrome.watched(host.url, { complaints: violations, left });
  await page.goto(host.url);
  await page.evaluate(() => localStorage.clear());
  await page.waitForSelector('.hollow.empty');
});

const clean = () => {
  assert.deepEqual(violations, [], 'nothing is refused by the policy, nothing throws');
  assert.deepEqual(left, [], 'no request leaves the page');
};

const paste = (text) => pasted(page, text);
const rows = () => page.locator('.row').evaluateAll((all) => all.map((row) => row.innerText.replace(/\s+/g, ' ').trim()));
const article = () => page.getByRole('button', { name: 'See the article’s example' }).click();
const troubled = async () => {
  await page.locator('.action', { hasText: 'Sample' }).click();
  await page.waitForSelector('.row.service');
};
const highlight = (name) => page.evaluate((name) => [...(CSS.highlights.get(name) ?? [])].map(String), name);

test('the article’s example is one click away, and read through to its parameters', async () => {
  await article();
  await page.waitForSelector('.params');
  assert.match((await rows()).join('\n'), /com\.ikurento\.user\.UserProvider/);
  assert.equal(await page.locator('.verdict b').first().innerText(), 'dubbo-go reads this Pod.');
  assert.match(await page.locator('.badge').innerText(), /same bytes/);
  assert.deepEqual(await page.locator('.params tbody th').allInnerTexts(), ['category', 'dubbo', 'protocol']);
  clean();
});

test('what a reader has found wrong is said in Chinese too', async () => {
  await page.evaluate(() => localStorage.setItem('lang', 'zh'));
  await page.reload();
  for (const [name, text, detail] of [
    ['base64', pod({ name: 'a', records: [] }).replace(/"W10="/, '"dubbo.io"'), '应为：base64 字符（A-Z a-z 0-9 - _）；实际：“.”'],
    ['json', '{"kind":"Pod","metadata":{"name":"a"}', '应为：成员之后的“,”或“}”；实际：结尾'],
    ['yaml', 'kind: Pod\nmetadata: {name: [a\n', '括号没有闭合'],
    ['url', pod({ name: 'a', records: [key('a.B', 'providers', 'dubbo://h:用户/a.B')] }), '应为：端口号；实际：字节 0xe7；位置：该 URL 文本的字节 10'],
  ]) {
    await page.locator('#file').setInputFiles({ name: `${name}.txt`, mimeType: 'text/plain', buffer: Buffer.from(text) });
    await page.waitForSelector('.strip');
    await page.keyboard.press('F8');
    await page.waitForFunction((detail) => document.body.innerText.includes(detail), detail);
    await page.screenshot({ path: `${artefacts}/detail-zh-${name}.png` });
  }
  await page.evaluate(() => localStorage.setItem('lang', 'en'));
  clean();
});

test('one selection lights up every layer', async () => {
  await article();
  await page.locator('.params').getByRole('button', { name: 'dubbo', exact: true }).click();
  await page.waitForFunction(() => CSS.highlights.has('chosen'));
  const lit = await highlight('chosen');
  assert.equal(lit.length, 5);
  assert.equal(lit[4], 'dubbo=dubbogo-consumer-2.6.0');
  assert.equal(lit[3], 'dubbo%3Ddubbogo-consumer-2.6.0');
  assert.equal(lit[2], lit[3]);
  assert.equal(lit[0], lit[1]);
  assert.ok(Buffer.from(lit[1], 'base64url').length >= lit[3].length - 2);
  // And the other way: a place of the source selects its record.
  await page.locator('#source').evaluate((element) => {
    const text = element.firstChild;
    const at = text.data.indexOf('W3siayI6') + 12;
    getSelection().setBaseAndExtent(text, at, text, at + 4);
  });
  await page.locator('.key-only').waitFor();
  assert.equal(await page.locator('.key-only').innerText(), '/dubbo');
  clean();
});

test('places are right behind CJK and emoji', async () => {
  const text = `# 注释 😀😀\n${pod({ name: 'a', records: [key('用户.S', 'providers', 'dubbo://10.0.0.1:1/用户.S?owner=组😀&x=1')] })}`;
  await paste(text);
  await page.waitForSelector('.params');
  await page.locator('.params').getByRole('button', { name: 'owner' }).click();
  await page.waitForFunction(() => CSS.highlights.has('chosen'));
  const lit = await highlight('chosen');
  assert.equal(lit[4], 'owner=组😀');
  assert.match(lit[3], /^owner%3D%E7%BB%84%F0%9F%98%80$/i);
  assert.equal(lit[0], lit[1]);
  clean();
});

test('problems are counted, explained and walked through with F8', async () => {
  await troubled();
  const tally = await page.locator('.strip').innerText();
  assert.match(tally, /6\s+errors/);
  const codes = new Set();
  const inSight = () => page.waitForFunction(() => {
    const [one, list] = ['.problem.chosen', '.problems .list'].map((name) => document.querySelector(name).getBoundingClientRect());
    return one.top >= list.top - 1 && one.bottom <= list.bottom + 1;
  });
  for (let step = 0; step < 10; step++) {
    await page.keyboard.press('F8');
    await page.waitForFunction((step) => document.querySelectorAll('.problem')[step]?.classList.contains('chosen'), step);
    codes.add(await page.locator('.problem.chosen .code-name').innerText());
    await inSight();
  }
  for (const code of ['group-or-version-mismatch', 'consumer-without-provider', 'standard-alphabet', 'label-unknown', 'not-json', 'address-not-pod', 'provider-terminating', 'duplicate-record', 'double-encoded']) {
    assert.ok(codes.has(code), code);
  }
  await page.keyboard.press('Shift+F8');
  await page.waitForFunction(() => document.querySelectorAll('.problem')[8]?.classList.contains('chosen'));
  await page.screenshot({ path: `${artefacts}/problems.png` });
  clean();
});

test('a Pod that is selected as a whole shows what is wrong with its records', async () => {
  await troubled();
  await page.getByRole('button', { name: 'By Pod' }).click();
  const row = page.locator('.row.pod', { hasText: 'zz81c' });
  await row.locator('.mark.error').waitFor();
  await row.click();
  await page.waitForFunction(() => /address is not the Pod/.test(document.querySelector('.findings')?.innerText ?? ''));
  clean();
});

test('any number of problems is walked through, and only some are there at a time', async () => {
  await paste(Array.from({ length: 1000 }, (_, n) => pod({ name: `p-${n}`, records: [key('a.B', 'providers', `dubbo://10.0.${n >> 8}.${n & 255}:1/a.B`)], label: 'other' })).join('\n'));
  await page.waitForFunction(() => /1,000/.test(document.querySelector('.tally.error')?.textContent) && document.querySelector('.counts'));
  const chosen = (name) => page.waitForFunction((name) => document.querySelector('.problem.chosen .where')?.textContent === name, name);
  await page.keyboard.press('F8');
  await chosen('prod/p-0');
  await page.keyboard.press('Shift+F8');
  await chosen('prod/p-999');
  assert.ok((await page.locator('.problem').count()) <= 150);
  const more = () => page.locator('.problems .list').getByRole('button', { name: /Show more/ });
  for (let n = 0; n < 5; n++) {
    const first = await page.locator('.problem .where').first().innerText();
    await more().first().click();
    await page.waitForFunction((first) => document.querySelector('.problem .where').textContent !== first, first);
  }
  assert.ok((await page.locator('.problem').count()) <= 400);
  await page.keyboard.press('F8');
  await chosen('prod/p-0');
  clean();
});

test('the keys of the tree, of search and of help', async () => {
  await troubled();
  const active = () => page.locator('.row.active').innerText();
  await page.locator('#tree').focus();
  await page.keyboard.press('Home');
  await page.waitForFunction(() => document.querySelector('.row.active')?.dataset.index === '0');
  const open = () => page.locator('.row.active').getAttribute('aria-expanded');
  assert.equal(await open(), 'true');
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction(() => document.querySelector('.row.active')?.getAttribute('aria-expanded') === 'false');
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => document.querySelector('.row.active')?.getAttribute('aria-expanded') === 'true');
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() => document.querySelector('.row.active')?.dataset.index === '1');
  await page.keyboard.press('End');
  await page.waitForFunction(() => Number(document.querySelector('.row.active')?.dataset.index) === Number(document.querySelector('#tree').getAttribute('aria-rowcount')) - 1);
  assert.ok((await active()).length > 0);
  await page.keyboard.press('PageUp');
  await page.keyboard.press('/');
  await page.waitForFunction(() => document.activeElement?.id === 'find');
  await page.keyboard.type('methods=get  USER');
  await page.waitForFunction(() => [...document.querySelectorAll('.row.service')].length === 1);
  assert.match((await rows()).join(), /UserService/);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.querySelectorAll('.row.service').length > 3);
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('dialog').count(), 0);
  clean();
});

test('each key of the tree does what the ARIA practices say of it', async () => {
  const records = Array.from({ length: 60 }, (_, n) => key(`a.S${String(n).padStart(2, '0')}`, 'providers', `dubbo://10.0.0.1:1/a.S${n}`));
  await paste(pod({ name: 'shop-0', uid: 'u-1', records, ip: '10.0.0.1' }));
  await page.waitForSelector('.row.service');
  await page.locator('#tree').focus();
  const at = (index) => page.waitForFunction((index) => Number(document.querySelector('.row.active')?.dataset.index) === index, index);
  const count = () => page.locator('#tree').getAttribute('aria-rowcount').then(Number);
  const step = await page.locator('#tree').evaluate((tree) => Math.max(1, Math.floor(tree.clientHeight / 32) - 1));
  const all = await count();
  assert.equal(all, 180, 'a service, a role and an endpoint each');
  for (const [press, to] of [['Home', 0], ['PageDown', step], ['PageDown', 2 * step], ['PageUp', step], ['ArrowUp', step - 1], ['End', all - 1], ['PageDown', all - 1], ['ArrowDown', all - 1], ['Home', 0], ['PageUp', 0], ['ArrowUp', 0]]) {
    await page.keyboard.press(press);
    await at(to);
    const seen = await page.locator('.row.active').evaluate((row) => {
      const [one, tree] = [row.getBoundingClientRect(), row.closest('.tree').getBoundingClientRect()];
      return one.top >= tree.top - 1 && one.bottom <= tree.bottom + 1;
    });
    assert.ok(seen, `${press}: the active row is in sight`);
  }
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction((all) => Number(document.querySelector('#tree').getAttribute('aria-rowcount')) === all, all - 2);
  await page.keyboard.press('ArrowDown');
  await at(1);
  await page.keyboard.press('Enter');
  await page.waitForFunction((all) => Number(document.querySelector('#tree').getAttribute('aria-rowcount')) === all, all - 4);
  await page.keyboard.press('*');
  await page.waitForFunction((all) => Number(document.querySelector('#tree').getAttribute('aria-rowcount')) === all, all);
  for (const [press, to] of [['Home', 0], ['ArrowRight', 1], ['ArrowRight', 2], ['ArrowLeft', 1], ['ArrowLeft', 1]]) {
    await page.keyboard.press(press);
    await at(to);
  }
  await page.waitForFunction((all) => Number(document.querySelector('#tree').getAttribute('aria-rowcount')) === all, all - 1);
  await page.keyboard.press('ArrowLeft');
  await at(0);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction((all) => Number(document.querySelector('#tree').getAttribute('aria-rowcount')) === all, all);
  await page.keyboard.press('ArrowRight');
  await at(2);
  await page.keyboard.press('Space');
  await page.waitForFunction(() => document.querySelector('.row.active')?.getAttribute('aria-selected') === 'true');
  clean();
});

test('e edits: parameters, records, undo; the command is quoted and tests the old value', async () => {
  await paste(pod({ name: 'shop-0', uid: 'u-1', records: [key('a.B', 'providers', 'dubbo://10.0.0.1:1/a.B?x=1'), key('a.B', 'consumers', 'consumer://10.0.0.1/a.B')] }));
  await page.waitForSelector('.params');
  await page.keyboard.press('e');
  const field = page.locator('.params input').first();
  await field.fill("it's $(id)");
  await field.press('Enter');
  await page.waitForSelector('.editor .change');
  assert.match(await page.locator('.editor .change ins').first().innerText(), /it/);
  const line = await page.locator('.editor .out').innerText();
  assert.match(line, /^kubectl patch pod shop-0 --namespace=prod --type=json --patch='\[/);
  const patch = JSON.parse(line.slice(line.indexOf("'") + 1, -1));
  assert.deepEqual(patch.map((one) => one.op), ['test', 'test', 'replace']);
  const decoded = JSON.parse(Buffer.from(patch[2].value, 'base64url').toString());
  assert.match(decodeURIComponent(decodeURIComponent(decoded[0].k)), /x=it's\+\$\(id\)/);
  for (const tab of ['JSON Patch', 'Merge patch', 'Annotation']) await page.locator('.editor').getByRole('button', { name: tab, exact: true }).click();
  assert.equal(await page.locator('.editor .out').innerText(), patch[2].value);
  await page.getByRole('button', { name: 'Move down' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.records li')[1]?.classList.contains('chosen'));
  await page.getByRole('button', { name: 'Remove record' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.records li').length === 1);
  await page.locator('.inline.add [name=interface]').fill('c.D');
  await page.locator('.inline.add [name=url]').fill('nonsense');
  await page.getByRole('button', { name: 'Add record' }).click();
  await page.locator('.refusal').first().waitFor();
  await page.locator('.inline.add [name=url]').fill('tri://10.0.0.1:50051/c.D');
  await page.locator('.inline.add [name=interface]').fill('c.D');
  await page.getByRole('button', { name: 'Add record' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.records li').length === 2);
  await page.getByRole('button', { name: 'Reset' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.editor .change').length === 0);
  clean();
});

test('a record is changed as a whole: its URL, or key and value', async () => {
  await paste(pod({ name: 'shop-0', uid: 'u-1', records: ['/dubbo', key('a.B', 'providers', 'dubbo://10.0.0.1:1/a.B?x=1')] }));
  await page.waitForSelector('.params');
  await page.keyboard.press('e');
  const field = page.getByRole('textbox', { name: 'URL', exact: true });
  await field.fill('nonsense');
  await field.press('Enter');
  await page.locator('.refusal').waitFor();
  await field.fill('tri://10.0.0.9:50051/a.B?x=1');
  await field.press('Enter');
  await page.waitForFunction(() => document.querySelector('.part.scheme')?.textContent.includes('tri'));
  assert.equal(await page.locator('.refusal').count(), 0);
  assert.deepEqual(await page.locator('.editor .change del').allInnerTexts(), ['dubbo', '1', '1']);
  assert.deepEqual(await page.locator('.editor .change ins').allInnerTexts(), ['tri', '9', '50051']);
  await page.locator('.records button.plain').first().click();
  await page.getByRole('textbox', { name: 'Value', exact: true }).fill('kept');
  await page.getByRole('textbox', { name: 'Value', exact: true }).press('Enter');
  await page.locator('.editor').getByRole('button', { name: 'Annotation', exact: true }).click();
  await page.waitForFunction(() => atob(document.querySelector('.editor .out').textContent).startsWith('[{"k":"/dubbo","v":"kept"}'));
  await page.getByRole('textbox', { name: 'Key', exact: true }).fill('/dubbo/c.D');
  await page.getByRole('textbox', { name: 'Key', exact: true }).press('Enter');
  await page.waitForFunction(() => atob(document.querySelector('.editor .out').textContent).startsWith('[{"k":"/dubbo/c.D","v":"kept"}'));
  clean();
});

test('a text in which nothing can be read says why at once, and where', async () => {
  await paste('kind: Pod\nmetadata:\n  name: [a\n');
  await page.locator('.problem.chosen').waitFor();
  assert.match(await page.locator('.problem.chosen').innerText(), /source-syntax/);
  assert.ok((await highlight('wrong')).length === 1, 'the place is underlined');
  await paste('hello world');
  await page.locator('.verdict.refused').waitFor();
  assert.equal(await page.locator('.pane-detail h2').innerText(), 'Annotation');
  assert.equal(await page.locator('.layer.base64 .code').innerText(), 'hello world');
  clean();
});

test('nothing is cut off at any width', async () => {
  await troubled();
  for (const width of [1440, 1101, 1100, 1024, 900, 800, 761, 760, 600, 420, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const over = await page.evaluate(() => [...document.querySelectorAll('html, .bar, .head, .strip, .row')].filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.className));
    assert.deepEqual(over, [], String(width));
  }
  clean();
});

test('a repair is shown as a difference and applied', async () => {
  const value = annotation([key('a.B', 'providers', 'dubbo://10.0.0.1:1/a.B?x=~~~???')]);
  await paste(`"${value.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')}"`);
  await page.locator('.steps li').first().waitFor();
  assert.match(await page.locator('.verdict b').first().innerText(), /refuses/);
  await page.getByRole('button', { name: 'Apply the repair' }).click();
  await page.waitForFunction(() => document.querySelector('.verdict.read') !== null);
  await page.locator('.editor').getByRole('button', { name: 'Annotation', exact: true }).click();
  assert.equal(await page.locator('.editor .out').innerText(), value);
  clean();
});

test('hostile names are shown and never run', async () => {
  await page.evaluate(() => (window.pwned = 0));
  const evil = `<img src=x onerror=pwned=1>'"\`$(touch /tmp/pwned);--`;
  await paste(pod({ name: evil, namespace: '<script>pwned=1</script>', records: [key('a<b>.B', 'providers', 'dubbo://10.0.0.1:1/a?x=<svg onload=pwned=1>')] }));
  await page.waitForSelector('.detail, .verdict');
  await page.waitForFunction((evil) => document.body.innerText.includes(evil), evil);
  await page.keyboard.press('e');
  await page.waitForSelector('.editor .refusal');
  assert.equal(await page.locator('.editor .out').count(), 0, 'no command is made of such a name');
  assert.equal(await page.evaluate(() => window.pwned), 0);
  clean();
});

test('what kubectl prints in YAML is read: a list of many Pods, or a document for each', async () => {
  const provider = (at) => key('a.B', 'providers', `dubbo://10.0.${at >> 8}.${at & 255}:20880/a.B?note=用户`);
  const items = Array.from({ length: 300 }, (_, at) => JSON.parse(pod({ name: `p-${at}`, records: [provider(at)], ip: `10.0.${at >> 8}.${at & 255}` })));
  const list = kubectl({ apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } });
  const documents = items.slice(0, 3).map((item) => kubectl(item)).join('\n---\n');
  for (const [name, text, count] of [['list.yaml', list, 300], ['documents.yaml', `---\n${documents}\n`, 3]]) {
    await page.setInputFiles('#file', { name, mimeType: 'a/b', buffer: Buffer.from(text) });
    await page.waitForFunction((count) => new RegExp(`^${count}\\s+Pods`).test(document.querySelector('.counts')?.innerText ?? ''), count);
    await page.locator('.pane-services .small.icon').first().click();
    await page.locator('.row.endpoint').nth(1).click();
    await page.waitForSelector('.params');
    assert.equal(await page.locator('.params tbody td').last().innerText(), '用户');
    assert.equal(await page.locator('.pod-name').innerText(), 'prod/p-1');
    await page.locator('.params tbody tr').last().click();
    await page.waitForFunction(() => [...(CSS.highlights.get('chosen') ?? [])].some((range) => range.startContainer.parentElement.closest('.pane-source')), null, { timeout: 5000 });
    assert.doesNotMatch(await page.locator('.strip').innerText(), /error|warning/);
  }
  clean();
});

test('what people save is called by its name, and a place in it is found', async () => {
  const one = (name) => pod({ name, records: [key('a.B', 'providers', 'dubbo://10.0.0.1:20880/a.B?note=用户')] });
  const event = (name) => `{"type":"ADDED","object":${one(name)}}\n`;
  const log = '==== START logs for container c of pod n/a ====\n{"level":"info"}\n==== END logs for container c of pod n/a ====\n';
  const member = (text) => gzipSync(text);
  const utf16 = (text) => Buffer.from(`\ufeff${text}`, 'utf16le');
  const annotation = JSON.parse(one('a')).metadata.annotations['dubbo.io/annotation'];
  const saved = [
    ['annotation.txt', annotation, 'Annotation', 1],
    ['assigned.txt', `a="b"\ndubbo.io/annotation="${annotation}"\n`, 'Annotation', 1],
    ['records.json', atob(annotation), 'Records · JSON', 1],
    ['url.txt', 'dubbo://10.0.0.1:20880/a.B?interface=a.B', 'URLs and keys', 1],
    ['key.txt', key('a.B', 'providers', 'dubbo://10.0.0.1:20880/a.B'), 'URLs and keys', 1],
    ['metadata.json', '{"dubbo.endpoints":"[{\\"port\\":20880,\\"protocol\\":\\"dubbo\\"}]"}', 'io.dubbo/metadata · JSON', 1],
    ['watch.json', event('a') + event('b') + event('a'), 'Watch events · JSON', 2],
    ['dump.txt', one('a') + '\n' + log + one('b') + '\n' + log, 'cluster-info dump · JSON · 6 other lines', 2],
    ['shell.txt', `$ kubectl get pod a -o json\n${one('a')}\n`, 'Pods · JSON · 1 other lines', 1],
    ['string.json', JSON.stringify(one('a')), 'Pods · JSON · in a string', 1],
    ['powershell.json', utf16(one('a')), 'Pods · JSON · UTF-16', 1],
    ['powershell.yaml', utf16(kubectl(JSON.parse(one('a')))), 'Pods · YAML · UTF-16', 1],
    ['packed.json.gz', member(one('a')), 'Pods · JSON · gzip', 1],
    ['members.json.gz', Buffer.concat([member(one('a')), member('\n'), member(one('b'))]), 'Pods · JSON · gzip', 2],
    ['packed.yaml.gz', member(utf16(kubectl(JSON.parse(one('a'))))), 'Pods · YAML · gzip · UTF-16', 1],
    ['broken.json', one('a') + '\n' + one('b').slice(0, 100), 'Pods · JSON', 1],
    ['cut.json.gz', Buffer.concat([member(one('a')), member(one('b')).subarray(0, -4)]), 'Pods · JSON · gzip', 2],
    ['describe.txt', 'Name:             a\nNamespace:        n\nPriority:         0\n', 'kubectl describe', 0],
    ['table.txt', 'NAME   READY   STATUS\na      1/1     Running\n', 'kubectl get', 0],
  ];
  for (const [name, text, called, count] of saved) {
    await page.setInputFiles('#file', { name, mimeType: 'a/b', buffer: Buffer.from(text) });
    await page.waitForFunction(([called, count]) => document.querySelector('.pane-source .tag')?.innerText === called && new RegExp(`^${count}\\s+Pod`).test(document.querySelector('.counts')?.innerText ?? ''), [called, count]).catch(async () => {
      assert.fail(`${name}: ${await page.locator('.pane-source .tag').allInnerTexts()} ${await page.locator('.counts').allInnerTexts()}`);
    });
    const wrong = /^(broken|cut|describe|table)/.test(name);
    await page.waitForFunction((wrong) => /error/.test(document.querySelector('.strip').innerText) === wrong, wrong);
    if (/^(string|powershell|members|packed)/.test(name)) {
      await page.locator('.pane-services .small.icon').first().click();
      await page.locator('.row.endpoint').first().click();
      await page.waitForSelector('.params');
      await page.locator('.params tbody tr').last().click();
      await page.waitForFunction(() => [...(CSS.highlights.get('chosen') ?? [])].some((range) => range.startContainer.parentElement.closest('.pane-source')), null, { timeout: 5000 });
      const chosen = await page.evaluate(() => [...CSS.highlights.get('chosen')].filter((range) => range.startContainer.parentElement.closest('.pane-source')).map(String));
      assert.ok(chosen.length === 1 && annotation.includes(chosen[0]), name);
    }
  }
  await page.setInputFiles('#file', { name: 'd.txt', mimeType: 'a/b', buffer: Buffer.from(saved.find(([name]) => name === 'describe.txt')[1]) });
  await page.locator('.problem.chosen').waitFor();
  assert.match(await page.locator('.problem.chosen').innerText(), /run `kubectl get pod a -n n -o yaml`/);
  await paste(JSON.stringify(one('a')));
  await page.waitForFunction((text) => document.querySelector('#source').textContent === text, one('a'));
  clean();
});

test('bombs, depth and wrong encodings end in a state, not in a hang', async () => {
  let bomb = 'a: &a [x,x,x,x,x,x,x,x,x]\n';
  for (let i = 1; i < 26; i++) bomb += `${String.fromCharCode(97 + i)}: &${String.fromCharCode(97 + i)} [${Array(9).fill(`*${String.fromCharCode(96 + i)}`)}]\n`;
  const files = {
    'bomb.yaml': Buffer.from(bomb),
    'deep.json': Buffer.from('['.repeat(1_000_000)),
    'deep.yaml': Buffer.from('- '.repeat(200_000)),
    'damaged.gz': Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]),
    'twice.gz': gzipSync(gzipSync('x')),
    'binary.bin': Buffer.from([0xff, 0xd8, 0xff, 0x00]),
    'utf16.yaml': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(pod({ name: 'a', records: ['/dubbo'] }), 'utf16le')]),
  };
  const seen = {};
  for (const [name, buffer] of Object.entries(files)) {
    await page.setInputFiles('#file', { name, mimeType: 'text/plain', buffer });
    await page.waitForFunction(() => !document.querySelector('.spinner') && (document.querySelector('.refused') || document.querySelector('.counts')), undefined, { timeout: 15_000 });
    seen[name] = await page.evaluate(() => document.querySelector('.refused p')?.innerText ?? document.querySelector('.strip')?.innerText ?? '');
    await page.locator('.small', { hasText: 'Clear' }).first().click();
    await page.waitForSelector('.hollow.empty');
  }
  assert.match(seen['damaged.gz'], /error/);
  assert.match(seen['twice.gz'], /packed twice/);
  assert.match(seen['binary.bin'], /not text/);
  assert.match(seen['deep.json'], /error/);
  assert.match(seen['deep.yaml'], /error/);
  assert.doesNotMatch(seen['utf16.yaml'], /error/);
  clean();
});

test('a file that is too large is refused unread; reading can be cancelled', async () => {
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(200 << 20)], 'huge.json'));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await page.locator('.refused').waitFor();
  assert.match(await page.locator('.refused p').innerText(), /larger/);
  await page.screenshot({ path: `${artefacts}/too-large.png` });
  await page.evaluate(() => {
    const line = new TextEncoder().encode(`${'x: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"\n'.repeat(1000)}---\n`);
    const data = new DataTransfer();
    data.items.add(new File(Array(2000).fill(line), 'slow.yaml'));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await page.locator('.spinner').waitFor();
  await page.keyboard.press('Escape');
  await page.waitForSelector('.hollow.empty');
  await article();
  await page.waitForSelector('.params');
  clean();
});

test('a link carries the Pod without its secrets, and opens again', async () => {
  await paste(pod({ name: 'a', records: [key('a.B', 'providers', 'dubbo://me:hunter2@10.0.0.1:1/a.B?token=s3cret&x=1')] }));
  await page.waitForSelector('.params');
  await page.locator('.action', { hasText: 'Share' }).click();
  const field = page.getByRole('dialog').locator('input');
  await page.waitForFunction(() => document.querySelector('.dialog input')?.value.includes('#p='));
  const url = await field.inputValue();
  const other = await chrome.context.newPage();
  await other.goto(url);
  await other.waitForSelector('.params');
  const text = await other.evaluate(() => document.body.innerText);
  assert.match(text, /redacted/);
  assert.doesNotMatch(text, /hunter2|s3cret/);
  await other.close();
  assert.ok(!host.asked.some((path) => path.includes('p=')));
  clean();
});

test('two texts are compared by their records', async () => {
  const [one, two] = ['1', '2'].map((n) => pod({ name: 'a', records: ['/dubbo', key('a.B', 'providers', `dubbo://10.0.0.${n}:1/a.B`)] }));
  await paste(one);
  await page.waitForSelector('.params');
  await page.locator('.action', { hasText: 'Diff' }).click();
  await page.getByRole('button', { name: /Keep this one/ }).click();
  await page.keyboard.press('Escape');
  await paste(two);
  await page.waitForFunction(() => document.querySelector('#source')?.textContent.length > 0 && document.querySelector('.params'));
  await page.locator('.action', { hasText: 'Diff' }).click();
  await page.waitForSelector('.dialog .change');
  assert.match(await page.locator('.dialog del').innerText(), /10\.0\.0\.1/);
  assert.match(await page.locator('.dialog ins').innerText(), /10\.0\.0\.2/);
  await page.keyboard.press('Escape');
  await paste(pod({ name: 'a', records: ['/dubbo', key('a.B', 'providers', 'dubbo://10.0.0.1:1/a.B?weight=50&tag=')] }));
  await page.waitForFunction(() => document.querySelector('.params')?.innerText.includes('50'));
  await page.locator('.action', { hasText: 'Diff' }).click();
  await page.getByRole('button', { name: /Keep this one/ }).click();
  await page.keyboard.press('Escape');
  await paste(pod({ name: 'a', records: ['/dubbo', key('a.B', 'providers', 'dubbo://10.0.0.1:1/a.B?weight=200')] }));
  await page.waitForFunction(() => document.querySelector('.params')?.innerText.includes('200'));
  await page.locator('.action', { hasText: 'Diff' }).click();
  await page.waitForSelector('.dialog .param');
  const params = await page.locator('.dialog .param').allInnerTexts();
  assert.deepEqual(params.map((text) => text.replace(/\s+/g, ' ').trim()), ['weight = 50 200', 'tag =']);
  assert.equal(await page.locator('.dialog del').last().innerText(), 'tag =');
  await page.keyboard.press('Escape');
  for (const [url, done] of [['?b=1&a=2', /Keep this one/], ['?a=2&b=1', null]]) {
    await paste(pod({ name: 'a', records: [key('a.B', 'providers', `dubbo://10.0.0.1:1/a.B${url}`)] }));
    await page.waitForFunction((url) => document.querySelector('.layer.url .code')?.textContent.includes(url), url);
    await page.locator('.action', { hasText: 'Diff' }).click();
    if (done) await page.getByRole('button', { name: done }).click();
    else await page.waitForSelector('.dialog .change');
    if (done) await page.keyboard.press('Escape');
  }
  assert.match(await page.locator('.dialog .change').innerText(), /written differently/);
  clean();
});

test('the policy forbids eval, inline script and every other host', async () => {
  const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content');
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /'unsafe-eval'|'unsafe-inline'|https?:|\*/);
  const outcomes = await page.evaluate(async () => {
    const tried = {};
    // In a task of the page's own: the debugger's may do anything.
    tried.eval = await new Promise((done) => setTimeout(() => { try { done(Function('return 1')()); } catch { done('refused'); } }));
    tried.fetch = await fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused');
    tried.html = (() => { try { document.createElement('div').innerHTML = '<b>'; return 'taken'; } catch { return 'refused'; } })();
    return tried;
  });
  assert.deepEqual(outcomes, { eval: 'refused', fetch: 'refused', html: 'refused' });
});

test('once loaded it works without a network', async () => {
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload(); // now the page's files come through the service worker
  await article();
  await page.waitForSelector('.params');
  await chrome.context.setOffline(true);
  try {
    await page.reload();
    await page.waitForSelector('.params'); // what was there is there again
    await page.locator('.pane-source .small', { hasText: 'Clear' }).click();
    await article();
    await page.waitForSelector('.params');
  } finally {
    await chrome.context.setOffline(false);
  }
});
