"""The site: the published matrix as pages to read, search and cite, made of files only.

    results × catalogue → model → texts, catching ─┐
    drawings (one trial a scenario) → diagram ─────┼→ templates → pages
                                      badges ──────┘

A page needs no server, no script and no other host: it opens from a folder. Scripts add the search and the filters.
What clients said is data: templates escape it, always. Only ``build`` writes files; the rest is pure.
"""
