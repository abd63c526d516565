"""Bar charts as SVG, small, readable on light and dark pages."""
from xml.sax.saxutils import escape

STYLE = '''<style>
 .page{fill:#ffffff;stroke:#d0d7de} text{fill:#1f2328;font:12px system-ui,sans-serif} .title{font-weight:600}
 .sconce{fill:#0969da} .peer{fill:#8c959f} .limit{fill:#bf8700}
 @media (prefers-color-scheme:dark){.page{fill:#0d1117;stroke:#30363d} text{fill:#e6edf3} .sconce{fill:#4493f8} .peer{fill:#6e7681}
 .limit{fill:#d29922}}
</style>'''
WIDTH, LABEL, BAR = 640, 210, 300


def kind_of(who):
    return who if who in ('sconce', 'limit') else 'peer'


def bars(title, groups, text):
    """`groups`: [(label, [(who, value)])]; bars of a group are drawn against the largest value of that group."""
    rows, y = [], 44
    for label, values in groups:
        largest = max(value for _, value in values)
        rows.append('<text x="16" y="%d">%s</text>' % (y + 11, escape(label)))
        for who, value in values:
            length = max(BAR * value / largest, 1)
            rows.append('<rect class="%s" x="%d" y="%d" width="%.1f" height="12" rx="2"/>' % (kind_of(who), LABEL + 80, y, length))
            rows.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (LABEL + 72, y + 11, escape(who)))
            rows.append('<text x="%.1f" y="%d">%s</text>' % (LABEL + 86 + min(length, BAR - 56), y + 11, escape(text(value)))
                        if length < BAR - 60 else
                        '<text x="%d" y="%d">%s</text>' % (LABEL + 80 + BAR + 4, y + 11, escape(text(value))))
            y += 16
        y += 10
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{t}">\n'
            '{style}\n<rect class="page" x="0.5" y="0.5" width="{rw}" height="{rh}" rx="6"/>\n'
            '<text class="title" x="16" y="26">{t}</text>\n{rows}\n</svg>\n').format(
                w=WIDTH, h=y + 4, rw=WIDTH - 1, rh=y + 3, t=escape(title), style=STYLE, rows='\n'.join(rows))
