"""A study's file: what it may say, and what is made of it before anything runs.

study      the study as its file states it      space        the axes that it searches
yaml_file  reading the file, within limits      limits       how large a study may be
meaning    what the shape alone does not show   words        mistakes in a stranger's words
fits       against data and memory              other_names  what other tools call things
answers    its claims and figures               template     a new file
examples   of what it may say                   json_schema  for editors
docstrings what is said of its keys             document     docs/studies.md
"""
