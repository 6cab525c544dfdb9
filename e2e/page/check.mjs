// Does in Chromium what a reader of the report does, and fails where something is not as it should be.
import puppeteer from 'puppeteer-core';
import axe from 'axe-core';

const [, , file, many] = process.argv;
const page = 'file://' + file;
const wrong = [];
const check = (holds, what) => { if (!holds) wrong.push(what); };
const browser = await puppeteer.launch({ executablePath: process.env.BROWSER, headless: true, args: ['--no-sandbox', '--disable-gpu'] });

// open returns a tab that shows an address. Whatever the page asks for or complains of is wrong.
const open = async (address, { width = 1440, scheme = 'light', scripts = true } = {}) => {
  const tab = await browser.newPage();
  const name = `${width} ${scheme}`;
  tab.on('console', (m) => { if (['error', 'warn'].includes(m.type())) wrong.push(`${name}: console: ${m.text()}`); });
  tab.on('pageerror', (e) => wrong.push(`${name}: ${e.message}`));
  tab.on('request', (r) => { if (r.url().split('#')[0] !== address.split('#')[0]) wrong.push(`${name}: asks for ${r.url()}`); });
  await tab.setJavaScriptEnabled(scripts);
  await tab.setViewport({ width, height: 900 });
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await tab.goto(address, { waitUntil: 'load' });
  return tab;
};
const said = (tab, selector) => tab.$eval(selector, (e) => e.textContent.trim());
const settled = (tab) => tab.evaluate(() => new Promise((done) => setTimeout(done, 250)));
const focused = (tab) => tab.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);

// Three widths, two schemes: nothing is wider than the window, and axe finds nothing (WCAG 2.2 AA and best practice).
let rules = 0;
for (const width of [360, 820, 1440]) {
  for (const scheme of ['light', 'dark']) {
    const tab = await open(page, { width, scheme });
    const over = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(over <= 0, `${width}: the page is ${over} pixels wider than the window`);
    await tab.evaluate(() => document.querySelectorAll('.block, [data-tier=attend] .finding').forEach((d) => { d.open = true; }));
    await tab.evaluate(axe.source);
    const judged = await tab.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    rules = judged.passes.length;
    for (const v of judged.violations) {
      wrong.push(`${width} ${scheme}: axe ${v.id} (${v.impact}), ${v.nodes.length} times: ${v.help}: ${v.nodes[0].html.slice(0, 120)} ${v.nodes[0].failureSummary.split('\n')[1] ?? ''}`);
    }
    await tab.close();
  }
}
check(rules > 20, `axe looked at ${rules} rules only`);

// By keyboard alone.
{
  const tab = await open(page);
  const press = (...keys) => keys.reduce((before, key) => before.then(() => tab.keyboard.press(key)), Promise.resolve());
  await press('Tab');
  check(await focused(tab) === 'skip', 'the first stop is not the link past the head: ' + await focused(tab));
  await press('Enter');
  await settled(tab);
  check(await focused(tab) === 'main', 'the link past the head does not lead to the content');
  await press('/');
  check(await focused(tab) === 'f-text', '/ does not lead to the filter');
  await tab.keyboard.type('ejs');
  await settled(tab);
  const shown = await said(tab, '#shown');
  check(/^[1-9]\d* of \d+ findings shown$/.test(shown) && !shown.startsWith('59 '), 'typing filters nothing: ' + shown);
  await press('Tab');
  check(await focused(tab) === 'f-severity', 'the severity is not the next stop');
  await tab.keyboard.type('crit');
  await settled(tab);
  check(await tab.$$eval('.finding', (all) => all.filter((f) => f.checkVisibility()).every((f) => f.dataset.s === 'critical')), 'a letter chooses no severity');
  await press('Tab', 'Tab', 'Tab', 'Tab', 'Enter');
  await settled(tab);
  check(await said(tab, '#shown') === `${await tab.$$eval('.finding', (all) => all.length)} of ${await tab.$$eval('.finding', (all) => all.length)} findings shown`, 'Show all does not');
  await press('Tab');
  const before = await tab.evaluate(() => document.activeElement.parentElement.open);
  await press('Enter');
  check(await tab.evaluate(() => document.activeElement.parentElement.open) === !before, 'Enter neither opens nor closes a finding');
  // The drawing: to the first node by Tab from its frame, Enter, Escape.
  await tab.focus('.drawing');
  await press('Tab');
  check(await tab.evaluate(() => document.activeElement.classList.contains('node')), 'Tab does not lead into the drawing');
  const node = await focused(tab);
  await press('Enter');
  check(await focused(tab) === 'answer' && (await said(tab, '#answer')).length > 20, 'Enter on a node shows no answer');
  await press('Escape');
  check(await focused(tab) === node, 'Escape does not lead back to the node');
  const theme = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await tab.focus('#theme');
  await press('Space');
  check(await tab.evaluate(() => getComputedStyle(document.body).backgroundColor) !== theme, 'the button does not change the theme');
  await tab.close();
}

