"""The style of the report."""

_COLORS = (
    ("#0f172a", "#f1f5f9"),
    ("#2563eb", "#60a5fa"),
    ("#dc2626", "#f87171"),
    ("#059669", "#34d399"),
    ("#d97706", "#fbbf24"),
    ("#7c3aed", "#a78bfa"),
    ("#db2777", "#f472b6"),
    ("#0891b2", "#22d3ee"),
    ("#65a30d", "#a3e635"),
    ("#ea580c", "#fb923c"),
    ("#475569", "#94a3b8"),
)
"""Colors of a chart's lines on a light and on a dark page; the first one is that of all labels."""

_RULES = """
:root{color-scheme:light dark;--page:#f8fafc;--card:#fff;--ink:#0f172a;--soft:#475569;
--edge:#e2e8f0;--bar:#dbeafe;--right:5,150,105;--wrong:220,38,38}
@media(prefers-color-scheme:dark){:root{--page:#0b1120;--card:#141c2f;--ink:#e2e8f0;--soft:#94a3b8;
--edge:#26324a;--bar:#1e3a6b;--right:52,211,153;--wrong:248,113,113}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1120px;margin:0 auto;padding:32px 20px}
section+section{margin-top:64px;padding-top:32px;border-top:2px solid var(--edge)}
h1{margin:0;font-size:28px;overflow-wrap:anywhere}
h2{margin:36px 0 8px;font-size:18px}
.facts{display:flex;flex-wrap:wrap;gap:4px 20px;margin:6px 0 0;padding:0;list-style:none;
color:var(--soft);overflow-wrap:anywhere}
.hint{margin:0 0 10px;color:var(--soft);font-size:13px}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(128px,1fr));gap:10px;
margin:24px 0}
.tiles div,.chart,.scroll,.gallery figure{background:var(--card);border:1px solid var(--edge);
border-radius:10px}
.tiles div{padding:10px 14px}
.tiles dt{color:var(--soft);font-size:13px}
.tiles dd{margin:0;font-size:22px;font-weight:600;font-variant-numeric:tabular-nums}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr));gap:14px}
figure{margin:0}
.chart{padding:14px}
.chart figcaption{font-weight:600}
.chart svg{display:block;width:100%;height:auto}
.chart text{fill:var(--soft);font-size:11px}
.grid{stroke:var(--edge);fill:none}
polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}
polyline.c0{stroke-width:2.8}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;margin:6px 0 0;padding:0;list-style:none;
font-size:13px;overflow-wrap:anywhere}
.key{display:inline-block;width:14px;height:3px;margin-right:6px;vertical-align:middle;
border-radius:2px}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:6px 12px;text-align:right;white-space:nowrap}
thead th{color:var(--soft);font-size:13px;font-weight:500}
tbody tr{border-top:1px solid var(--edge)}
th[scope=row],.word{text-align:left;font-weight:500;max-width:320px;overflow:hidden;
text-overflow:ellipsis}
.bar{background:linear-gradient(90deg,var(--bar) calc(var(--part)*100%),transparent 0)
no-repeat 0 50%/100% 90% content-box}
.scroll:has(.confusion){width:fit-content;max-width:100%}
.confusion{width:auto}
.confusion td{min-width:52px;text-align:center}
.confusion thead th{text-align:center}
.right{background:rgba(var(--right),calc(var(--part)*.75))}
.wrong{background:rgba(var(--wrong),calc(var(--part)*.75))}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,500px),1fr));gap:14px}
.gallery figure{padding:10px}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:6px}
.pair img{display:block;width:100%;max-height:420px;object-fit:contain;border-radius:6px}
.gallery figcaption{margin-top:6px;color:var(--soft);font-size:13px;overflow-wrap:anywhere}
.gallery b{color:var(--ink);font-weight:600}
.notes{margin:0;padding-left:20px;color:var(--soft);overflow-wrap:anywhere}
footer{margin-top:40px;color:var(--soft);font-size:13px}
"""

_LIGHT = "".join(
    f".c{number}{{stroke:{light}}}.key.c{number}{{background:{light}}}"
    for number, (light, _) in enumerate(_COLORS)
)
_DARK = "".join(
    f".c{number}{{stroke:{dark}}}.key.c{number}{{background:{dark}}}"
    for number, (_, dark) in enumerate(_COLORS)
)

STYLE = f"{_RULES}{_LIGHT}\n@media(prefers-color-scheme:dark){{{_DARK}}}\n"
"""The style sheet."""
