(() => {
'use strict';
const root = document.documentElement;
const get = (id) => document.getElementById(id);
const show = (...elements) => elements.forEach((e) => { e.hidden = false; });

// The theme is that of the system until somebody chooses another.
const theme = get('theme');
const dark = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches;
const paint = () => theme.setAttribute('aria-pressed', String(isDark()));
theme.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; paint(); });
dark.addEventListener('change', paint);
paint();
show(theme);

// Findings: what each is, read once; a filter then only hides and shows.
const sections = [...document.querySelectorAll('.tier-list[data-tier]')].map((element) => ({
  element, count: element.querySelector('.count'),
  findings: [...element.querySelectorAll('.finding')].map((e) => ({ element: e, tier: element.dataset.tier, severity: e.dataset.s, level: e.dataset.l, kind: e.dataset.k, text: '' })),
}));
const total = sections.reduce((n, s) => n + s.findings.length, 0);
const form = get('filter');
const fields = ['severity', 'tier', 'level', 'kind'].map((name) => ({ name, select: get('f-' + name) }));
const text = get('f-text');
const filter = () => {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const s of sections) {
    let here = 0;
    for (const f of s.findings) {
      let fits = fields.every(({ name, select }) => select.value === '' || f[name] === select.value);
      if (fits && words.length > 0) {
        f.text = f.text || f.element.textContent.toLowerCase();
        fits = words.every((w) => f.text.includes(w));
      }
      f.element.hidden = !fits;
      here += fits ? 1 : 0;
    }
    s.element.hidden = here === 0;
    s.count.textContent = String(here);
    shown += here;
  }
  get('shown').textContent = shown + ' of ' + total + ' findings shown';
};
let waiting = 0;
form.addEventListener('input', (event) => {
  clearTimeout(waiting);
  waiting = setTimeout(filter, event.target === text ? 120 : 0);
});
form.addEventListener('reset', () => { clearTimeout(waiting); waiting = setTimeout(filter, 0); });
form.addEventListener('submit', (event) => event.preventDefault());
document.querySelectorAll('a[data-show]').forEach((a) => a.addEventListener('click', () => {
  form.reset();
  get('f-tier').value = a.dataset.show;
  clearTimeout(waiting);
  filter();
}));
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input,select,textarea')) return;
  event.preventDefault();
  text.focus();
});
if (total > 0) {
  show(form);
  filter();
}

// Packages: rows that fit.
const rows = get('p-rows');
if (rows) {
  const all = [...rows.rows], words = get('p-text'), found = get('p-found');
  const narrow = () => {
    const want = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of all) {
      const content = want.length > 0 ? row.textContent.toLowerCase() : '';
      row.hidden = (found.checked && !('found' in row.dataset)) || !want.every((w) => content.includes(w));
      shown += row.hidden ? 0 : 1;
    }
    get('p-shown').textContent = shown + ' of ' + all.length + ' shown';
  };
  let later = 0;
  words.addEventListener('input', () => { clearTimeout(later); later = setTimeout(narrow, 120); });
  found.addEventListener('change', narrow);
  show(words.closest('.narrow'));
  narrow();
}

