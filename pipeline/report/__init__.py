"""FINAL_REPORT.md and FINAL_REPORT.html: what a run was, drawn from its folder alone.

    facts     read what lies in the folder: seals told, metrics, figures, tables
    chapters  put it into words: a list of blocks, the same for both files
    markdown  write the blocks as text
    page      write them as one page that needs nothing else

All text of a run is foreign here: a name or a cell is shown, and never markup.
"""
