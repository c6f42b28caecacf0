"""How the page looks: by day, by night, on a telephone and on paper.

The colours are those of Okabe and Ito, which nobody mixes up; none is the only sign of
anything.
"""

from __future__ import annotations

STYLE = """
:root {
  --ink: #1b1f24; --soft: #5b6570; --line: #d9dee3; --back: #ffffff; --tint: #f5f7f9;
  --pass: #00735a; --gate: #9a5b00; --failed: #b03a00; --skipped: #5b6570;
  --waiting: #5b6570; --stopped: #5b6570; --reused: #0072b2; --link: #005a9c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e8ec; --soft: #9aa5b1; --line: #343c45; --back: #14181d; --tint: #1c2229;
    --pass: #33c9a0; --gate: #f0b03f; --failed: #ff8a4c; --skipped: #9aa5b1;
    --waiting: #9aa5b1; --stopped: #9aa5b1; --reused: #56b4e9; --link: #7cc0f5;
  }
  figure:not(.drawing) img { background: #ffffff; }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; color: var(--ink); background: var(--back);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue",
    "DejaVu Sans", Arial, sans-serif;
}
main { max-width: 56rem; margin: 0 auto; padding: 2.5rem 1.5rem 5rem; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: 1.9rem; margin: 0 0 1rem; letter-spacing: -0.01em; }
h2 {
  font-size: 1.3rem; margin: 3rem 0 1rem; padding-top: 1.25rem;
  border-top: 1px solid var(--line);
}
h3 { font-size: 1.05rem; margin: 1.5rem 0 0.5rem; }
h1 + p { font-size: 1.1rem; }
p, ul, dl, pre, figure, .wide { margin: 0 0 1rem; overflow-wrap: anywhere; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 2px; }
code, pre {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono",
    monospace;
  font-size: 0.875em;
}
h1 code, h2 code { font-size: 0.92em; }
pre {
  padding: 0.8rem 1rem; overflow-x: auto; background: var(--tint);
  border: 1px solid var(--line); border-radius: 6px; line-height: 1.45;
}
.mark { font-weight: 600; white-space: nowrap; }
.pass { color: var(--pass); } .gate { color: var(--gate); }
.failed { color: var(--failed); } .skipped { color: var(--skipped); }
.waiting, .open { color: var(--waiting); } .stopped { color: var(--stopped); }
dl div { display: flex; gap: 1rem; padding: 0.3rem 0;
  border-bottom: 1px solid var(--line); }
dt { flex: 0 0 9rem; color: var(--soft); }
dd { margin: 0; min-width: 0; }
dl.numbers { columns: 3 15rem; column-gap: 2.5rem; font-size: 0.92rem; }
dl.numbers div { justify-content: space-between; break-inside: avoid; }
dl.numbers dt { flex: 0 1 auto; color: var(--ink); min-width: 0; }
dl.numbers dd { flex: none; font-variant-numeric: tabular-nums; }
details { margin: 0 0 1rem; }
summary { cursor: pointer; color: var(--soft); margin: 0 0 0.6rem; font-size: 0.92rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
caption { text-align: left; color: var(--soft); padding: 0 0 0.4rem;
  font-size: 0.92rem; }
th, td { padding: 0.35rem 0.9rem 0.35rem 0; text-align: left;
  vertical-align: baseline; }
th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--soft); }
td { border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
td:first-child:has(.mark) { width: 1%; }
td:has(.mark), td code { white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1.5rem 0; break-inside: avoid; }
figure img, figure svg { display: block; max-width: 100%; height: auto;
  margin: 0 auto; }
figcaption { margin-top: 0.5rem; color: var(--soft); font-size: 0.9rem; }
.over, .out { color: var(--soft); font-size: 0.92rem; margin-bottom: 0.3rem; }
.callout {
  margin: 1.5rem 0 2rem; padding: 0.25rem 1.25rem; border-left: 4px solid currentColor;
  background: var(--tint); border-radius: 0 6px 6px 0;
}
.callout > * { color: var(--ink); }
.callout h2 { border: 0; margin: 0.75rem 0 0.5rem; padding: 0; }
.callout pre { background: var(--back); }
.callout .mark.gate { color: var(--gate); }
.callout .mark.failed { color: var(--failed); }
svg text { font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", Arial, sans-serif; }
svg .name { font-weight: 600; fill: var(--ink); }
svg .said, svg .took, svg .tick { font-size: 12px; fill: var(--soft); }
svg .tick { text-anchor: middle; }
svg .label { text-anchor: end; fill: var(--ink); }
svg .edge { fill: none; stroke: var(--soft); stroke-width: 1.4; }
svg .head { fill: var(--soft); stroke: none; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .box rect { fill: var(--back); stroke: currentColor; stroke-width: 1.8; }
svg .box .said { fill: currentColor; }
svg .box.skipped rect, svg .box.waiting rect { stroke-dasharray: 4 3; }
svg .box.failed rect, svg .box.gate rect { stroke-width: 3; }
svg .bar.pass { fill: var(--pass); } svg .bar.gate { fill: var(--gate); }
svg .bar.failed { fill: var(--failed); } svg .bar.stopped { fill: var(--stopped); }
svg .bar.reused { fill: var(--reused); }
nav { padding: 1.5rem 1.5rem 0; max-width: 56rem; margin: 0 auto; font-size: 0.9rem; }
nav ul { list-style: none; padding: 0; margin: 0; display: flex; flex-wrap: wrap;
  gap: 0.25rem 1.1rem; }
nav a { color: var(--soft); text-decoration: none; }
nav a:hover { color: var(--link); text-decoration: underline; }
@media (min-width: 82rem) {
  nav { position: fixed; top: 0; left: 0; bottom: 0; width: 14rem; overflow-y: auto;
    padding: 2.75rem 1rem 2rem 1.75rem; border-right: 1px solid var(--line); }
  nav ul { display: block; } nav li { margin: 0.3rem 0; }
  body { padding-left: 14rem; }
}
@media (max-width: 36rem) {
  main { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.5rem; }
  dl:not(.numbers) div { display: block; }
  dl:not(.numbers) dt { font-size: 0.85rem; }
  pre { white-space: pre-wrap; }
  table { font-size: 0.85rem; }
  th, td { padding-right: 0.6rem; }
}
@media print {
  @page { margin: 18mm 16mm; }
  :root { color-scheme: light; --ink: #000000; --back: #ffffff; --tint: #f5f5f5;
    --soft: #444444; --line: #cccccc; --pass: #00735a; --gate: #9a5b00;
    --failed: #b03a00; --reused: #0072b2; --link: #000000; }
  body { font-size: 10pt; padding: 0; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  h2 { break-after: avoid; margin-top: 1.6rem; }
  h3 { break-after: avoid; }
  pre { white-space: pre-wrap; overflow: visible; break-inside: avoid; }
  tr, figure, dl div { break-inside: avoid; }
  figure img { max-height: 11cm; width: auto; }
  .wide { overflow: visible; }
  details::details-content { content-visibility: visible; display: block; }
  a { text-decoration: none; }
}
"""