// The drawing: each node shows its answer.
const panel = get('answer');
const drawing = document.querySelector('.drawing');
const answers = new Map([...document.querySelectorAll('.answer[data-node]')].map((a) => [a.dataset.node, a]));
let chosen = null;
const choose = (node) => {
  const answer = answers.get(node.id);
  if (!answer) return;
  if (chosen) chosen.setAttribute('aria-pressed', 'false');
  chosen = node;
  node.setAttribute('aria-pressed', 'true');
  const copy = answer.cloneNode(true);
  copy.removeAttribute('id');
  panel.replaceChildren(copy);
  show(panel);
  panel.parentElement.classList.add('chosen');
  panel.scrollTop = 0;
  panel.scrollIntoView({ block: 'nearest' });
};
const bring = (node) => {
  choose(node);
  const box = node.getBoundingClientRect(), frame = drawing.getBoundingClientRect();
  // In the middle; of what is wider than the window the beginning, where its name stands.
  drawing.scrollBy(box.left - frame.left - Math.max((frame.width - box.width) / 2, 12), box.top - frame.top - (frame.height - box.height) / 2);
};
if (drawing) {
  const svg = drawing.querySelector('svg');
  svg.setAttribute('role', 'group');
  const nodes = [...svg.querySelectorAll('.node')].filter((n) => answers.has(n.id));
  for (const node of nodes) {
    const answer = answers.get(node.id);
    node.setAttribute('role', 'button');
    node.setAttribute('tabindex', '0');
    node.setAttribute('aria-pressed', 'false');
    node.setAttribute('aria-controls', 'answer');
    // The name begins with what is seen, which may be cut, and goes on with what is meant.
    const name = answer.querySelector('h3').textContent;
    const tip = node.querySelector('title'), texts = [...node.querySelectorAll('text')].map((t) => t.textContent);
    if (tip.textContent === texts[0]) tip.remove(); // it says what is seen anyway
    const seen = [...(tip.isConnected ? [tip.textContent] : []), ...texts].join(' ');
    node.setAttribute('aria-label', [seen, ...(seen.includes(name) ? [] : [name]), answer.querySelector('p').textContent].join(', '));
    node.addEventListener('click', () => choose(node));
    node.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        choose(node);
        panel.focus({ preventScroll: true });
      }
    });
  }
  panel.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') chosen.focus();
  });
  const exposed = nodes.filter((n) => answers.get(n.id).classList.contains('exposed'));
  const step = (by) => {
    const at = exposed.indexOf(chosen);
    bring(exposed[at < 0 ? (by > 0 ? 0 : exposed.length - 1) : (at + by + exposed.length) % exposed.length]);
  };
  get('next').addEventListener('click', () => step(1));
  get('previous').addEventListener('click', () => step(-1));
  get('next').disabled = get('previous').disabled = exposed.length === 0;
  const fit = get('fit');
  fit.addEventListener('click', () => fit.setAttribute('aria-pressed', String(drawing.classList.toggle('fit'))));
  document.querySelectorAll('#network [hidden]:not(#answer)').forEach((e) => show(e));
}

// A link leads to its finding or answer, whatever hides it.
const follow = () => {
  let id = '';
  try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
  const target = id && get(id);
  if (!target) return;
  if (target.classList.contains('finding')) {
    if (target.hidden) {
      form.reset();
      clearTimeout(waiting);
      filter();
    }
    target.open = true;
    target.scrollIntoView();
    target.querySelector('summary').focus({ preventScroll: true });
    return;
  }
  if (target.classList.contains('node')) {
    bring(target);
    target.focus({ preventScroll: true });
    panel.parentElement.scrollIntoView(); // the browser has gone to the node, and the answer stands beside
    return;
  }
  if (target.classList.contains('answer')) {
    get('answers').open = true;
    target.scrollIntoView();
  }
};
addEventListener('hashchange', follow);
document.addEventListener('click', (event) => {
  const a = event.target.closest('a[href^="#"]');
  if (a && a.getAttribute('href') === location.hash) follow();
});
follow();
// A browser that goes to the fragment itself, after this, takes the focus away again.
if (location.hash) addEventListener('load', () => setTimeout(follow));

// On paper the urgent findings are open.
let opened = [];
addEventListener('beforeprint', () => {
  opened = [...document.querySelectorAll('[data-tier=act] .finding:not([open]),[data-tier=attend] .finding:not([open])')].filter((f) => !f.hidden).slice(0, 200);
  opened.forEach((f) => { f.open = true; });
});
addEventListener('afterprint', () => { opened.forEach((f) => { f.open = false; }); opened = []; });
})();
