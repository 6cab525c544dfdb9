// Added to a copy of the page by TestHTMLInBrowser: does what a reader does and writes down what goes wrong.
(() => {
'use strict';
const wrong = [];
const get = (id) => document.getElementById(id);
const check = (holds, what) => { if (!holds) wrong.push(what); };
addEventListener('error', (e) => wrong.push('error: ' + e.message));
document.addEventListener('securitypolicyviolation', (e) => wrong.push('policy: ' + e.violatedDirective + ' ' + e.blockedURI));
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const visible = () => [...document.querySelectorAll('.finding')].filter((f) => !f.hidden && !f.closest('[hidden]'));

const luminance = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const rgb = (s) => (s.match(/[\d.]+/g) || []).map(Number);
const ground = (e) => {
  for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c;
  }
  return [255, 255, 255];
};
// https://www.w3.org/TR/WCAG22/#contrast-minimum
const contrast = (theme) => {
  document.documentElement.dataset.theme = theme;
  const seen = new Set();
  for (const e of document.querySelectorAll('body *:not(script):not(svg *)')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.closest('[hidden],option')) continue;
    const front = rgb(getComputedStyle(e).color), back = ground(e);
    const key = theme + ' ' + (e.className || e.tagName) + ' ' + front + ' on ' + back;
    if (seen.has(key)) continue;
    seen.add(key);
    const [a, b] = [luminance(front), luminance(back)].sort((x, y) => y - x);
    check((a + 0.05) / (b + 0.05) >= 4.5, 'contrast ' + ((a + 0.05) / (b + 0.05)).toFixed(2) + ': ' + key);
  }
  check(seen.size > 5, 'no text was looked at');
};

const run = async () => {
  const all = visible().length;
  check(all > 0, 'no findings are shown');
  const severity = get('f-severity');
  severity.value = 'critical';
  severity.dispatchEvent(new Event('input', { bubbles: true }));
  await pause(50);
  const critical = visible();
  check(critical.length > 0 && critical.length < all, 'the filter by severity shows ' + critical.length + ' of ' + all);
  check(critical.every((f) => f.dataset.s === 'critical'), 'the filter by severity shows others');
  check(get('shown').textContent.startsWith(critical.length + ' of ' + all), 'the count says ' + get('shown').textContent);

  // A link leads to a finding that the filter hides.
  const hidden = [...document.querySelectorAll('.finding')].find((f) => f.hidden);
  if (hidden) {
    location.hash = '#' + hidden.id;
    await pause(50);
    check(!hidden.hidden && hidden.open, 'a link does not show its finding');
    check(document.activeElement === hidden.querySelector('summary'), 'a link does not move the focus');
    check(visible().length === all, 'a link leaves the filter on');
  }
  for (const name of ['tier', 'level', 'kind']) {
    const select = get('f-' + name), option = select.options[select.options.length - 1];
    select.value = option.value;
    select.dispatchEvent(new Event('input', { bubbles: true }));
    await pause(50);
    check(option.textContent.endsWith('(' + visible().length + ')'), name + ' ' + option.textContent + ' shows ' + visible().length);
    get('filter').reset();
    await pause(50);
  }
  const started = performance.now();
  get('f-text').value = 'no such words anywhere';
  get('f-text').dispatchEvent(new Event('input', { bubbles: true }));
  await pause(300);
  check(visible().length === 0, 'a text that nothing has shows ' + visible().length);
  check(performance.now() - started < 10000, 'the filter by text takes ' + (performance.now() - started) + ' ms');
  get('filter').reset();
  await pause(50);
  check(visible().length === all, 'reset shows ' + visible().length);

  const nodes = [...document.querySelectorAll('.drawing .node[role=button]')];
  if (document.querySelector('.drawing')) {
    check(nodes.length > 0, 'nothing in the drawing can be chosen');
    for (const n of nodes) {
      check(n.tabIndex === 0 && n.getAttribute('aria-label'), n.id + ' has no name or is out of the order');
    }
    nodes[0].focus();
    nodes[0].dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
    check(!get('answer').hidden && get('answer').textContent.trim() !== '', 'Enter shows no answer');
    check(nodes[0].getAttribute('aria-pressed') === 'true', 'the chosen node is not marked');
    check(document.activeElement === get('answer'), 'Enter does not lead to the answer');
    get('answer').dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    check(document.activeElement === nodes[0], 'Escape does not lead back');
    const way = document.querySelector('#surface a[href^="#node-"]');
    way.click();
    await pause(50);
    check(get('answer').querySelector('h3').textContent === way.textContent || get('answer').querySelector('.exposed'), 'a way in does not show its answer');
    get('next').click();
    check(get('answer').querySelector('.exposed'), 'the next exposure is none');
  }
  const theme = get('theme'), before = getComputedStyle(document.body).backgroundColor;
  theme.click();
  check(getComputedStyle(document.body).backgroundColor !== before, 'the theme does not change');

  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  check(new Set(ids).size === ids.length, 'ids repeat');
  for (const a of document.querySelectorAll('a[href^="#"]')) {
    check(get(decodeURIComponent(a.getAttribute('href').slice(1))), 'a link leads nowhere: ' + a.getAttribute('href'));
  }
  for (const e of document.querySelectorAll('button,select,input')) {
    check(e.textContent.trim() || e.labels?.length, 'a control has no label: ' + e.outerHTML.slice(0, 80));
  }
  check(document.querySelectorAll('main,h1').length === 2, 'there is not one main part and one heading');
  check(document.documentElement.scrollWidth <= innerWidth, 'the page is ' + document.documentElement.scrollWidth + ' wide in a window of ' + innerWidth);
  check(performance.getEntriesByType('resource').length === 0, 'the page loads ' + performance.getEntriesByType('resource').map((r) => r.name));
  if (all < 500) {
    document.querySelectorAll('details').forEach((d) => { d.open = true; });
    contrast('light');
    contrast('dark');
  }
};
run().catch((e) => wrong.push(String(e))).then(() => {
  parent.postMessage(wrong.length === 0 ? 'all is well' : wrong.join('\n'), '*');
});
})();
