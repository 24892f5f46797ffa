import { type Markup, trusted } from './markup.ts';

/** The page's one style sheet: screen, phone and paper; light and dark. Colours of lines tell apart without red and green. */
export const STYLE: Markup = trusted(`
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1e23;--soft:#5a626e;--rule:#dfe3e8;--panel:#f5f6f8;--warn:#fff6e0;--warn-edge:#c98a00;
--s1:#0b62b5;--s2:#c2570c;--s3:#6b4fa0;--s4:#2a7f78;--quiet:#8a93a0;--heat:11,98,181;--miss:194,87,12;--link:#0b57a4}
@media(prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e7eaee;--soft:#a3acb8;--rule:#333a43;--panel:#1d2127;--warn:#2c2412;--warn-edge:#e0a52e;
--s1:#6cb2f5;--s2:#f09a5b;--s3:#b79df0;--s4:#6cc9bf;--quiet:#7d8794;--heat:74,144,217;--miss:224,120,50;--link:#8cc2f7}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif}
main,header,nav,footer{max-width:66rem;margin:0 auto;padding:0 1.25rem}
a{color:var(--link)}
h1{font-size:1.9rem;line-height:1.2;margin:.1rem 0 .6rem;overflow-wrap:anywhere}
h2{font-size:1.35rem;line-height:1.3;margin:0 0 .7rem}
h3{font-size:1.02rem;margin:1.4rem 0 .4rem}
p{margin:.5rem 0;max-width:48rem}
.kicker{color:var(--soft);margin:1.4rem 0 0;letter-spacing:.02em}
.never{border-left:4px solid var(--warn-edge);background:var(--warn);padding:.55rem .8rem;max-width:none}
.on{margin-top:1rem;max-width:none}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(13.5rem,1fr));gap:.75rem;margin:.6rem 0 1rem}
.tile{border:1px solid var(--rule);border-radius:8px;padding:.7rem .85rem;background:var(--panel)}
.tile dt{font-size:.92rem;color:var(--soft)}
.tile dd{margin:0;display:flex;flex-direction:column}
.tile b{font-size:1.75rem;line-height:1.25;font-variant-numeric:tabular-nums}
.tile span{font-variant-numeric:tabular-nums}
.tile small{color:var(--soft);margin-top:.25rem}
.warnings{border:1px solid var(--warn-edge);border-radius:8px;padding:.8rem 1rem;background:var(--warn);margin:0 0 1.2rem}
.warnings h2{font-size:1.1rem;margin:0 0 .35rem}
.warnings ul{margin:0;padding-left:1.1rem}
.warnings li{margin:.25rem 0}
nav{border-top:1px solid var(--rule);border-bottom:1px solid var(--rule);padding-top:.6rem;padding-bottom:.6rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;margin:0;padding:0}
main>section{padding:1.6rem 0;border-bottom:1px solid var(--rule)}
.scroll{overflow-x:auto;margin:.7rem 0;max-width:100%}
table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding:.2rem 0}
caption span{display:block;max-width:min(48rem,calc(100vw - 2.2rem))}
th,td{padding:.28rem 1rem .28rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}
thead th{font-weight:600;border-bottom:2px solid var(--rule);vertical-align:bottom}
tbody th{font-weight:500}
th.num,td.num{text-align:right}td.num{white-space:nowrap}tbody th{min-width:5.5rem}.matrix tbody th{min-width:0}
code{font:.86em/1.4 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
pre{font:.82rem/1.45 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;background:var(--panel);padding:.8rem;border-radius:8px;overflow:auto}
.matrix td{text-align:right;padding:.3rem .55rem;min-width:3.6rem}
.matrix th{padding-right:.6rem}
.matrix thead th+th{text-align:right}
.matrix small{display:block;color:inherit;opacity:.8;font-size:.78rem;min-height:1.1em}
.matrix .right{background:color-mix(in srgb,rgb(var(--heat)) calc(var(--share)*.55),transparent)}
.matrix .wrong{background:color-mix(in srgb,rgb(var(--miss)) calc(var(--share)*.75),transparent)}
.matrix .sum{color:var(--soft)}
.flow{list-style:none;padding:0;margin:.5rem 0;max-width:34rem}
.flow li{border:1px solid var(--rule);border-radius:6px;padding:.35rem .7rem;margin:.35rem 0;background:var(--panel)}
.flow li.out{margin-left:3rem;border-style:dashed;background:none}
.flow li.part{margin-left:1.5rem}
.flow b{font-variant-numeric:tabular-nums;display:inline-block;min-width:4rem}
figure{margin:1rem 0}
figcaption{color:var(--soft);font-size:.93rem;max-width:48rem;margin:.3rem 0}
.chart{display:block;width:100%;max-width:34rem;height:auto}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:0 1.2rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:0 1.5rem;align-items:start}
svg text{font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,Arial,"DejaVu Sans",sans-serif;fill:var(--soft)}
svg text.axis{font-size:12.5px;fill:var(--fg)}
svg text.small{font-size:10.5px}
svg text.label{font-size:13px;font-weight:600;fill:var(--fg);paint-order:stroke;stroke:var(--bg);stroke-width:3px}
.grid{stroke:var(--rule);stroke-width:1}
.reference{stroke:var(--quiet);stroke-width:1.3;stroke-dasharray:5 4}
.rule{stroke:var(--quiet);stroke-width:1;stroke-dasharray:2 3}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}
.whisker{stroke-width:1.8}
.line.s1,.whisker.s1{stroke:var(--s1)}.line.s2,.whisker.s2{stroke:var(--s2);stroke-dasharray:7 3}.line.s3,.whisker.s3{stroke:var(--s3);stroke-dasharray:2 3}
.line.s4,.whisker.s4{stroke:var(--s4);stroke-dasharray:9 3 2 3}.line.quiet,.whisker.quiet{stroke:var(--quiet);stroke-dasharray:4 3}
.whisker.s2,.whisker.s3,.whisker.s4{stroke-dasharray:none}
.dot,.mark{stroke:var(--bg);stroke-width:1}
.s1.dot,.s1.mark,.s1.bar{fill:var(--s1)}.s2.dot,.s2.mark,.s2.bar{fill:var(--s2)}.s3.dot,.s3.mark,.s3.bar{fill:var(--s3)}.s4.dot,.s4.mark{fill:var(--s4)}.quiet.dot,.quiet.mark,.quiet.bar{fill:var(--quiet)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1rem;margin:.1rem 0;padding:0;font-size:.9rem;color:var(--soft)}
.legend svg{width:26px;height:10px;margin-right:.35rem}
.forest{width:160px;height:18px;display:block}
details{margin:.5rem 0}
summary{cursor:pointer;color:var(--link)}
.checklist summary{font-weight:600}
.num small,td small{white-space:nowrap}
td>small:not(.matrix *){display:block;color:var(--soft)}
.open{color:var(--soft);font-style:italic}
.note{color:var(--soft);font-size:.93rem}
.caution{border-left:4px solid var(--warn-edge);background:var(--warn);padding:.6rem .8rem;max-width:none}
.gallery{list-style:none;margin:.4rem 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(8.6rem,1fr));gap:.8rem}
.gallery li{display:flex;flex-direction:column;font-size:.85rem;line-height:1.35;overflow-wrap:anywhere}
.gallery img{width:100%;height:auto;aspect-ratio:1;object-fit:contain;background:var(--panel);border-radius:4px;margin-bottom:.25rem}
.gallery small,.gallery span{color:var(--soft)}
footer{color:var(--soft);font-size:.9rem;padding-top:1rem;padding-bottom:2rem}
@media(max-width:34rem){h1{font-size:1.5rem}.tiles{grid-template-columns:1fr 1fr}.tile{padding:.55rem .6rem}.tile b{font-size:1.35rem}.flow li.out{margin-left:1.5rem}
.gallery{grid-template-columns:repeat(auto-fill,minmax(6.8rem,1fr))}main,header,nav,footer{padding-left:.9rem;padding-right:.9rem}}
@page{size:A4;margin:14mm 13mm}
@media print{html{font-size:10pt}:root{color-scheme:light;--bg:#fff;--fg:#000;--soft:#444;--rule:#ccc;--panel:#fff;--warn:#fff;--s1:#0b62b5;--s2:#c2570c;--s3:#6b4fa0;--s4:#2a7f78;--quiet:#777;--heat:11,98,181;--miss:194,87,12;--link:#000}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
main,header,nav,footer{max-width:none;padding:0}nav,summary{display:none}
h2,h3,caption{break-after:avoid}figure>svg,.tile,.gallery li,tr,.flow,.scroll,.charts>div{break-inside:avoid}.chart{max-width:12cm}.charts .chart{max-width:none}
.scroll{overflow:visible}table{font-size:8.5pt}pre{white-space:pre-wrap;font-size:7.5pt}details::details-content{content-visibility:visible!important;display:block}
.tiles{grid-template-columns:repeat(4,1fr)}.tile b{font-size:14pt}.gallery{grid-template-columns:repeat(6,1fr)}.charts{grid-template-columns:repeat(2,1fr)}caption span{max-width:none}.pair{grid-template-columns:1fr 1fr}}
`);
