// Takes the pictures of docs/images: the report, and the comment of a pull request as GitHub shows Markdown.
import { readFileSync, writeFileSync, mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import puppeteer from 'puppeteer-core';
import { marked } from 'marked';

const [, , report, recorded, out] = process.argv;
const packages = createRequire(import.meta.url);
const read = (name) => readFileSync(name, 'utf8');
const browser = await puppeteer.launch({ executablePath: process.env.BROWSER, headless: true, args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb'] });
const open = async (file, width, height, scheme) => {
  const tab = await browser.newPage();
  tab.on('pageerror', (e) => { throw e; });
  await tab.setViewport({ width, height });
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await tab.goto('file://' + file, { waitUntil: 'load' });
  return tab;
};

for (const scheme of ['light', 'dark']) {
  const tab = await open(report, 1200, 860, scheme);
  await tab.screenshot({ path: join(out, `report-${scheme}.png`) });
  await tab.close();
}
const tab = await open(report, 1200, 860, 'light');
await tab.click('#surface a[href^="#node-"]');
await new Promise((done) => setTimeout(done, 300));
await tab.screenshot({ path: join(out, 'report-network.png') });

// What GitHub got as the comment, with the diagram drawn as GitHub draws it.
const body = JSON.parse(read(recorded)).comments?.[0]?.Body ?? read(recorded).match(/"Body": ("(?:[^"\\]|\\.)*")/)?.[1];
const text = typeof body === 'string' && body.startsWith('"') ? JSON.parse(body) : body;
if (!text) throw new Error('no comment was recorded');
const renderer = new marked.Renderer();
const code = renderer.code.bind(renderer);
renderer.code = (token) => token.lang === 'mermaid' ? `<pre class="mermaid">${token.text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</pre>` : code(token);
// Not every machine has a font with these.
const colours = { '🔴': '#dd2e44', '🟠': '#f4900c', '🟡': '#fdcb58', '🔵': '#55acee', '⚪': '#ccd6dd', '🟢': '#78b159', '⚫': '#31373d', '🟣': '#aa8ed6' };
const dots = (html) => html.replace('🚪', '<svg width="12" height="16" viewBox="0 0 12 16" style="vertical-align:-2px"><rect width="12" height="16" rx="1" fill="#c1694f"/><circle cx="9.5" cy="8.5" r="1.3" fill="#ffd983"/></svg>').replace(/([🔴🟠🟡🔵⚪🟢⚫🟣]) ?/gu, (_, c) => `<svg width="14" height="14" viewBox="0 0 14 14" style="vertical-align:-2px"><circle cx="7" cy="7" r="6.5" fill="${colours[c]}"/></svg>&#8288;`);
const mermaid = packages.resolve('mermaid/dist/mermaid.min.js');
const style = packages.resolve('github-markdown-css/github-markdown-light.css');
const page = join(mkdtempSync(join(tmpdir(), 'comment-')), 'comment.html');
writeFileSync(page, `<!DOCTYPE html><meta charset="utf-8"><title>comment</title><link rel="stylesheet" href="file://${style}">
<style>body{margin:0;padding:16px;background:#fff}.box{border:1px solid #d1d9e0;border-radius:6px;width:860px}.head{background:#f6f8fa;border-bottom:1px solid #d1d9e0;border-radius:6px 6px 0 0;padding:8px 16px;font:14px system-ui,sans-serif;color:#59636e}.head b{color:#1f2328}.markdown-body{font-family:-apple-system,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif;padding:16px;font-size:14px}.mermaid{background:#fff!important;text-align:center}</style>
<div class="box"><div class="head"><b>github-actions</b> bot commented</div><article class="markdown-body">${dots(marked.parse(text, { renderer, gfm: true }))}</article></div>
<script src="file://${mermaid}"></script><script>mermaid.initialize({startOnLoad:false});mermaid.run().then(()=>{document.title='drawn'});</script>`);
const comment = await open(page, 900, 900, 'light');
if (text.includes('```mermaid')) await comment.waitForFunction(() => document.title === 'drawn');
await (await comment.$('.box')).screenshot({ path: join(out, 'comment.png') });
await browser.close();
