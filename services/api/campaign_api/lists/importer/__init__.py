"""Importing a CSV file as a recipient list: lines, records, rows, batches, the list.

`line_reader` cuts the file into lines in bounded memory, `record` splits a line into fields,
`columns` reads the header, `row_parser` turns records into rows and rejects, `loader` writes
them, and `recipient_list` does it all for one file.
"""