// By mouse: a tile filters, a finding's link survives a load, each exposure can be walked to.
{
  const tab = await open(page);
  await tab.click('.urgency a.act');
  await settled(tab);
  check(await tab.$$eval('.finding', (all) => all.filter((f) => f.checkVisibility()).every((f) => f.closest('[data-tier=act]'))), 'the tile of act shows others');
  await tab.click('#packages summary');
  await tab.type('#p-text', 'ejs');
  await settled(tab);
  check(/^1 of /.test(await said(tab, '#p-shown')), 'one package is ejs, shown are ' + await said(tab, '#p-shown'));
  const inView = (selector) => tab.$eval(selector, (e) => { const box = e.getBoundingClientRect(); return box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth; });
  for (const link of await tab.$$('#surface a[href^="#node-"]')) {
    const node = await link.evaluate((e) => e.getAttribute('href'));
    await link.click();
    await settled(tab);
    check(await inView(node) && await inView('#answer h3'), `the way in ${node} and its answer are not seen together`);
  }
  const exposed = await tab.$$eval('#answers .exposed', (all) => all.length);
  const seen = new Set();
  for (let i = 0; i < exposed; i++) {
    await tab.click('#next');
    seen.add(await said(tab, '#answer h3'));
  }
  check(seen.size === exposed && exposed > 0, `Next exposure shows ${seen.size} of ${exposed}`);
  const id = await tab.$eval('[data-tier=track] .finding:not([open])', (f) => f.id);
  await tab.close();
  const linked = await open(`${page}#${id}`, { width: 820 });
  await settled(linked);
  const place = await linked.evaluate((id) => {
    const f = document.getElementById(id);
    const box = f.getBoundingClientRect();
    return { open: f.open, seen: box.top >= 0 && box.top < innerHeight, focus: f.contains(document.activeElement), covered: !f.contains(document.elementFromPoint(box.left + 20, box.top + 12)) };
  }, id);
  check(place.open && place.seen && place.focus && !place.covered, 'a link to a finding leads elsewhere: ' + JSON.stringify(place));
  await linked.close();
}

// Without scripts everything can be read, and nothing offers what does not work.
{
  const tab = await open(page, { scripts: false });
  const found = await tab.$$('.finding');
  let shown = 0;
  for (const f of found) shown += await f.boundingBox() ? 1 : 0;
  check(shown === found.length && shown > 0, `without scripts ${shown} of ${found.length} findings are shown`);
  for (const id of ['#filter', '#theme', '.buttons', '.narrow']) {
    const element = await tab.$(id);
    check(!await element.boundingBox(), `without scripts ${id} is shown`);
  }
  await tab.close();
}

// On paper: light, the urgent findings open, no controls, nothing cut off at the side.
{
  const tab = await open(page, { scheme: 'dark' });
  const pdf = await tab.pdf({ format: 'A4', path: process.env.PAPER || undefined });
  const pages = (Buffer.from(pdf).toString('latin1').match(/\/Type\s*\/Page\b/g) ?? []).length;
  check(pages >= 3 && pages <= 20, `the report takes ${pages} sheets`);
  await tab.emulateMediaType('print');
  check(await tab.evaluate(() => getComputedStyle(document.querySelector('nav')).display === 'none'), 'the navigation is printed');
  const paper = await tab.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  check(paper === 'light', `the scheme on paper is ${paper}`);
  await tab.close();
}

// 5,000 findings: the time until the page can be used, and until a filter has been applied. What takes longer than a
// second here is felt as a wait everywhere; the limit leaves room for a busy machine.
{
  const started = performance.now();
  const tab = await open('file://' + many);
  await tab.waitForFunction(() => !document.getElementById('filter').hidden);
  const ready = performance.now() - started;
  const count = await tab.$$eval('.finding', (all) => all.length);
  check(count === 5000, `${count} findings are in the page`);
  const times = await tab.evaluate(async () => {
    const apply = async (id, value) => {
      const field = document.getElementById(id), status = document.getElementById('shown');
      const from = performance.now();
      const changed = new Promise((done) => { new MutationObserver((_, o) => { o.disconnect(); done(); }).observe(status, { childList: true, characterData: true, subtree: true }); });
      field.value = value;
      field.dispatchEvent(new Event('input', { bubbles: true }));
      await changed;
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      return Math.round(performance.now() - from);
    };
    const times = { severity: await apply('f-severity', 'critical') };
    await apply('f-severity', '');
    times.words = await apply('f-text', 'ejs');
    times.again = await apply('f-text', 'ejs web');
    return times;
  });
  console.log(`5,000 findings: ready after ${Math.round(ready)} ms; filter by severity ${times.severity} ms, by words ${times.words} ms, by more words ${times.again} ms (120 ms of a filter by words are the wait for the next key)`);
  check(ready < 10000, `5,000 findings take ${ready} ms to show`);
  for (const [what, ms] of Object.entries(times)) check(ms < 3000, `5,000 findings: filter by ${what} takes ${ms} ms`);
  await tab.close();
}

await browser.close();
for (const w of wrong) console.error('wrong: ' + w);
if (wrong.length > 0) process.exit(1);
console.log(`ok: three widths, light and dark, ${rules} rules of axe, keyboard, mouse, links, paper, no scripts`);
